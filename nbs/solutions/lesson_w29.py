"""Solutions of page w29, and wrong answers that must get a hint."""
import torch


def valid_in_groups(mask, groups): return mask.unflatten(1, (groups, -1)).sum(2)


right = {
    "w29.1": valid_in_groups,
}

wrong = {
    "w29.1": [
        lambda mask, groups: mask.sum(1, keepdim=True), lambda mask, groups: mask.sum(1),
        lambda mask, groups: mask.unflatten(1, (groups, -1)).sum(1),
        lambda mask, groups: mask.unflatten(1, (-1, groups)).sum(1),
        lambda mask, groups: mask.unflatten(1, (groups, -1)).mean(2),
        lambda mask, groups: mask.unflatten(1, (groups, -1)).amax(2),
        lambda mask, groups: torch.stack([mask[:, :3].sum(1), mask[:, 3:].sum(1)], 1),
        lambda mask, groups: mask, lambda mask, groups: mask[:, :groups], lambda mask, groups: groups,
    ],
}
