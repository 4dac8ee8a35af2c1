"""Solutions of lesson 01, pictures, and wrong answers that must get a hint."""
import numpy as np
import torch

from pconv_edu.pictures import to_tensor


def from_bgr(array): return to_tensor(np.ascontiguousarray(array[..., ::-1]))


def mirror(picture): return picture.flip(-1)


right = {"1.1": 18, "1.2": from_bgr, "1.3": mirror}

wrong = {
    "1.1": [4.5, 6, 3, 18 * 2**20, 18.874, 12],
    "1.2": [
        to_tensor, lambda a: a[..., ::-1], lambda a: torch.from_numpy(a[..., ::-1].copy()),
        lambda a: from_bgr(a) * 255, lambda a: to_tensor(np.ascontiguousarray(a[:, ::-1])),
        lambda a: from_bgr(a).double(), lambda a: torch.from_numpy(a[..., ::-1] / 255).permute(2, 0, 1),
        lambda a: from_bgr(a) * 0.5,
    ],
    "1.3": [
        lambda p: p.flip(1), lambda p: p.flip(0), lambda p: p.flip(1).flip(2), lambda p: p.transpose(1, 2),
        lambda p: p, lambda p: p.copy_(p.flip(-1)),
    ],
}
