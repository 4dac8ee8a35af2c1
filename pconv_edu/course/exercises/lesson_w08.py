"""Judges of page w08."""
from pconv_edu.course.exercises import exercise


@exercise("w08.1")
def usable_terms(answer):
    nan, inf = float("nan"), float("inf")
    if not answer({"loss": 1.5, "tv": 0., "style": -2.}): return "finite numbers are usable, 0 and negative ones too"
    if answer({"loss": nan}):
        return "NaN passes: x < y is False if either is NaN, so test for what good numbers pass, such as abs(x) < inf"
    if answer({"loss": inf}): return "infinity passes; it equals itself, so x == x does not find it"
    if answer({"loss": -inf}):
        return "minus infinity passes: it is smaller than infinity. Take abs(x), or math.isfinite"
    if answer({"loss": 1.0, "style": nan}) or answer({"style": nan, "loss": 1.0}):
        return "every term must be checked, not just one of them"
    if answer({"loss": 1., "a": inf, "b": -inf}): return "infinities of both signs hide each other in a sum"
