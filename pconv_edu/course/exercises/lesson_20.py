"""Judges of lesson 20: super-resolution as filling holes."""
import torch

from pconv_edu.course.exercises import exercise


def _near(answer, value: float) -> bool: return abs(float(answer) - value) < 6e-3


@exercise("20.1")
def ratio_of_a_third(answer):
    if _near(answer, 1 / 9): return "that is the share of known pixels; the hole is the rest"
    if _near(answer, 2 / 3): return "two out of three are missing along a row, but most rows are missing as well"
    if _near(answer, .75): return "that is for twice the width and height"
    if not _near(answer, 8 / 9): return "of each 3 × 3 block of the large picture, how many pixels are known?"


@exercise("20.2")
def kernel_over_a_fence(answer):
    if answer == 4: return "four pixels in a row always hold a known one, but the kernel must be odd"
    if answer == 3: return "known pixels are 4 apart: between two of them there are three in a row that are not known"
    if answer == 7: return "a smaller one will do, away from the border of the picture"
    if answer != 5: return "the widest gap has three unknown pixels in a row: which odd window cannot fit into it?"


@exercise("20.3")
def mean_of_blocks(answer):
    image = torch.arange(2 * 3 * 4 * 6.).view(2, 3, 4, 6)
    given = answer(image)
    wanted = image.unflatten(-1, (3, 2)).unflatten(-3, (2, 2)).mean((-1, -3))
    if not isinstance(given, torch.Tensor) or given.shape != wanted.shape:
        return f"for [2,3,4,6] return a tensor [2,3,2,3], not {list(getattr(given, 'shape', [])) or given!r}"
    if torch.allclose(given, image[..., ::2, ::2]): return "that drops three out of four pixels; take their mean instead"
    if torch.allclose(given, 4 * wanted): return "that is the sum of the block; divide it by 4"
    if not torch.allclose(given, wanted): return "the first block of rows 0, 1 and columns 0, 1 has the mean 3.5 here"
