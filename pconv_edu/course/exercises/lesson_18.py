"""Judges of lesson 18: the value that hides the hole, a paired gain, the best of five."""
import math

from pconv_edu.course.exercises import exercise


@exercise("18.1")
def the_value(answer):
    if abs(answer - 5) < 1e-3: return None
    if abs(answer - 4.44) < 0.01:
        return "4.44 is the plain result with 0 in the hole; which value makes (40 + v) / 9 the partial result?"
    if abs(answer - 127.5) < 1e-3: return "that is the paper's value; it gives (40 + 127.5) / 9 = 18.6"
    return "the partial result is 40 / 8; solve (40 + v) / 9 = 40 / 8"


def _error(values):
    return (sum((v - sum(values) / len(values)) ** 2 for v in values) / (len(values) - 1) / len(values)) ** 0.5


@exercise("18.2")
def gain_and_error(f):
    partial, plain = [20., 24., 22., 27.], [19., 23.5, 20.5, 26.]
    gains = [a - b for a, b in zip(partial, plain)]
    found = f(list(partial), list(plain))
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        return "return two numbers: the mean gain and its standard error"
    mean, error = map(float, found)
    if abs(mean + sum(gains) / 4) < 1e-4: return "the sign: partial less plain"
    if abs(mean - sum(gains) / 4) > 1e-4:
        return "the gain of a seed is partial less plain; take the mean over the seeds"
    if abs(error - _error(gains)) < 1e-4: return None
    if abs(error - math.hypot(_error(partial), _error(plain))) < 1e-4:
        return "that treats the two lists separately; the spread of the gains, seed by seed, is what counts"
    if abs(error - _error(gains) * 2) < 1e-4:
        return "that is the standard deviation; divide it by √n for the error of the mean"
    if abs(error - _error(gains) * (3 / 4) ** .5) < 1e-4: return "divide the sum of squares by n − 1, not by n"
    return "deviations of the gains from their mean, squared, summed, divided by n − 1; the root of that; divided by √n"


@exercise("18.3")
def fair(f):
    runs = [20.1, 20.4, 19.8, 20.9, 20.3]
    found = float(f(list(runs)))
    if abs(found - sum(runs) / 5) < 1e-4 or abs(found - 20.1) < 1e-4: return None
    if abs(found - max(runs)) < 1e-4:
        return (
            "the best of five lies about 0.35 dB above a typical run, by luck alone; the plain network had one try"
        )
    if abs(found - min(runs)) < 1e-4: return "the worst of five is just as unfair, the other way round"
    return "what would you expect a single run to score, picked without looking?"
