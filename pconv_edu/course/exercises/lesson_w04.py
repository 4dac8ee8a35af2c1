"""Judges of page w04."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("w04.2")
def mask_for(answer):
    torch.manual_seed(1)
    first = [answer(n) for n in range(6)]
    if any(not isinstance(mask, torch.Tensor) or mask.shape != (1, 64, 64) for mask in first):
        return "return a mask [1,64,64], as irregular_mask(64, …) makes it"
    if any(not ((mask == 0) | (mask == 1)).all() for mask in first):
        return "a mask holds 1 (valid) and 0 (hole), and no other value"
    torch.manual_seed(2)
    again = [answer(n) for n in reversed(range(6))][::-1]
    if not all(torch.equal(a, b) for a, b in zip(first, again)):
        return ("called again, in another order, it gives different masks, so two evaluations would differ: "
                "give irregular_mask a seed made from n")
    if len({mask.numpy().tobytes() for mask in first}) == 1:
        return "every pair gets the same mask: n must be part of the seed"
    if len({mask.numpy().tobytes() for mask in first}) < 6:
        return "some pairs share a mask: every n needs its own seed"


@exercise("w04.1")
def free_border(answer):
    if answer == 25: return None
    if answer == 50: return "50 pixels is the border at 512; your pictures are half that size"
    if answer == 100: return "a smaller picture has a smaller border: multiply by 256 / 512"
    return "the same share of a side: 50 / 512 of 256"
