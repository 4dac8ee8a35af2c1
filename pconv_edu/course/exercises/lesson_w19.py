"""Judges of page w19."""
from pconv_edu.course.exercises import exercise, is_right, near


@exercise("w19.1")
def windows_with_a_scratch(answer):
    if is_right(answer, 3 / 20, share=True): return None
    if near(answer, 3) or near(answer, 20): return "the question asks for a share: of all windows, how many are computed"
    if near(answer, 3 / 12):
        return "4 · 3 windows would cover it side by side; they overlap, and each adds only 1024 − 128 = 896 pixels"
    if near(answer, 17 / 20): return "that is the share of the windows that are skipped"
    return "how many windows fit along 4000 pixels, and along 3000? The first covers 1024, each further one 896 more"


@exercise("w19.2")
def seconds_of_telea(answer):
    if is_right(answer, .1 / (.25 * 256**2) * 2.4e6): return None
    if near(answer, 0.1 / 256**2 * 24e6, 0.02):
        return "that is for a hole of 25 % again: Telea pays for the hole's pixels, and these are 10 % of the photo"
    if near(answer, 0.1 / 256**2 * 2.4e6, 0.02):
        return "the 0.1 s were for the hole's pixels alone, a quarter of 256 × 256"
    if near(answer, .04): return "that is for a photo of the same size: the new one has more pixels"
    if near(answer, 14650, .02): return "those are milliseconds"
    return "0.1 s for 0.25 · 256² pixels of hole: how long for one, and how long for 0.1 · 24,000,000?"
