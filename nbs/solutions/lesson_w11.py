"""Solutions of page w11, and wrong answers that must get a hint."""

right = {
    "w11.1": 63,
}

wrong = {
    "w11.1": [125, 66, 31, 8],
}
