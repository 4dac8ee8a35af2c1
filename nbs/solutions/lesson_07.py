"""Solutions of lesson 07, and answers that must be refused."""
import torch

from pconv_edu.course.exercises.lesson_07 import suspect_normalise
from pconv_edu.losses.perceptual import IMAGENET_MEAN, IMAGENET_STD

mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))


def normalise(image): return (image - mean) / std


right = {"7.1": 128 * 24 * 24, "7.2": normalise}
wrong = {
    "7.1": [128 * 96 * 96, 128 * 48 * 48, 256 * 12 * 12, 64 * 48 * 48, 24 * 24, 1],
    "7.2": [
        suspect_normalise, lambda i: normalise(i.flip(1)), lambda i: normalise(i * 2 - 1), lambda i: i - mean,
        lambda i: i / std - mean, lambda i: i, lambda i: i.mean(1),
    ],
}
