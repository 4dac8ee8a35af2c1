"""Solutions of page 23, and wrong answers that must get a hint."""
import torch
from torch import nn

from pconv_edu.losses import hole_ring
from pconv_edu.masks import irregular_mask, rect_mask


def has_batchnorm(net):
    found = {m for m in net.modules() if isinstance(m, nn.BatchNorm2d)}
    return all(block.bn in found for block in (*net.encoder[1:], *net.decoder[:-1]))


def minds_its_own_picture(fill):
    images, masks = torch.rand(3, 3, 32, 32), torch.stack([irregular_mask(32, .3, seed=i) for i in range(3)])
    return torch.allclose(fill(images[:1], masks[:1]), fill(images, masks)[:1], atol=1e-4)


def is_normalised(features):
    mean = torch.tensor([.485, .456, .406]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    return all(level.abs().max() < 1e-4 for level in features(mean))


def stays_in_the_ring(tv):
    mask, picture = rect_mask(16, 2, 2, 4, 4)[None], torch.rand(1, 3, 16, 16)
    far = torch.where(hole_ring(mask) > 0, picture, torch.rand(1, 3, 16, 16))
    return torch.allclose(tv(picture, mask), tv(far, mask)) and tv(torch.full((1, 3, 16, 16), .5), mask) == 0


def sees_every_pair(tv):
    stripes = torch.tensor([0., 1, 0, 1, 0]).view(1, 1, 5, 1).expand(1, 1, 5, 5)
    return all(abs(tv(x, torch.zeros(1, 1, 5, 5)).item() * 25 - 20) < 1e-4 for x in (stripes, stripes.mT))


def never(*things): return False


def always(*things): return True


def stops(*things): raise RuntimeError("no such thing")


def _one_colour_only(tv): return tv(torch.full((1, 3, 16, 16), .5), rect_mask(16, 2, 2, 4, 4)[None]) == 0


def _rows_only(tv):
    return (
        abs(
            tv(torch.tensor([0.0, 1, 0, 1, 0]).view(1, 1, 5, 1).expand(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)).item() * 25
            - 20
        )
        < 1e-4
    )


def _compares_the_directions(tv):
    stripes, hole = torch.tensor([0., 1, 0, 1, 0]).view(1, 1, 5, 1).expand(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    return torch.allclose(tv(stripes, hole), tv(stripes.mT, hole))


right = {
    "23.1": has_batchnorm,
    "23.2": minds_its_own_picture,
    "23.3": is_normalised,
    "23.4": stays_in_the_ring,
    "23.5": sees_every_pair,
}

_narrow = {
    "23.1": [
        lambda net: sum(block.bn is not None for block in (*net.encoder, *net.decoder)) == 6,
        lambda net: any(isinstance(m, nn.BatchNorm2d) for m in net.modules()),
        lambda net: {block.bn for block in net.encoder[1:]} <= {*net.modules()},
    ],
    "23.2": [lambda fill: fill(torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)).shape == (2, 3, 32, 32)],
    "23.3": [
        lambda features: len(features(torch.full((1, 3, 16, 16), 0.5))) == 3,
        lambda features: all(level.abs().max() < 1e-4 for level in features(torch.zeros(1, 3, 16, 16))),
    ],
    "23.4": [_one_colour_only],
    "23.5": [_rows_only, _compares_the_directions],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
