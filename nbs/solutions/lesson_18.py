"""Solutions of lesson 18, and checks that must get a hint: each takes the thing to examine and says whether it is sound."""
import tempfile

import torch
import torch.nn.functional as F
from torch import nn

from pconv_edu.data import InpaintingDataset
from pconv_edu.exercises.broken_run import across_two_windows, power_cut, three_files, whole_ones
from pconv_edu.losses import hole_ring
from pconv_edu.masks import hole_ratio, irregular_mask, rect_mask
from pconv_edu.unet import pad_with_hole

# masks and the layer -----------------------------------------------------------------------------------------------------

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


def counts_exactly(count_windows): return all(count_windows(torch.ones(1, 2, 3, 3), planes).item() == 9 * sum(planes) for planes in ((64, 3), (448, 63)))


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
    layer = layer_class(in_channels=2, out_channels=2, kernel_size=3, groups=2, multi_channel=True, return_mask=True, bias=False)
    nn.init.ones_(layer.weight)
    y, mask = layer(torch.ones(1, 2, 3, 3), torch.cat([torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 3, 3)], 1))
    return mask.flatten().tolist() == [0, 1] and torch.allclose(y.flatten(), torch.tensor([0., 9]))


def trusts_its_border(layer_class, modes=("reflect", "replicate", "circular")):
    def on_ones(mode):
        layer = layer_class(1, 1, 3, padding=1, padding_mode=mode, bias=False)
        nn.init.constant_(layer.weight, 1 / 9)
        return layer(torch.ones(1, 1, 5, 5))
    return all(torch.allclose(on_ones(mode), torch.ones(1, 1, 5, 5)) for mode in modes)


# the network and the losses ----------------------------------------------------------------------------------------------

def has_batchnorm(net):
    found = {m for m in net.modules() if isinstance(m, nn.BatchNorm2d)}
    return all(block.bn in found for block in (*net.encoder[1:], *net.decoder[:-1]))


def minds_its_own_picture(fill):
    images, masks = torch.rand(3, 3, 32, 32), torch.stack([irregular_mask(32, .3, seed=i) for i in range(3)])
    return torch.allclose(fill(images[:1], masks[:1]), fill(images, masks)[:1], atol=1e-4)


def takes_any_size(fill, size=(50, 37)):
    image, mask = torch.rand(1, 3, *size), irregular_mask(size, .2, seed=0)[None]
    output = fill(image, mask)
    padded = fill(pad_with_hole(image, 16), pad_with_hole(mask, 16))[..., :size[0], :size[1]]
    return output.shape == image.shape and torch.allclose(output, padded, atol=1e-4)


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


def is_a_gram_matrix(gram):
    small, loud = torch.tensor([[1., 2], [0, 1]]).view(1, 2, 1, 2), torch.full((1, 2, 64, 64), 8.)
    return torch.allclose(gram(small), torch.tensor([[[1.25, .5], [.5, .25]]])) and bool(gram(loud).isfinite().all())


# data, training, evaluation ----------------------------------------------------------------------------------------------

def masks_are_fixed(mask_of):
    first, again = ([mask_of(n) for n in range(4)] for _ in range(2))
    return all(map(torch.equal, first, again)) and len({mask.numpy().tobytes() for mask in first}) == 4


def names_the_damaged(read):
    pictures, bad = read(three_files())
    return len(pictures) == 2 and list(bad) == ["cut.png"]


_data = InpaintingDataset([torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in range(5)], size=32)


def goes_on(train):
    (_, whole), (_, killed) = train(_data, 6), train(_data, 6, killed_at=3)
    return all(torch.equal(whole[name], killed[name]) for name in whole)


def survives_a_power_cut(save, files=range(3)):
    def survives(file):
        with tempfile.TemporaryDirectory() as folder:
            save(folder, 1, {"net": {"w": torch.ones(3)}}, {"step": 1})
            with power_cut(file): save(folder, 2, {"net": {"w": torch.zeros(3)}}, {"step": 2})
            return whole_ones(folder) == [1]
    return all(map(survives, files))


def is_a_fair_test(train, test): return not any(torch.equal(a, b) for a in train.values() for b in test.values())


def has_no_seam(fill_windows, largest=.25): return across_two_windows(fill_windows).diff().abs().max().item() < largest


