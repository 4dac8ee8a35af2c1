"""Solutions of page w08, and wrong answers that must get a hint."""


def is_usable(terms): return all(abs(value) < float("inf") for value in terms.values())


right = {
    "w08.1": is_usable,
}

wrong = {
    "w08.1": [
        lambda terms: True, lambda terms: False,
        lambda terms: all(value == value for value in terms.values()),
        lambda terms: all(value < float("inf") for value in terms.values()),
        lambda terms: abs(terms["loss"]) < float("inf"),
        lambda terms: not any(value == float("inf") or value == float("-inf") for value in terms.values()),
    ],
}
