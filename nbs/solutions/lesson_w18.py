"""Solutions of page w18, and wrong answers that must get a hint."""

right = {
    "w18.1": 3,
    "w18.2": 1 / .65,
}

wrong = {
    "w18.1": [5, 2, 4, 6, 10],
    "w18.2": [2, .65, 1.35, 1.7, 1.5],
}
