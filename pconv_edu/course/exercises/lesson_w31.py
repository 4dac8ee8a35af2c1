"""Judges of page w31."""
from math import isclose

from pconv_edu.course.exercises import exercise


@exercise("w31.1")
def he_std(answer):
    for out, inputs, k in ((128, 64, 3), (32, 3, 7)):
        given, fan = answer((out, inputs, k, k)), inputs * k * k
        same = lambda value: isclose(float(given), value, rel_tol=1e-6)
        if same((2 / fan) ** .5): continue
        if same(2 / fan): return "that is the variance; the standard deviation is its root"
        if same((1 / fan) ** .5): return "the ReLU throws half of the signal away: which factor makes up for that?"
        if same((2 / (out * k * k)) ** .5): return "an output adds up its inputs: count those, not the outputs"
        if same((2 / inputs) ** .5): return "each output reads k × k pixels of every input channel"
        return (f"weights [{out}, {inputs}, {k}, {k}]: how many numbers does one output add up? "
                "The variance is 2 over that")
