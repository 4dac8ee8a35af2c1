"""Solutions of page w19, and wrong answers that must get a hint."""

right = {
    "w19.1": 3 / 20,
    "w19.2": 14.65,
}

wrong = {
    "w19.1": [3, 20, 3 / 12, 17 / 20, .5, 15],
    "w19.2": [36.6, 3.66, .04, 14650, 1, 15],
}
