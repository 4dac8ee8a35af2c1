"""Solutions of page w21, and wrong answers that must get a hint."""

right = {
    "w21.1": 576,
}

wrong = {
    "w21.1": [9, 64, 192, 1 / 576],
}
