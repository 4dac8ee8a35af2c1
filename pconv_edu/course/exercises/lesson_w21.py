"""Judges of page w21."""
from pconv_edu.course.exercises import exercise


@exercise("w21.1")
def too_large_by(answer):
    if answer == 576: return None
    if answer == 9: return "that is the kernel alone; sum(1) counts every channel, too"
    if answer == 64: return "that is the channels alone; sum(1) counts every position in the kernel, too"
    return "sum(1) is the number of ones in a window: channels × height × width of the kernel"
