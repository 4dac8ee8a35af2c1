"""Solutions of page w07, and wrong answers that must get a hint."""

right = {
    "w07.1": (4, 5),
}

wrong = {
    "w07.1": [(3, 5), (4, 1), (4, 20 / 3), (4, 2), 4, "4, 5", (4,), (4, 5 ** .5)],
}
