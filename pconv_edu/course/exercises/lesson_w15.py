"""Judges of page w15."""
from pconv_edu.course.exercises import exercise


@exercise("w15.1")
def how_many(answer):
    if 380 <= answer <= 420: return None
    if 95 <= answer <= 105: return "four times as many pictures halve the interval; it should be a quarter"
    return "the interval shrinks with 1/√n: a quarter of it needs 16 times as many"
