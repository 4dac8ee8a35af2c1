"""Solutions of page w06, and wrong answers that must get a hint."""

right = {
    "w06.1": 7000,
}

wrong = {
    "w06.1": [7300, 7001, 300, 6999, 5],
}
