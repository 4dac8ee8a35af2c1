"""Solutions of page w05, and wrong answers that must get a hint."""


def stays(scores, keep):
    measured = {step: score for step, score in scores.items() if score is not None}
    return set(sorted(scores)[-keep:]) | ({min(measured, key=measured.get)} if measured else set())


def _best(scores): return {min(scores, key=scores.get)} if scores else set()


def unsorted_steps(scores, keep):
    return {*list(scores)[-keep:], *_best({step: score for step, score in scores.items() if score is not None})}


def best_of_the_others(scores, keep):
    newest = sorted(scores)[-keep:]
    return {*newest, *_best({step: scores[step] for step in scores if scores[step] is not None and step not in newest})}


def zero_is_no_score(scores, keep):
    return {*sorted(scores)[-keep:], *_best({step: score for step, score in scores.items() if score})}


def takes_them_out(scores, keep):
    kept = stays(scores, keep)
    for step in kept: del scores[step]
    return kept


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
        unsorted_steps, best_of_the_others, zero_is_no_score, takes_them_out,
    ],
}
