"""Solutions of lesson 14, and wrong answers that must get a hint."""
import torch


def stays(scores, keep):
    measured = {step: score for step, score in scores.items() if score is not None}
    return set(sorted(scores)[-keep:]) | ({min(measured, key=measured.get)} if measured else set())


def is_usable(terms): return all(abs(value) < float("inf") for value in terms.values())


def same_run(a, b):
    same = lambda x, y: x.dtype == y.dtype and x.shape == y.shape and x.contiguous().numpy().tobytes() == y.contiguous().numpy().tobytes()
    return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)


right = {"14.1": stays, "14.2": 7000, "14.3": (4, 5), "14.4": is_usable, "14.5": "abcd", "14.6": 2400, "14.7": 300, "14.8": same_run}

wrong = {
    "14.1": [
        lambda scores, keep: set(sorted(scores)[-keep:]),
        lambda scores, keep: set(sorted(scores)[:keep]),
        lambda scores, keep: {max(scores), min(scores, key=lambda step: scores[step] if scores[step] is not None else 9)},
        lambda scores, keep: set(sorted(scores)[-keep:]) | {max(scores, key=lambda step: scores[step] or 0)},
        lambda scores, keep: set(sorted(scores)[-keep:]) | {min(scores, key=lambda step: scores[step] or 9)},
        lambda scores, keep: set(scores),
    ],
    "14.2": [7300, 7001, 300, 6999, 5],
    "14.3": [(3, 5), (4, 1), (4, 20 / 3), (4, 2), 4],
    "14.4": [
        lambda terms: True, lambda terms: False,
        lambda terms: all(value == value for value in terms.values()),
        lambda terms: all(value < float("inf") for value in terms.values()),
        lambda terms: abs(terms["loss"]) < float("inf"),
        lambda terms: not any(value == float("inf") or value == float("-inf") for value in terms.values()),
    ],
    "14.5": ["abcdef", "ab", "acd", "abd", "abc", "abcdx", 4],
    "14.6": [600, 2376, 2401, 2424],
    "14.7": [7000, 500, 200, 7300],
    "14.8": [lambda a, b: all(torch.equal(a[n], b[n]) for n in a), lambda a, b: a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a),
             lambda a, b: a.keys() == b.keys() and all(torch.allclose(a[n].double(), b[n].double(), equal_nan=True) for n in a), lambda a, b: True, lambda a, b: False,
             lambda a, b: all(torch.equal(a[n], b[n]) for n in a if n in b)],
}
