"""Judges of page w16."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("w16.1")
def mean_of_the_valid(answer):
    if abs(answer - .45) < 1e-3: return None
    if abs(answer - .4) < 1e-3: return "those are the two neighbours of the hole; this fill takes all valid pixels"
    if abs(answer - 1.8 / 7) < 1e-2:
        return "the sum is right, but a hole is not a pixel of value 0: divide by the number of valid ones"
    if abs(answer - 1.8) < 1e-3: return "that is the sum of the valid pixels; divide it by their number"
    return "the mean of the valid pixels, wherever they are: how many are there?"


def _left_loop(image, mask, before=.5):
    "The slow specification of w16.2."
    filled = image.clone()
    for y in range(image.shape[1]):
        for x in range(image.shape[2]):
            if mask[0, y, x] == 0: filled[:, y, x] = filled[:, y, x - 1] if x else before
    return filled


@exercise("w16.2")
def from_the_left(f):
    torch.manual_seed(1)
    image, mask = torch.rand(3, 5, 9), (torch.rand(1, 5, 9) > .45).float()
    mask[:, 1:3, :2], kept = 0, image.clone()
    found = f(image * mask, mask.clone())
    if tuple(found.shape) != (3, 5, 9): return f"return the picture, [3, 5, 9], and not {list(found.shape)}"
    if not torch.equal(found * mask, kept * mask): return "valid pixels must stay as they are"
    if torch.allclose(found, _left_loop(image * mask, mask)): return None
    if torch.allclose(found, _left_loop((image * mask).flip(2), mask.flip(2)).flip(2)):
        return "that is the neighbour to the right"
    if torch.allclose(found, _left_loop(image * mask, mask, before=0)):
        return "nearly: where nothing valid is to the left, the value is 0.5"
    one_step = torch.where(mask > 0, image, torch.cat([torch.full((3, 5, 1), .5), (image * mask)[:, :, :-1]], 2))
    if torch.allclose(found, one_step):
        return "the pixel to the left may lie in the hole, too: continue to the nearest valid one"
    return "walk along each row from left to right, and carry the last valid colour with you; begin with 0.5"
