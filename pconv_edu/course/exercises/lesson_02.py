"""Judges of lesson 02, masks."""
import torch

from pconv_edu.course.exercises import exercise
from pconv_edu.masks import irregular_mask, rect_mask


@exercise("2.1")
def _(number):
    if isinstance(number, (tuple, list)): return "give the bin's number, 0 to 5, not its limits"
    if number == 2: return None
    if number == 3: return "bins are numbered from 0: (0.2, 0.3] is the third, so its number is 2"
    if number in (.25, 25): return "that is the ratio; which of the six bins contains it?"
    if number == 16384 / 256: return "divide by all pixels, 256 × 256, not by one side"
    return "16,384 of 65,536 pixels are a quarter; find it among the RATIO_BINS and count from 0"


@exercise("2.2")
def _(to_mask):
    levels = torch.tensor([[0, 127, 255], [255, 128, 3]], dtype=torch.uint8)
    white = torch.tensor([[[0., 0, 1], [1, 1, 0]]])
    from_black, from_white = to_mask(levels, "black"), to_mask(levels, "white")
    if not isinstance(from_black, torch.Tensor):
        return f"a {type(from_black).__name__} came back; a mask is a torch.Tensor"
    if tuple(from_black.shape) != (1, 2, 3):
        return f"levels [2, 3] became {list(from_black.shape)}; a mask is [1, H, W]: levels[None]"
    if not from_black.is_floating_point(): return f"the mask is {from_black.dtype}; make it float"
    if not set(from_black.unique().tolist()) <= {0.0, 1.0}:
        return "some values are neither 0 nor 1: the greys 127, 128 and 3 must become black or white; compare with 128"
    if torch.equal(from_black, from_white):
        return "'white' and 'black' gave the same mask: one of them must be inverted"
    if torch.equal(from_black, 1 - white):
        return "inverted: with hole='black' the white pixels are valid, and valid is 1"
    if torch.equal(from_black, (levels > 128).float()[None]): return "128 counts as white, too: >= 128 and not > 128"
    if not torch.equal(from_black, white): return "with hole='black' only the bright pixels (128 and above) are valid"
    return None if torch.equal(from_white, 1 - white) else "with hole='white' only the dark pixels are valid"


@exercise("2.3")
def _(hardest_bin):
    small, large = irregular_mask(64, .05, seed=1), irregular_mask(64, .45, seed=2)
    batch = torch.stack([small, large, rect_mask(64, 8, 8, 24, 32)])
    got = hardest_bin(batch)
    if isinstance(got, torch.Tensor) and got.numel() > 1: return "return one number: the bin of the largest hole"
    if got in (0, 2): return "that is the bin of another mask of the batch: the largest hole has the largest hole_ratio"
    if abs(float(got) - .45) < .01: return "that is the ratio; ratio_bin gives its bin"
    if got != 4: return "hole_ratio(masks) gives one ratio for each mask; take the largest, then ratio_bin of it"
    half = rect_mask(64, 0, 0, 32, 64)
    if hardest_bin(torch.stack([half, small])) != 4:
        return "a hole of exactly half is in the bin (0.4, 0.5]: ratio_bin knows"
    return (
        None
        if hardest_bin(batch[[1]].expand(2, 1, 64, 64)) == 4 and hardest_bin(batch[:1]) == 0
        else "right for one batch and wrong for another: it must work for any batch"
    )
