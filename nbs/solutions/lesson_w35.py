"""Solutions of page w35, and wrong answers that must get a hint."""


def both(operations, moved, tflops, gb_per_second):
    "Seconds by arithmetic and by memory, for each operation."
    return [o / tflops / 1e12 for o in operations], [b / gb_per_second / 1e9 for b in moved]


def at_best(*given): return sum(map(max, *both(*given)))


right = {
    "w35.1": at_best,
}

wrong = {
    "w35.1": [
        lambda *given: max(map(sum, both(*given))),
        lambda *given: sum(map(sum, both(*given))),
        lambda *given: sum(map(min, *both(*given))),
        lambda *given: sum(both(*given)[0]),
        lambda *given: sum(both(*given)[1]),
        lambda *given: max(map(max, *both(*given))),
        lambda *given: at_best(*given) * 1e12,
        lambda operations, moved, tflops, gb_per_second: sum(
            max(o / tflops, b / gb_per_second) for o, b in zip(operations, moved)
        ),
        lambda operations, moved, tflops, gb_per_second: at_best([8e12, 1e9, 6e12], [1e9, 8e12, 2e12], 400, 2000),
        lambda *given: True,
    ],
}
