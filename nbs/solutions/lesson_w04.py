"""Solutions of page w04, and wrong answers that must get a hint."""
from itertools import count

import torch

from pconv_edu.masks import irregular_mask


def mask_for(n): return irregular_mask(64, seed=[27, n])


_calls = count()


right = {
    "w04.2": mask_for,
    "w04.1": 25,
}

wrong = {
    "w04.2": [
        lambda n: irregular_mask(64),
        lambda n: irregular_mask(64, seed=0),
        lambda n: irregular_mask(64, seed=n % 2),
        lambda n: irregular_mask(64, seed=next(_calls)),
        lambda n: torch.ones(64, 64),
        lambda n: torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(n)),
        lambda n: 255 * mask_for(n),
    ],
    "w04.1": [50, 100, 24],
}
