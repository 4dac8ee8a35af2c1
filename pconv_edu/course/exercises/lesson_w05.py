"""Judges of page w05."""
from pconv_edu.course.exercises import exercise


@exercise("w05.1")
def which_checkpoints_stay(answer):
    none = None
    cases = [
        ({1000: 0.5, 2000: 0.3, 3000: 0.4, 4000: 0.6}, 2), ({1000: none, 2000: none, 3000: none}, 1),
        ({500: 0.1, 1000: none, 1500: 0.2}, 2), ({100: 0.3, 200: 0.2, 300: 0.1}, 3),
        ({10: 0.5, 20: 0.3, 30: 0.1}, 1), ({9: 0.2, 7: 0.3, 8: 0.1}, 1), ({1: 0.0, 2: 0.4}, 1),
    ]
    right = [{2000, 3000, 4000}, {3000}, {500, 1000, 1500}, {100, 200, 300}, {30}, {8, 9}, {1, 2}]
    got = [set(answer(dict(scores), keep)) for scores, keep in cases]
    if got == right: return None
    if got[0] == {3000, 4000}:
        return "the newest are right; the best one, of the lowest score, stays as well, however old it is"
    if got[0] == {4000, 2000}: return "the `keep` newest stay: two here"
    if got[0] == {1000, 2000}: return "those are the oldest: the newest have the highest steps"
    if got[1] in ({1000, 3000}, {2000, 3000}, {1000, 2000, 3000}): return "where no score was measured there is no best: only the newest stay"
    if got[4] == {20, 30}: return "if the best is already among the newest, no other checkpoint stays in its place"
    (scores, keep), wanted = next((case, r) for case, g, r in zip(cases, got, right) if g != r)
    return f"for {scores} and keep={keep} the answer is {wanted}"
