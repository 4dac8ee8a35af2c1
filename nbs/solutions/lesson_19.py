"""Solutions of lesson 19, and wrong answers that must get a hint."""

right = {
    "19.1": .2,
    "19.2": ["valid + hole"],
    "19.3": lambda truths: truths.median(0).values,
}

wrong = {
    "19.1": [.41, .9, .55, .5],
    "19.2": [["+ perceptual"], ["valid + hole", "+ TV"], [], ["pixels"], 3],
    "19.3": [
        lambda truths: truths.mean(0), lambda truths: truths[0], lambda truths: truths.median(), lambda truths: 0,
        lambda truths: truths.amax(0),
    ],
}
