"""Solutions of page w05, and wrong answers that must get a hint."""


def stays(scores, keep):
    measured = {step: score for step, score in scores.items() if score is not None}
    return set(sorted(scores)[-keep:]) | ({min(measured, key=measured.get)} if measured else set())


right = {
    "w05.1": stays,
}

wrong = {
    "w05.1": [
        lambda scores, keep: set(sorted(scores)[-keep:]),
        lambda scores, keep: set(sorted(scores)[:keep]),
        lambda scores, keep: {
            max(scores),
            min(scores, key=lambda step: scores[step] if scores[step] is not None else 9),
        },
        lambda scores, keep: set(sorted(scores)[-keep:]) | {max(scores, key=lambda step: scores[step] or 0)},
        lambda scores, keep: set(sorted(scores)[-keep:]) | {min(scores, key=lambda step: scores[step] or 9)},
        lambda scores, keep: set(scores),
    ],
}
