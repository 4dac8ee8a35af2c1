"""Solutions of page w17, and wrong answers that must get a hint."""
from statistics import mean, median


def times_as_long(above, below): return median(a / b for a, b in zip(above, below))


right = {
    "w17.1": 1 / 192,
    "w17.2": times_as_long,
}

wrong = {
    "w17.1": [1 / 64, 1 / 3, 49 / 192, 192, 1 / 147, 0.5, .005, .52],
    "w17.2": [
        lambda above, below: mean(a / b for a, b in zip(above, below)),
        lambda above, below: sum(above) / sum(below), lambda above, below: median(above) / median(below),
        lambda above, below: 1,
    ],
}
