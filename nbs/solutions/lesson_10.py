"""Solutions of lesson 10, and answers that must be refused."""
from pconv_edu.losses import LossWeights

right = {
    "10.1": 0.324,
    "10.2": LossWeights(valid=0.5, hole=3, perceptual=0.05, style=120, tv=0.05),
    "10.3": {"perceptual", "style", "tv"},
}
wrong = {
    "10.1": [0.711, 0.205, 1.0],
    "10.2": [
        LossWeights(), LossWeights(valid=2, hole=12, tv=0.2), LossWeights(valid=0.5, hole=3),
        LossWeights(perceptual=0.1, style=120), 3,
        LossWeights(valid=.5, hole=3, perceptual=.025, style=60, tv=.05),
    ],
    "10.3": [{"tv"}, {"valid", "tv"}, "style"],
}
