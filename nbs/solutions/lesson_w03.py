"""Solutions of page w03, and wrong answers that must get a hint."""

right = {
    "w03.1": 4,
}

wrong = {
    "w03.1": [8, 2000 / 256, 2000, 2, 1],
}
