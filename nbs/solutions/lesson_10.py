"""Solutions of lesson 10, and answers that must be refused."""
from pconv_edu.losses import LossWeights

right = {"10.1": .324, "10.2": LossWeights(valid=.5, hole=3, perceptual=.05, style=120, tv=.05), "10.3": {"perceptual", "style", "tv"}}
wrong = {"10.1": [.711, .205, 1.],
         "10.2": [LossWeights(), LossWeights(valid=2, hole=12, tv=.2), LossWeights(valid=.5, hole=3), LossWeights(perceptual=.1, style=120), 3],
         "10.3": [{"tv"}, {"valid", "tv"}, "style"]}
