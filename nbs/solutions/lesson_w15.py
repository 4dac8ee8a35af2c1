"""Solutions of page w15, and wrong answers that must get a hint."""

right = {
    "w15.1": 400,
}

wrong = {
    "w15.1": [100, 50, 1600],
}
