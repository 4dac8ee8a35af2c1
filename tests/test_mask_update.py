"""The mask update against windows counted one by one, and the mask's way through the paper's encoder."""
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pconv_edu.mask_update import check_mask, mask_history, update_mask
from pconv_edu.partial_conv import PartialConv1d, PartialConv2d, PartialConv3d, window_count
from pconv_edu.unet import PConvUNet

PAPER = [(7, 2, 3), (5, 2, 2), (5, 2, 2)] + [(3, 2, 1)] * 5


def hole(size, width, top=None):
    mask = torch.ones(1, 1, size, size)
    top = (size - width) // 2 if top is None else top
    mask[..., top:top + width, top:top + width] = 0
    return mask


def by_hand(mask, kernel, stride, edges, dilation):
    "A window at a time: is one of its pixels valid?"
    mask = F.pad(mask, edges)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    rows, columns = ((size - r) // s + 1 for size, r, s in zip(mask.shape[-2:], reach, stride))
    new = torch.zeros(*mask.shape[:-2], rows, columns)
    for i, j in product(range(rows), range(columns)):
        y, x = i * stride[0], j * stride[1]
        new[..., i, j] = (mask[..., y:y + reach[0]:dilation[0], x:x + reach[1]:dilation[1]].sum((-1, -2)) > 0).float()
    return new


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7, (2, 5), (7, 1)])
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
@pytest.mark.parametrize("padding", [0, 1, 3, (2, 0), "valid"])
@pytest.mark.parametrize("dilation", [1, 2, (1, 3)])
def test_every_window_by_hand(kernel, stride, padding, dilation):
    pair = lambda v: (v, v) if isinstance(v, int) else v
    mask = (torch.rand(2, 2, 15, 23, generator=torch.Generator().manual_seed(0)) > .9).float()
    py, px = pair(0 if padding == "valid" else padding)
    expected = by_hand(mask, pair(kernel), pair(stride), (px, px, py, py), pair(dilation))
    assert torch.equal(update_mask(mask, kernel, stride, padding, dilation), expected)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (2, 5)])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_same_padding_is_that_of_the_convolution(kernel, dilation):
    mask = (torch.rand(1, 1, 11, 14, generator=torch.Generator().manual_seed(1)) > .9).float()
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    count = window_count(mask, kernel, 1, "same", dilation)
    assert torch.equal(update_mask(mask, kernel, padding="same", dilation=dilation), (count > 0).float())


def test_it_is_what_the_layer_returns():
    mask = (torch.rand(2, 1, 17, 17, generator=torch.Generator().manual_seed(2)) > .9).float()
    layer = PartialConv2d(3, 5, 5, stride=2, padding=2, return_mask=True)
    assert torch.equal(layer(torch.randn(2, 3, 17, 17), mask)[1], update_mask(mask, 5, 2, 2))


def test_a_5_pixel_hole_is_gone_after_3_layers():
    widths = [int((1 - m).sum(-1).max()) for m in mask_history(hole(15, 5), [(3, 1, 1)] * 3)]
    assert widths == [5, 3, 1, 0]


def test_a_128_pixel_hole_under_the_papers_kernels_is_gone_after_layer_6():
    masks = mask_history(hole(512, 128), PAPER)
    assert [m.shape[-1] for m in masks] == [512, 256, 128, 64, 32, 16, 8, 4, 2]
    assert [int((1 - m).sum(-1).max()) for m in masks[:7]] == [128, 61, 29, 13, 5, 1, 0]


def test_a_hole_in_the_corner_lasts_longer():
    "Outside the picture there is nothing valid that could close it from there."
    masks = mask_history(hole(512, 128, top=0), PAPER)
    assert (masks[6] == 0).any() and (masks[7] == 1).all()


def test_history_of_tuples_convolutions_and_networks():
    mask = hole(32, 9)
    layers = nn.Sequential(
        nn.Conv2d(1, 1, 3, 2, 1), nn.Conv2d(1, 1, (5, 3), padding="same"), PartialConv2d(1, 1, 3, dilation=2)
    )
    class Net(nn.Module):
        def mask_layers(self): return list(layers)
    histories = [mask_history(mask, of) for of in (layers, [(3, 2, 1), ((5, 3), 1, "same"), (3, 1, 0, 2)], Net())]
    assert len(histories[0]) == 4 and histories[0][0] is mask
    for other in histories[1:]: assert all(map(torch.equal, histories[0], other))


