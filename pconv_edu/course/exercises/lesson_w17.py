"""Judges of page w17."""
from pconv_edu.course.exercises import exercise, is_right, near


@exercise("w17.1")
def share_of_one_plane(answer):
    if is_right(answer, 1 / 192, share=True): return None
    if near(answer, 1 / 64): return "every one of the 3 input channels is multiplied, for each output"
    if near(answer, 1 / 3): return "that is one kernel; the layer has 64 of them"
    if near(answer, 49 / 192): return "the 49 cancels: it is in the numerator and in the denominator"
    if near(answer, 192): return "the other way round: divide the smaller number by the larger"
    if near(answer, 1 / 147):
        return (
            "147 = 3 · 49 multiplications are those of one kernel. The layer has 64 kernels, and the count takes 49"
        )
    return "a window costs 49 · 3 · 64 multiplications, and 49 additions"


@exercise("w17.2")
def times_in_turns(answer):
    cases = [
        ([1.1, 2.2, 1.2], [1.0, 2.0, 1.0], 1.1), ([2.0, 2.0, 2.0, 9.0, 2.0], [1.0, 1.0, 1.0, 1.0, 1.0], 2.0),
        ([1.0, 5.0, 6.0], [1.0, 2.0, 6.0], 1.0), ([3.0, 1.0, 4.0, 2.0], [1.0, 1.0, 2.0, 1.0], 2.0),
    ]
    for above, below, right in cases:
        got = float(answer(above, below))
        if near(got, right, 1e-6): continue  # the precision of float32
        ratios = [a / b for a, b in zip(above, below)]
        if near(got, sum(ratios) / len(ratios), 1e-6):
            return "one slow round moves the mean; which other average does it hardly move?"
        if near(got, sum(above) / sum(below), 1e-6):
            return "the slow rounds have the most weight in a sum; divide round by round"
        if near(got, sorted(above)[len(above) // 2] / sorted(below)[len(below) // 2], 1e-6):
            return "two medians may come from different rounds; divide round by round first"
        return f"above {above}, below {below} give {right:g}"
