"""Judges of lesson 05: the U-Net."""
from pconv_edu.course.exercises import exercise


@exercise("5.1")
def parameters_of_pconv13(answer):
    weights = 9 * (512 + 256) * 256
    if answer == weights: return "those are the convolution's weights; BatchNorm learns two numbers for each channel"
    if answer == weights + 256: return "BatchNorm learns a scale and a shift for each channel: two, not one"
    if answer == weights + 4 * 256: return "the running mean and variance are measured, not learned"
    if answer == weights + 3 * 256: return "the convolution has no bias: BatchNorm's shift does its work"
    if answer in (9 * 512 * 256, 9 * 512 * 256 + 512): return "the skip link's 256 channels go in as well"
    if answer in (3 * 768 * 256, 3 * 768 * 256 + 512): return "a 3 × 3 kernel has 9 numbers"
    if answer != weights + 512:
        return "kernel² · (channels from below + channels of the skip link) · channels out, and BatchNorm's scale and shift"


@exercise("5.2")
def can_train(answer):
    cases = [
        ((2, 128, 128, 7), True, "two pictures give two values, even at 1 × 1"),
        ((1, 128, 128, 7), False, "one picture of 128 × 128 is 1 × 1 after 7 halvings"),
        ((1, 256, 256, 7), True, "256 × 256 is 2 × 2 after 7 halvings"),
        ((1, 129, 100, 7), True, "129 pixels are padded to 256, and that is 2 after 7 halvings: round up"),
        ((1, 50, 60, 7), False, "50 × 60 is padded to 128 × 128, and that is 1 × 1 after 7 halvings"),
        ((1, 64, 256, 7), True, "64 × 256 is padded to 128 × 256: 1 × 2 values"),
        ((1, 256, 256, 8), False, "256 × 256 is 1 × 1 after 8 halvings"),
    ]
    for case, right, why in cases:
        found = answer(*case)
        if found not in (True, False): return f"answer with True or False: for batch {case[0]} it returns {found!r}"
        if found != right:
            return f"batch {case[0]}, {case[1]} × {case[2]}, {case[3]} stages: {why}, so the answer is {right}"
