"""Judges of page 21."""
from pconv_edu.course.exercises import choices, exercise


def _close(a, b, eps=6e-3) -> bool: return abs(float(a) - b) < eps


@exercise("21.1")
def corner_of_a_5_by_5_kernel(answer):
    if _close(answer, 2.25): return "that is the corner of a 3 × 3 kernel"
    if _close(answer, 25 / 15): return "that is an edge: there 15 of 25 are inside"
    if _close(answer, 9 / 25): return "that is the share of pixels inside; the ratio is one over it"
    if not _close(answer, 25 / 9):
        return (
            "padding 2 puts the window's centre on the corner pixel: how many of its 25 pixels are inside the picture?"
        )


@exercise("21.2")
def which_are_swapped(answer):
    given = choices(answer, "abcde")
    if "b" in given: return "b is a 1 × 1 convolution: no window reaches over the border"
    if "c" in given: return "c has no padding, so no window reaches over the border"
    if "d" in given: return "d's border is made of real pixels; nothing is missing there"
    if given != {"a", "e"}: return "two of them pad with zeros, and padding='same' pads as well"
