"""Solutions of page w31, and wrong answers that must get a hint."""


def he_std(shape):
    _, inputs, height, width = shape
    return (2 / (inputs * height * width)) ** .5


right = {
    "w31.1": he_std,
}

wrong = {
    "w31.1": [
        lambda shape: 2 / (shape[1] * shape[2] * shape[3]), lambda shape: (1 / (shape[1] * shape[2] * shape[3])) ** .5,
        lambda shape: (2 / (shape[0] * shape[2] * shape[3])) ** .5, lambda shape: (2 / shape[1]) ** .5,
        lambda shape: (2 / (shape[1] * shape[2])) ** .5, lambda shape: .1, lambda shape: shape,
    ],
}
