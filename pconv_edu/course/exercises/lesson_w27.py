"""Judges of page w27."""
import numpy as np

from pconv_edu.course.exercises import exercise


@exercise("w27.1")
def avoid(answer):
    fill = np.array([[0, 1, 499, 500], [501, 700, 65534, 65535]])
    for clear in (500, 0, 65535):
        given = np.asarray(answer(fill.copy(), clear))
        if given.shape != fill.shape: return f"the fill has shape {list(fill.shape)}, and yours {list(given.shape)}"
        given = given.astype(int)
        if (given == clear).any(): return f"with clear = {clear}, your fill still has that level: a hole again"
        if given.min() < 0 or given.max() > 65535:
            return f"with clear = {clear}, your fill has {given.min()} to {given.max()}; 16 bits hold 0 to 65535"
        other = fill != clear
        if (given[other] != fill[other]).any(): return "levels that are not the transparent one must stay as they are"
        if (abs(given[~other] - clear) != 1).any():
            return f"with clear = {clear}, the nearest level that is allowed is one away, and yours is further off"
