"""Judges of lesson 03: how a hole closes."""
import torch
import torch.nn.functional as F

from pconv_edu.course.exercises import exercise


@exercise("3.1")
def layers_for_21_pixels(answer):
    if answer == 5: return "after 5 layers 21 - 5·4 = 1 pixel is left"
    if answer in (10, 11):
        return "that is for a 3 × 3 window; a 5 × 5 window reaches 2 pixels beyond the rim, on every side"
    if answer in (4, 21 / 5, 4.2):
        return "a layer does not take 5 pixels off the width: it takes 2 off the left and 2 off the right"
    if answer in (5.25, 5.0): return "there is no quarter of a layer: what is left after 5 layers needs another whole one"
    if answer != 6:
        return "how many pixels does a 5 × 5 window reach beyond its centre? Subtract that from both sides until nothing is left"


@exercise("3.2")
def layers_for_any_hole(answer):
    if answer(5, 3) != 3:
        if answer(5, 3) == answer(4, 3) == answer(6, 3) == 2:  # hole / kernel, rounded up
            return ("for a 5-pixel hole and a 3 × 3 window it gives 2. You round up already, but a layer takes "
                    "kernel - 1 pixels off the width, not kernel")
        if answer(5, 3) == 2:
            return "for a 5-pixel hole and a 3 × 3 window it gives 2: one pixel is left then. Round up"
        if answer(5, 3) in (5, 1):
            return f"for a 5-pixel hole and a 3 × 3 window it gives {answer(5, 3)}: a layer takes kernel - 1 pixels from the width"
        return f"for a 5-pixel hole and a 3 × 3 window it gives {answer(5, 3)}, and 3 is right: 5 → 3 → 1 → gone"
    if answer(4, 3) != 2:
        return f"for a 4-pixel hole and a 3 × 3 window it gives {answer(4, 3)}, and 2 is right: 4 → 2 → gone"
    for hole, kernel, right in ((21, 5, 6), (128, 7, 22), (12, 7, 2)):
        if answer(hole, kernel) != right:
            return f"for a {hole}-pixel hole and a {kernel} × {kernel} window it gives {answer(hole, kernel)}, and {right} is right: a layer takes kernel - 1 pixels"
    if answer(0, 3) != 0: return "where there is no hole, no layer is needed"


@exercise("3.3")
def all_valid(answer):
    mask = torch.ones(1, 9, 11)
    mask[:, 3:5, 4] = 0
    new, right = answer(mask), 1 - F.max_pool2d(1 - mask, 3, 1)
    if not isinstance(new, torch.Tensor): return f"it should return a mask, and returns a {type(new).__name__}"
    if new.shape == mask.shape: return "no padding: a mask of 9 × 11 becomes one of 7 × 9"
    if new.shape != right.shape:
        return f"a mask of shape [1, 9, 11] should become [1, 7, 9], and became {list(new.shape)}"
    if torch.equal(new.to(right.dtype), F.max_pool2d(mask, 3, 1)):
        return "that is the paper's rule: one valid pixel is enough. Which pixel of a window decides when all must be valid?"
    if torch.equal(new.to(right.dtype), 1 - right): return "that has 1 in the holes: flip it"
    if new.min() < 0: return "a mask holds 0 and 1; check the sign"
    if not torch.equal(new.to(right.dtype), right):
        return "the smallest pixel of the window decides: min(M) = 1 - max(1 - M)"
