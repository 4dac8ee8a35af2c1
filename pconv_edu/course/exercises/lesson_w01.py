"""Judges of page w01."""
import numpy as np

from pconv_edu.course.exercises import exercise


@exercise("w01.1")
def _(pixels_after):
    first = np.array([[0, 0, 4], [1, 0, 2], [4, 1, 4]])  # four dabs: the last reached nothing, three pixels are free
    right = [3, 5, 6, 6]
    got = [pixels_after(first, dab) for dab in range(4)]
    if all(np.ndim(value) == 0 and value == wanted for value, wanted in zip(got, right)): return None
    if any(value is None or np.ndim(value) for value in got):
        return "return one number: sum a comparison over all pixels"
    if got == [3, 2, 1, 0]: return "that is what this dab alone has added; the earlier ones belong to the hole, too"
    if got == [0, 3, 5, 6]: return "dab number `dab` itself is painted as well: first <= dab"
    if got == [9 - value for value in right]: return "those are the pixels that are still valid; count the others"
    return f"with first = {first.tolist()} the hole has {right} pixels after dab 0, 1, 2, 3"
