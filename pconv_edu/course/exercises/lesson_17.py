"""Judges of page 17."""
from pconv_edu.course.exercises import exercise


@exercise("17.1")
def over_all_pairs(answer):
    if abs(answer - .25) < 1e-3: return None
    if abs(answer + 0.5) < 1e-3:
        return "that gives both bins the same weight; bin 1 has three times as many pairs. (See how the winner changes: that is why we report each bin)"
    if abs(answer + .25) < 1e-3: return "the sign: A minus B"
    return "(300 · (27 − 26) + 100 · (19 − 21)) / 400"
