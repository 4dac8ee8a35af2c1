"""Solutions of lesson 14, and wrong answers that must get a hint."""
import torch


def same_run(a, b):
    same = lambda x, y: x.dtype == y.dtype and x.shape == y.shape and x.contiguous().numpy().tobytes() == y.contiguous().numpy().tobytes()
    return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)


right = {"14.1": 2400, "14.2": 300, "14.3": same_run}

wrong = {
    "14.1": [600, 2376, 2401, 2424],
    "14.2": [7000, 500, 200, 7300],
    "14.3": [lambda a, b: all(torch.equal(a[n], b[n]) for n in a), lambda a, b: a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a),
             lambda a, b: a.keys() == b.keys() and all(torch.allclose(a[n].double(), b[n].double(), equal_nan=True) for n in a), lambda a, b: True, lambda a, b: False,
             lambda a, b: all(torch.equal(a[n], b[n]) for n in a if n in b)],
}


def stays(scores, keep):
    measured = {step: score for step, score in scores.items() if score is not None}
    return set(sorted(scores)[-keep:]) | ({min(measured, key=measured.get)} if measured else set())


def is_usable(terms): return all(abs(value) < float("inf") for value in terms.values())


right |= {"14.4": stays, "14.5": 7000, "14.6": (4, 5), "14.7": is_usable, "14.8": "abcd"}

wrong |= {
    "14.4": [
        lambda scores, keep: set(sorted(scores)[-keep:]),
        lambda scores, keep: set(sorted(scores)[:keep]),
        lambda scores, keep: {max(scores), min(scores, key=lambda step: scores[step] if scores[step] is not None else 9)},
        lambda scores, keep: set(sorted(scores)[-keep:]) | {max(scores, key=lambda step: scores[step] or 0)},
        lambda scores, keep: set(sorted(scores)[-keep:]) | {min(scores, key=lambda step: scores[step] or 9)},
        lambda scores, keep: set(scores),
    ],
    "14.5": [7300, 7001, 300, 6999, 5],
    "14.6": [(3, 5), (4, 1), (4, 20 / 3), (4, 2), 4],
    "14.7": [
        lambda terms: True, lambda terms: False,
        lambda terms: all(value == value for value in terms.values()),
        lambda terms: all(value < float("inf") for value in terms.values()),
        lambda terms: abs(terms["loss"]) < float("inf"),
        lambda terms: not any(value == float("inf") or value == float("-inf") for value in terms.values()),
    ],
    "14.8": ["abcdef", "ab", "acd", "abd", "abc", "abcdx", 4],
}
