"""Solutions of page 21, and wrong answers that must get a hint."""

right = {
    "21.1": 25 / 9,
    "21.2": ["a", "e"],
}

wrong = {
    "21.1": [2.25, 25 / 15, 9 / 25, 5],
    "21.2": ["abcde", ["a", "c"], ["a", "d", "e"], ["a"], 2],
}