right = {
    "18.1": is_resized_well, "18.2": is_plausible, "18.3": has_ones, "18.4": keeps_bias, "18.5": is_zero_in_the_hole, "18.6": survives_half,
    "18.7": counts_exactly, "18.8": has_no_memory, "18.9": carries_nothing, "18.10": keeps_groups_apart, "18.11": trusts_its_border,
    "18.12": has_batchnorm, "18.13": minds_its_own_picture, "18.14": takes_any_size, "18.15": is_normalised, "18.16": stays_in_the_ring,
    "18.17": sees_every_pair, "18.18": is_a_gram_matrix, "18.19": masks_are_fixed, "18.20": names_the_damaged, "18.21": goes_on,
    "18.22": survives_a_power_cut, "18.23": is_a_fair_test, "18.24": has_no_seam,
}


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
    return layer(torch.ones(1, 2, 3, 3), torch.cat([torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 3, 3)], 1))[1].flatten().tolist() == [0, 1]


def _one_colour_only(tv): return tv(torch.full((1, 3, 16, 16), .5), rect_mask(16, 2, 2, 4, 4)[None]) == 0


def _rows_only(tv): return abs(tv(torch.tensor([0., 1, 0, 1, 0]).view(1, 1, 5, 1).expand(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)).item() * 25 - 20) < 1e-4


def _assertion_of_one_model(layer_class):
    assert has_ones(layer_class, channels=1)
    return True


_narrow = {  # finds some of the bugs, or rejects the sound code, in a way of its own
    "18.1": [lambda resize: only_zeros_and_ones(resize(rect_mask(128, 32, 32, 64, 64), 64)), lambda resize: resize(irregular_mask(128, .3, seed=1), 90).dtype == torch.uint8],
    "18.2": [lambda masks: sum(map(hole_ratio, masks)) / len(masks) < .65, lambda masks: all(mask.mean() < .5 for mask in masks)],
    "18.3": [lambda layer_class: has_ones(layer_class, channels=1), _assertion_of_one_model],
    "18.4": [lambda layer_class: bool((only_bias(layer_class, rect_mask(9, 2, 2, 5, 5)[None]) == 1).all())],
    "18.5": [lambda layer_class: bool((only_bias(layer_class, rect_mask(9, 2, 2, 5, 5)[None]) == 0).all()), lambda layer_class: bool((layer_class(1, 1, 3, bias=False)(torch.ones(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)) == 0).all())],
    "18.6": [lambda renormalise: bool(renormalise(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), 9).isfinite().all())],
    "18.7": [lambda count: count(torch.ones(1, 2, 3, 3), (64, 3)).item() == 603, lambda count: count(torch.ones(1, 2, 3, 3), (8, 8)).item() == 144],
    "18.8": [_first_mask_only],
    "18.9": [lambda layer_class: layer_class(2, 2, 3).double()(torch.ones(1, 2, 6, 6).double(), torch.ones(1, 1, 6, 6).double()) is not None, lambda layer_class: len(layer_class(2, 2, 3).state_dict()) == 2],
    "18.10": [_mask_only],
    "18.11": [lambda layer_class: trusts_its_border(layer_class, ["reflect"]), lambda layer_class: trusts_its_border(layer_class, ["zeros"])],
    "18.12": [lambda net: sum(block.bn is not None for block in (*net.encoder, *net.decoder)) == 6],
    "18.13": [lambda fill: fill(torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)).shape == (2, 3, 32, 32)],
    "18.14": [lambda fill: fill(torch.rand(1, 3, 50, 37), irregular_mask((50, 37), .2, seed=0)[None]).shape == (1, 3, 50, 37), lambda fill: takes_any_size(fill, (64, 64))],
    "18.15": [lambda features: len(features(torch.full((1, 3, 16, 16), .5))) == 3, lambda features: all(level.abs().max() < 1e-4 for level in features(torch.zeros(1, 3, 16, 16)))],
    "18.16": [_one_colour_only],
    "18.17": [_rows_only],
    "18.18": [lambda gram: torch.allclose(gram(torch.tensor([[1., 2], [0, 1]]).view(1, 2, 1, 2)), torch.tensor([[[1.25, .5], [.5, .25]]])), lambda gram: bool(gram(torch.full((1, 2, 64, 64), 8.)).isfinite().all())],
    "18.19": [lambda mask_of: torch.equal(mask_of(0), mask_of(0)), lambda mask_of: not torch.equal(mask_of(0), mask_of(1))],
    "18.20": [lambda read: len(read(three_files())[0]) > 1, lambda read: len(read(three_files())[0]) == 3],
    "18.21": [lambda train: train(_data, 3)[0] == train(_data, 3, killed_at=3)[0]],
    "18.22": [lambda save: save(tempfile.mkdtemp(), 1, {"net": {"w": torch.ones(3)}}, {"step": 1}).exists()],
    "18.23": [lambda train, test: not set(train) & set(test), lambda train: True],
    "18.24": [lambda fill_windows: has_no_seam(fill_windows, .6), lambda fill_windows: has_no_seam(fill_windows, .05)],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
