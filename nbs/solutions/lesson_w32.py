"""Solution of page w32, and wrong answers that must get a hint."""
from math import ceil


def workers_needed(seconds, rate): return ceil(seconds * rate)


right = {
    "w32.1": workers_needed,
}

wrong = {
    "w32.1": [
        lambda seconds, rate: seconds * rate, lambda seconds, rate: int(seconds * rate),
        lambda seconds, rate: round(seconds * rate), lambda seconds, rate: int(seconds * rate) + 1,
        lambda seconds, rate: ceil(rate / seconds), lambda seconds, rate: ceil(1 / seconds), lambda seconds, rate: 2,
        2, True,
    ],
}
