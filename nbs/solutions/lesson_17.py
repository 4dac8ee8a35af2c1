"""Solutions of page 17, and wrong answers that must get a hint."""

right = {
    "17.1": .25,
}

wrong = {
    "17.1": [-.5, -.25, 1],
}
