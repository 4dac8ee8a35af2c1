"""Solutions of lesson 00, the start, and wrong answers that must get a hint."""
import torch


def mean_colour(damaged, mask):
    colour = (damaged * mask).sum((1, 2), keepdim=True) / mask.sum()
    return torch.where(mask > 0, damaged, colour)


right = {"0.1": 26214, "0.2": mean_colour}

wrong = {
    "0.1": [26214.4, 51, 512 * 512, 78643, 78643.2, 26215, 26000, 235930],
    "0.2": [
        lambda damaged, mask: damaged,
        lambda damaged, mask: torch.where(mask > 0, damaged, damaged.mean((1, 2), keepdim=True)),
        lambda damaged, mask: torch.where(mask > 0, damaged, damaged.sum() / (3 * mask.sum())),
        lambda damaged, mask: mean_colour(damaged, mask)[:1],
        lambda damaged, mask: torch.ones_like(damaged) * mean_colour(damaged, mask)[:, 1:2, 2:3],
        lambda damaged, mask: torch.where(mask > 0, damaged, 0.5),
    ],
}
