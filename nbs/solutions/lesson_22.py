"""Solutions of page 22, and wrong answers that must get a hint."""
import torch
import torch.nn.functional as F
from torch import nn

from pconv_edu.masks import hole_ratio, irregular_mask, rect_mask


def only_zeros_and_ones(mask): return bool(((mask == 0) | (mask == 1)).all())


def is_resized_well(resize): return only_zeros_and_ones(resize(irregular_mask(128, .3, seed=1), 90))


def is_plausible(masks): return all(hole_ratio(mask) <= .65 for mask in masks)


def has_ones(layer_class, channels=5):
    layer, x = layer_class(channels, 4, 3, bias=False), torch.randn(1, channels, 8, 8)
    return torch.allclose(layer(x, torch.ones(1, 1, 8, 8)), F.conv2d(x, layer.weight), atol=1e-5)


def only_bias(layer_class, mask):
    "What a layer of weights 0 and bias 1 makes of a mask."
    layer = layer_class(1, 1, 3)
    nn.init.zeros_(layer.weight), nn.init.ones_(layer.bias)
    return layer(torch.zeros_like(mask), mask)


def keeps_bias(layer_class):
    y = only_bias(layer_class, rect_mask(9, 3, 3, 2, 2)[None])  # smaller than a window: each sees something
    return torch.allclose(y, torch.ones_like(y))


def is_zero_in_the_hole(layer_class): return bool((only_bias(layer_class, torch.zeros(1, 1, 5, 5)) == 0).all())


def never(*things): return False


def always(*things): return True


def stops(*things): raise RuntimeError("no such thing")


def _assertion_of_one_model(layer_class):
    assert has_ones(layer_class, channels=1)
    return True


right = {
    "22.1": is_resized_well,
    "22.2": is_plausible,
    "22.3": has_ones,
    "22.4": keeps_bias,
    "22.5": is_zero_in_the_hole,
}

_narrow = {
    "22.1": [
        lambda resize: only_zeros_and_ones(resize(rect_mask(128, 32, 32, 64, 64), 64)),
        lambda resize: resize(irregular_mask(128, 0.3, seed=1), 90).dtype == torch.uint8,
    ],
    "22.2": [
        lambda masks: sum(map(hole_ratio, masks)) / len(masks) < 0.65,
        lambda masks: all(mask.mean() < 0.5 for mask in masks),
        lambda masks: hole_ratio(masks[0]) <= .6, lambda masks: sum(map(hole_ratio, masks)) / len(masks) <= .5,
    ],
    "22.3": [
        lambda layer_class: has_ones(layer_class, channels=1), _assertion_of_one_model,
        lambda layer_class: layer_class.__name__ == "PartialConv2d",
    ],
    "22.4": [lambda layer_class: bool((only_bias(layer_class, rect_mask(9, 2, 2, 5, 5)[None]) == 1).all())],
    "22.5": [
        lambda layer_class: bool((only_bias(layer_class, rect_mask(9, 2, 2, 5, 5)[None]) == 0).all()),
        lambda layer_class: bool(
            (layer_class(1, 1, 3, bias=False)(torch.ones(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)) == 0).all()
        ),
    ],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
