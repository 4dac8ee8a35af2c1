"""Solutions of lesson 12, and wrong answers that must get a hint."""

right = {
    "12.1": 225_000,
    "12.2": 1,
    "12.3": lambda weights, gradients, lr: [w - lr * g for w, g in zip(weights, gradients)],
}

wrong = {
    "12.1": [4500, 1_350_000, 8_100_000, 225_001, 162_000],
    "12.2": [1000, 1000**0.5, 0, 0.001, 2, 10],
    "12.3": [
        lambda weights, gradients, lr: [w + lr * g for w, g in zip(weights, gradients)],
        lambda weights, gradients, lr: [w - g for w, g in zip(weights, gradients)],
        lambda weights, gradients, lr: [-lr * g for g in gradients], lambda weights, gradients, lr: weights,
        lambda weights, gradients, lr: weights[0],
        lambda weights, gradients, lr: [w.sub_(lr * g) for w, g in zip(weights, gradients)],  # in place
        lambda weights, gradients, lr: [w - g.mul_(lr) for w, g in zip(weights, gradients)],  # the gradients changed
    ],
}
