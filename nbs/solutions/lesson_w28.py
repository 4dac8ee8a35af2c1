"""Solutions of page w28, and wrong answers that must get a hint."""
import torch
from torch import nn

from pconv_edu.masks import irregular_mask


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


right = {
    "w28.1": survives_half,
    "w28.2": counts_exactly,
    "w28.3": has_no_memory,
    "w28.4": carries_nothing,
    "w28.5": keeps_groups_apart,
    "w28.6": trusts_its_border,
}

_narrow = {
    "w28.1": [
        lambda renormalise: bool(renormalise(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), 9).isfinite().all())
    ],
    "w28.2": [
        lambda count: count(torch.ones(1, 2, 3, 3), (64, 3)).item() == 603,
        lambda count: count(torch.ones(1, 2, 3, 3), (8, 8)).item() == 144,
    ],
    "w28.3": [_first_mask_only],
    "w28.4": [
        lambda layer_class: (
            layer_class(2, 2, 3).double()(torch.ones(1, 2, 6, 6).double(), torch.ones(1, 1, 6, 6).double()) is not None
        ),
        lambda layer_class: len(layer_class(2, 2, 3).state_dict()) == 2,
    ],
    "w28.5": [_mask_only],
    "w28.6": [
        lambda layer_class: trusts_its_border(layer_class, ["reflect"]),
        lambda layer_class: trusts_its_border(layer_class, ["zeros"]),
        lambda layer_class: trusts_its_border(layer_class, ["circular"]),
    ],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
