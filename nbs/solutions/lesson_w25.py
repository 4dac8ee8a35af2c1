"""Solutions of page w25, and wrong answers that must get a hint."""

right = {
    "w25.1": [1, 3, 3, 1],
}

wrong = {
    "w25.1": [[1, 2, 2, 1], [1, 2, 1], [3, 1, 1, 3], 4, [1, 3, 3, 2], "1, 3, 3, 1"],
}
