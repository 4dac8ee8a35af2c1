"""Judges of page w14."""
from pconv_edu.course.exercises import exercise


@exercise("w14.1")
def one_kind(answer):
    if abs(answer - 1) < 1e-6: return None
    if answer == 0: return "the mean of the logarithms is 0, and exp(0) is not 0"
    if answer == 1000: return "1,000 would need pictures of all kinds, each recognised with certainty"
    return "here p(y|x) equals p(y) for every picture: what is the logarithm of their quotient?"


@exercise("w14.2")
def fid_of_one_feature(f):
    tests = [((0., 1., 3., 2.), 10.), ((.5, 2., .5, 2.), 0.), ((1., 3., -1., 1.), 8.)]
    found = [float(f(*args)) for args, _ in tests]
    if all(abs(value - wanted) < 1e-6 for value, (_, wanted) in zip(found, tests)): return None
    squared = [(m1 - m2) ** 2 + (s1 ** 2 - s2 ** 2) ** 2 for (m1, s1, m2, s2), _ in tests]
    if all(abs(value - other) < 1e-6 for value, other in zip(found, squared)):
        return "the deviations themselves are compared, not their squares"
    root = [wanted ** .5 for _, wanted in tests]
    if all(abs(value - other) < 1e-6 for value, other in zip(found, root)):
        return "FID is the squared distance: no root"
    return "(difference of the means)² + (difference of the deviations)²"