def test_dtypes_batches_and_three_dimensions():
    mask = hole(9, 5)
    for kind in (torch.float64, torch.float16, torch.bfloat16): assert update_mask(mask.to(kind)).dtype == kind
    for kind in (torch.bool, torch.uint8): assert torch.equal(update_mask(mask.to(kind)), update_mask(mask))
    assert update_mask(mask[0]).shape == (1, 7, 7)
    assert update_mask(mask[:0], padding=1).shape == (0, 1, 9, 9)


@pytest.mark.parametrize(
    "bad",
    [
        torch.full((1, 1, 4, 4), 0.5), -torch.ones(1, 1, 4, 4), torch.full((1, 1, 4, 4), 255.0),
        torch.full((1, 1, 4, 4), float("nan")), torch.full((1, 1, 4, 4), float("inf")),
        torch.full((1, 1, 4, 4), 2, dtype=torch.uint8),
    ],
)
def test_a_grey_mask_is_named_bug_11(bad):
    "Masks resized bilinearly, or stored as JPEG, are grey at every rim."
    with pytest.raises(ValueError, match=r"only 0 \(hole\) and 1 \(valid\).*\[1, 1, 4, 4\]"): check_mask(bad)
    with pytest.raises(ValueError, match="binarise"): update_mask(bad)


def test_too_few_dimensions_are_named():
    with pytest.raises(ValueError, match=r"\[8, 8\]"): update_mask(torch.ones(8, 8))


def test_layers_that_say_nothing_of_their_windows_are_named():
    with pytest.raises(TypeError, match="ReLU"): mask_history(hole(8, 2), [nn.ReLU()])
    with pytest.raises(TypeError, match="Linear"): mask_history(hole(8, 2), nn.Linear(2, 2))


@pytest.mark.parametrize("kind, size", [(PartialConv1d, (17,)), (PartialConv2d, (9, 11)), (PartialConv3d, (9, 10, 11))])
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("batch", [True, False])
def test_history_is_that_of_the_layers_in_any_dimension(kind, size, mode, batch):
    layers = [
        kind(1, 1, 3, padding=1, padding_mode=mode, return_mask=True),
        kind(1, 1, 3, stride=2, return_mask=True),
        kind(1, 1, 2, padding="same", padding_mode=mode, return_mask=True),
        kind(1, 1, 3, dilation=2, padding=2, return_mask=True),
    ]
    mask = (torch.rand(*([2] if batch else []), 1, *size, generator=torch.Generator().manual_seed(3)) > .97).float()
    wanted = [mask]
    for layer in layers: wanted.append(layer(wanted[-1], wanted[-1])[1])
    found = mask_history(mask, layers)
    assert all(map(torch.equal, found, wanted)) and (found[1] == 0).any()


def test_history_reaches_through_wrappers():
    net, mask = PConvUNet(widths=(4, 6)), hole(16, 5)

    class Outside(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net

    for outer in (nn.DataParallel(net), torch.compile(net, backend="eager"), Outside()):
        assert all(map(torch.equal, mask_history(mask, outer), mask_history(mask, net)))


def test_masks_of_other_dimensions():
    assert torch.equal(update_mask(torch.tensor([[1., 0, 0, 0]]), (3,), padding=1), torch.tensor([[1., 1, 0, 0]]))
    volume = torch.zeros(1, 1, 3, 3, 3)
    volume[..., 0, 0, 0] = 1
    assert update_mask(volume, (2, 2, 2)).sum() == 1 and update_mask(volume, (3, 1, 1)).sum() == 1
    with pytest.raises(ValueError, match=r"\[1, 1, 3, 3, 3\]"): update_mask(volume, 3)
    with pytest.raises(ValueError, match=r"\[1, 1, 3, 3, 3\]"): update_mask(volume, (3,))


def test_a_layer_that_widens_is_named():
    with pytest.raises(TypeError, match="ConvTranspose2d"):
        mask_history(hole(8, 2), nn.ConvTranspose2d(1, 1, 2, stride=2))
    assert torch.equal(mask_history(hole(8, 2), nn.MaxPool2d(2))[1], update_mask(hole(8, 2), 2, 2))
