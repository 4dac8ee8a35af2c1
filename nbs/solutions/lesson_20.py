"""Solutions of lesson 20, and wrong answers that must get a hint."""
import torch.nn.functional as F

right = {
    "20.1": 8 / 9,
    "20.2": 5,
    "20.3": lambda image: F.avg_pool2d(image, 2),
}

wrong = {
    "20.1": [1 / 9, 2 / 3, .75, 3],
    "20.2": [4, 3, 7, 9],
    "20.3": [
        lambda image: image[..., ::2, ::2],
        lambda image: 4 * F.avg_pool2d(image, 2),
        lambda image: F.max_pool2d(image, 2),
        lambda image: F.avg_pool2d(image, 2)[:1],
        lambda image: 3.5,
    ],
}
