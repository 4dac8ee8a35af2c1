"""Solutions of lesson 03, and wrong answers that must get a hint."""
import math

import torch.nn.functional as F

right = {
    "3.1": 6,
    "3.2": lambda hole, kernel: math.ceil(hole / (kernel - 1)),
    "3.3": lambda mask: 1 - F.max_pool2d(1 - mask, 3, 1),
}

wrong = {
    "3.1": [5, 11, 4, 5.25, 21],
    "3.2": [
        lambda hole, kernel: hole // (kernel - 1), lambda hole, kernel: hole,
        lambda hole, kernel: math.ceil(hole / kernel), lambda hole, kernel: hole // 2 + 1,
        lambda hole, kernel: math.ceil(hole / 2),
    ],
    "3.3": [
        lambda mask: F.max_pool2d(mask, 3, 1), lambda mask: 1 - F.max_pool2d(1 - mask, 3, 1, 1),
        lambda mask: F.max_pool2d(1 - mask, 3, 1), lambda mask: -F.max_pool2d(mask, 3, 1),
        lambda mask: mask[:, 1:-1, 1:-1], lambda mask: 1 - F.max_pool2d(1 - mask, 3),
    ],
}
