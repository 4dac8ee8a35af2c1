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


def survives_half(renormalise):
    raw, count = torch.tensor([1., 1, 0]).view(1, 1, 1, 3).half(), torch.tensor([9., 3, 0]).view(1, 1, 1, 3)
    return bool(renormalise(raw, count, 9).isfinite().all())


def counts_exactly(count_windows):
    return all(
        count_windows(torch.ones(1, 2, 3, 3), planes).item() == 9 * sum(planes) for planes in ((64, 3), (448, 63))
    )


def has_no_memory(layer_class):
    layer, x = layer_class(2, 2, 3), torch.randn(1, 2, 8, 8)
    first, second = (irregular_mask(8, .3, seed=seed)[None] for seed in (0, 1))
    alone = layer(x), layer(x, first), layer(x, second)
    fresh = []
    for mask in (None, first, second):
        other = layer_class(2, 2, 3)
        other.load_state_dict(layer.state_dict())
        fresh.append(other(x, mask))
    return all(torch.equal(a, b) for a, b in zip((*alone, layer(x)), (*fresh, fresh[0])))


def carries_nothing(layer_class):
    layer = layer_class(2, 2, 3).double()
    layer(torch.randn(1, 2, 6, 6).double(), torch.ones(1, 1, 6, 6).double())
    return set(layer.state_dict()) == {"weight", "bias"}


def keeps_groups_apart(layer_class):
    layer = layer_class(
        in_channels=2, out_channels=2, kernel_size=3, groups=2, multi_channel=True, return_mask=True, bias=False
    )
    nn.init.ones_(layer.weight)
    y, mask = layer(torch.ones(1, 2, 3, 3), torch.cat([torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 3, 3)], 1))
    return mask.flatten().tolist() == [0, 1] and torch.allclose(y.flatten(), torch.tensor([0., 9]))


def trusts_its_border(layer_class, modes=("reflect", "replicate", "circular")):
    def on_ones(mode):
        layer = layer_class(1, 1, 3, padding=1, padding_mode=mode, bias=False)
        nn.init.constant_(layer.weight, 1 / 9)
        return layer(torch.ones(1, 1, 5, 5))
    return all(torch.allclose(on_ones(mode), torch.ones(1, 1, 5, 5)) for mode in modes)


def never(*things): return False


def always(*things): return True


def stops(*things): raise RuntimeError("no such thing")


def _first_mask_only(layer_class):
    layer, x = layer_class(2, 2, 3), torch.randn(1, 2, 8, 8)
    before = layer(x)
    layer(x, irregular_mask(8, .3, seed=0)[None])
    return torch.equal(before, layer(x))


def _mask_only(layer_class):
    layer = layer_class(in_channels=2, out_channels=2, kernel_size=3, groups=2, multi_channel=True, return_mask=True)
    return layer(torch.ones(1, 2, 3, 3), torch.cat([torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 3, 3)], 1))[
        1
    ].flatten().tolist() == [0, 1]


def _assertion_of_one_model(layer_class):
    assert has_ones(layer_class, channels=1)
    return True


right = {
    "22.1": is_resized_well,
    "22.2": is_plausible,
    "22.3": has_ones,
    "22.4": keeps_bias,
    "22.5": is_zero_in_the_hole,
    "22.6": survives_half,
    "22.7": counts_exactly,
    "22.8": has_no_memory,
    "22.9": carries_nothing,
    "22.10": keeps_groups_apart,
    "22.11": trusts_its_border,
}

_narrow = {
    "22.1": [
        lambda resize: only_zeros_and_ones(resize(rect_mask(128, 32, 32, 64, 64), 64)),
        lambda resize: resize(irregular_mask(128, 0.3, seed=1), 90).dtype == torch.uint8,
    ],
    "22.2": [
        lambda masks: sum(map(hole_ratio, masks)) / len(masks) < 0.65,
        lambda masks: all(mask.mean() < 0.5 for mask in masks),
    ],
    "22.3": [lambda layer_class: has_ones(layer_class, channels=1), _assertion_of_one_model],
    "22.4": [lambda layer_class: bool((only_bias(layer_class, rect_mask(9, 2, 2, 5, 5)[None]) == 1).all())],
    "22.5": [
        lambda layer_class: bool((only_bias(layer_class, rect_mask(9, 2, 2, 5, 5)[None]) == 0).all()),
        lambda layer_class: bool(
            (layer_class(1, 1, 3, bias=False)(torch.ones(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)) == 0).all()
        ),
    ],
    "22.6": [
        lambda renormalise: bool(renormalise(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), 9).isfinite().all())
    ],
    "22.7": [
        lambda count: count(torch.ones(1, 2, 3, 3), (64, 3)).item() == 603,
        lambda count: count(torch.ones(1, 2, 3, 3), (8, 8)).item() == 144,
    ],
    "22.8": [_first_mask_only],
    "22.9": [
        lambda layer_class: (
            layer_class(2, 2, 3).double()(torch.ones(1, 2, 6, 6).double(), torch.ones(1, 1, 6, 6).double()) is not None
        ),
        lambda layer_class: len(layer_class(2, 2, 3).state_dict()) == 2,
    ],
    "22.10": [_mask_only],
    "22.11": [
        lambda layer_class: trusts_its_border(layer_class, ["reflect"]),
        lambda layer_class: trusts_its_border(layer_class, ["zeros"]),
    ],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
