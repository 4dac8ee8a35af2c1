"""Judges of page w11."""
from pconv_edu.course.exercises import exercise


@exercise("w11.1")
def megabytes(answer):
    if abs(answer - 62.7) <= .5: return None
    if abs(answer - 125.3) <= 1: return "that is float32, 4 bytes for each parameter; float16 has 2"
    if abs(answer - 65.7) <= .5: return "these are megabytes of 10⁶ bytes; the question asks for those of 2²⁰"
    if abs(answer - 31.3) <= .5: return "that is 1 byte for each parameter; a float16 has 16 bits"
    return "parameters × 2 bytes, divided by 2²⁰"
