"""The partial convolution against loops over windows in float64: values, masks and gradients."""
import copy
import pickle
import random
import re
import shutil
from itertools import combinations, product
from math import prod

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pconv_edu.partial_conv import (
    PartialConv1d, PartialConv2d, PartialConv3d, channel_sum, partial_conv2d_loop, renormalise, window_count,
)
from pconv_edu.unet import PConvBlock

CONVS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
LAYERS = {1: PartialConv1d, 2: PartialConv2d, 3: PartialConv3d}
PLAIN = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))),
                                    reason="torch.compile writes C++, and there is no C++ compiler on this machine")


# ---------------------------------------------------------------- the oracle

def tuples(value, dims): return (value,) * dims if isinstance(value, int) else tuple(value)


def widen(t, kernel, padding, dilation, mode):
    "Lay the border round `t`; with 'same' the odd pixel goes to the end."
    if padding == "valid": padding = 0
    if padding == "same": edges = [(d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for k, d in zip(kernel, dilation)]
    else: edges = [(p, p) for p in tuples(padding, len(kernel))]
    flat = [side for pair in reversed(edges) for side in pair]
    return F.pad(t, flat) if mode == "zeros" else F.pad(t, flat, mode=mode)


def brute(x, mask, weight, bias, stride, padding, dilation, groups, mode="zeros"):
    "Equations 1 and 2 in float64, one window after another; the mask has a plane for each channel of x."
    dims = x.ndim - 2
    kernel, stride, dilation = weight.shape[2:], tuples(stride, dims), tuples(dilation, dims)
    x = widen(torch.where(mask > 0, x, 0.), kernel, padding, dilation, mode)
    mask = widen(mask, kernel, padding, dilation, mode)
    sizes = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation)]
    out, share = weight.shape[:2]
    values, news = [], []
    for place in product(*map(range, sizes)):
        window = (
            slice(None), slice(None),
            *(slice(p * s, p * s + d * (k - 1) + 1, d) for p, s, k, d in zip(place, stride, kernel, dilation)),
        )
        seen = mask[window].reshape(len(x), groups, share * prod(kernel))
        inside = x[window].reshape(len(x), groups, share * prod(kernel))
        total = torch.einsum("bgn,gon->bgo", inside, weight.reshape(groups, out // groups, -1))
        count = seen.sum(2, keepdim=True)
        empty = count == 0
        value = torch.where(empty, 0., total * (share * prod(kernel)) / torch.where(empty, 1., count))
        if bias is not None: value = torch.where(empty, 0., value + bias.view(1, groups, -1))
        values.append(value.reshape(len(x), out))
        news.append((~empty).double().expand(-1, -1, out // groups).reshape(len(x), out))
    stack = lambda parts: torch.stack(parts, -1).reshape(len(x), out, *sizes)
    return stack(values), stack(news)


def far(ours, exact):
    "The largest error, relative where the exact values are large."
    if exact.numel() == 0: return 0.
    assert ours.isfinite().all()
    return ((ours.double() - exact).abs().max() / exact.abs().max().clamp(min=1)).item()


# ---------------------------------------------------------------- the grid

GRID = dict(
    kernel=[1, 2, 3, 4, 5, 6, 7, (1, 3), (5, 2), (3, 7)],
    stride=[1, 2, 3, (2, 1)],
    padding=[0, 1, 2, 3, (0, 2), "same", "valid"],
    dilation=[1, 2, 3],
    channels=[
        (3, 4, 1), (4, 6, 2), (4, 4, 4), (3, 6, 3),
    ],  # in, out, groups: none, two, depthwise, depthwise with two outputs each
    bias=[False, True],
    mode=["zeros", "reflect", "replicate", "circular"],
    mask=[
        "none", "one plane", "all channels", "one for the batch", "one for the batch, all channels",
        "all holes", "no hole",
    ],
    batch=[2, 1, 0],
    channels_last=[False, True],
    poison=[0.0, 1e4, float("nan"), float("inf")],  # what stands in the holes
)


def possible(case):
    if case["padding"] == "same" and case["stride"] != 1: return False  # nn.Conv2d refuses it
    return True


def cases(number, seed=0):
    "`number` cases drawn from the grid by a seed."
    draw, found = random.Random(seed), []
    while len(found) < number:
        case = {name: draw.choice(values) for name, values in GRID.items()}
        if possible(case): found.append(case)
    return found


CASES = cases(390, seed=19)


def test_the_drawn_cases_hold_every_pair_of_values():
    for a, b in combinations(GRID, 2):
        drawn = {(str(c[a]), str(c[b])) for c in CASES}
        wanted = {
            (str(u), str(v))
            for u, v in product(GRID[a], GRID[b])
            if possible({"padding": 0, "stride": 1} | {a: u, b: v})
        }
        assert wanted <= drawn, f"{a}, {b}: {wanted - drawn}"


def make(case, seed):
    "Layer, x, the mask to pass and the same mask for every channel of x, in float64."
    torch.manual_seed(seed)
    inputs, outputs, groups = case["channels"]
    kernel, dilation = tuples(case["kernel"], 2), case["dilation"]
    size = [
        max(dilation * (k - 1) + 1, 4) + random.Random(seed).randrange(4) for k in kernel
    ]  # 4, so that reflecting 3 pixels is possible
    if case["padding"] == "same" and case["mode"] != "zeros":
        size = [max(n, dilation * (k - 1) + 1) for n, k in zip(size, kernel)]
    multi = "channels" in case["mask"]
    layer = PartialConv2d(
        inputs, outputs, case["kernel"], case["stride"], case["padding"], dilation, groups, case["bias"],
        case["mode"], multi_channel=multi, return_mask=True,
    ).double()
    b = case["batch"]
    x = torch.randn(b, inputs, *size, dtype=torch.float64)
    shape = (1 if "one for the batch" in case["mask"] else b, inputs if multi else 1, *size)
    mask = {"none": None, "all holes": torch.zeros(shape), "no hole": torch.ones(shape)}.get(
        case["mask"], (torch.rand(shape) > 0.7).float()
    )
    full = torch.ones_like(x) if mask is None else mask.double().expand_as(x)
    x = torch.where(full > 0, x, case["poison"])
    return layer, x, mask, full


def run(layer, x, mask, pull):
    "y, the new mask, and the gradients of sum(y · pull) for x, weight and bias."
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    y, new = layer(x, mask)
    (y * pull).sum().backward()
    return y.detach(), new, [x.grad, *(p.grad for p in layer.parameters())]


def exact(layer, x, full, pull):
    weight, bias = (None if p is None else p.detach().clone().requires_grad_() for p in (layer.weight, layer.bias))
    x = x.detach().clone().requires_grad_()
    y, new = brute(x, full, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode)
    (y * pull).sum().backward()
    return y.detach(), new, [t.grad for t in (x, weight, bias) if t is not None]


@pytest.mark.parametrize("part", range(10))
def test_values_masks_and_gradients_over_the_grid(part):
    for number, case in list(enumerate(CASES))[part::10]:
        layer, x, mask, full = make(case, number)
        with torch.no_grad(): shape = layer(x, mask)[0].shape
        pull = torch.randn(shape, dtype=torch.float64)
        y, new, grads = exact(layer, x, full, pull)
        for kind, allowed in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
            ours = copy.deepcopy(layer).to(kind)
            given = x.to(kind).to(memory_format=torch.channels_last) if case["channels_last"] else x.to(kind)
            theirs = run(ours, given, None if mask is None else mask.to(kind), pull.to(kind))
            assert far(theirs[0], y) <= allowed, (number, case)
            assert torch.equal(theirs[1].double().expand_as(new), new), (number, case)
            for got, wanted in zip(theirs[2], grads, strict=True): assert far(got, wanted) <= allowed, (number, case)
            assert (theirs[0][new == 0] == 0).all() and (theirs[2][0][full == 0] == 0).all(), (number, case)


@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_one_and_three_dimensions(dims, seed):
    torch.manual_seed(seed)
    draw = random.Random(seed)
    kernel, stride, dilation, groups = (
        draw.choice([1, 2, 3]), draw.choice([1, 2]), draw.choice([1, 2]), draw.choice([1, 2, 4]),
    )
    padding, mode = draw.choice([0, 1, 2]), draw.choice(["zeros", "replicate", "circular", "reflect"])
    layer = LAYERS[dims](
        4, 4, kernel, stride, padding, dilation, groups, True, mode, multi_channel=seed % 2 == 0, return_mask=True
    ).double()
    x = torch.randn(2, 4, *[6] * dims, dtype=torch.float64)
    mask = (torch.rand(2, 4 if layer.multi_channel else 1, *[6] * dims) > .7).double()
    with torch.no_grad(): pull = torch.randn(layer(x, mask)[0].shape, dtype=torch.float64)
    y, new, grads = run(layer, x, mask, pull)
    wanted = exact(layer, x, mask.expand_as(x), pull)
    assert far(y, wanted[0]) <= 1e-10 and torch.equal(new.expand_as(y), wanted[1])
    assert all(far(a, b) <= 1e-10 for a, b in zip(grads, wanted[2], strict=True))
    assert isinstance(layer, PLAIN[dims])


def test_the_loop_of_the_lesson_agrees_with_the_oracle():
    torch.manual_seed(0)
    for stride, padding, dilation, groups in [(1, 0, 1, 1), (2, 1, 1, 2), ((1, 2), (2, 1), (2, 1), 4)]:
        x, mask = torch.randn(2, 4, 6, 7, dtype=torch.float64), (torch.rand(2, 4, 6, 7) > .7).double()
        weight, bias = torch.randn(8, 4 // groups, 3, 2, dtype=torch.float64), torch.randn(8, dtype=torch.float64)
        ours = partial_conv2d_loop(
            torch.where(mask > 0, x, torch.nan), mask, weight, bias, stride, padding, dilation, groups
        )
        wanted = brute(x, mask, weight, bias, stride, padding, dilation, groups)
        assert far(ours[0], wanted[0]) < 1e-12 and torch.equal(ours[1], wanted[1])


def test_gradients_of_gradients():
    layer = PartialConv2d(2, 2, 3, padding=1).double()
    mask = (torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0)) > .6).double()
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: layer(t, mask), x) and torch.autograd.gradgradcheck(
        lambda t: layer(t, mask), x
    )


# ---------------------------------------------------------------- the promise: the hole's content does not matter

@pytest.mark.parametrize("content", [0., -3., 1e30, float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("multi", [False, True])
def test_results_do_not_depend_on_what_stands_in_the_hole(content, multi):
    torch.manual_seed(0)
    layer = PartialConv2d(4, 4, 3, padding=1, groups=2, multi_channel=multi, return_mask=True)
    x, mask = torch.randn(2, 4, 9, 9), (torch.rand(2, 4 if multi else 1, 9, 9) > .7).float()
    mask[:, :, :5, :5] = 0
    pull = torch.randn(2, 4, 9, 9)
    first, second = run(layer, x, mask, pull), None
    layer.zero_grad()
    second = run(layer, torch.where(mask > 0, x, content), mask, pull)
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    assert all(map(torch.equal, first[2], second[2]))
    assert (second[2][0][(mask == 0).expand_as(x)] == 0).all()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("stride, dilation, kernel", [(1, 1, 3), (2, 1, 5), (1, 2, 3)])
def test_a_fully_valid_mask_is_the_plain_convolution_inside(bias, stride, dilation, kernel):
    torch.manual_seed(0)
    padding = dilation * (kernel // 2)
    layer = PartialConv2d(16, 8, kernel, stride, padding, dilation, bias=bias)
    plain = nn.Conv2d(16, 8, kernel, stride, padding, dilation, bias=bias)
    plain.load_state_dict(layer.state_dict())
    for x in (torch.randn(2, 16, 20, 20), torch.randn(2, 16, 20, 20).to(memory_format=torch.channels_last)):
        inside = (..., slice(padding, -padding), slice(padding, -padding))
        ours, theirs = layer(x, torch.ones(2, 1, 20, 20))[inside], plain(x)[inside]
        if bias: assert torch.allclose(ours, theirs, atol=1e-6)
        else: assert torch.equal(ours, theirs)
        assert torch.equal(layer(x)[inside], ours)  # no mask: only what lies outside is hole


# ---------------------------------------------------------------- the published formula

def published(x, mask, weight, bias, stride, padding, dilation, eps=1e-8):
    "The widespread form: ones over all channels, a ratio with epsilon, clamped; the bias taken off and put back."
    count = F.conv2d(mask, torch.ones_like(weight), None, stride, padding, dilation)
    new = count.clamp(0, 1)
    ratio = weight[0].numel() / (count + eps) * new
    raw = F.conv2d(x * mask, weight, bias, stride, padding, dilation)
    if bias is None: return raw * ratio, new
    b = bias.view(1, -1, 1, 1)
    return ((raw - b) * ratio + b) * new, new


@pytest.mark.parametrize(
    "kernel, stride, padding, dilation", [(3, 1, 1, 1), (7, 2, 3, 1), (5, 2, 2, 1), (3, 1, 2, 2), (1, 1, 0, 1)]
)
@pytest.mark.parametrize("bias", [False, True])
def test_equals_the_published_formula_where_that_is_right(kernel, stride, padding, dilation, bias):
    torch.manual_seed(0)
    layer = PartialConv2d(6, 5, kernel, stride, padding, dilation, bias=bias, multi_channel=True, return_mask=True)
    x, mask = torch.randn(2, 6, 24, 24), (torch.rand(2, 6, 24, 24) > .8).float()
    y, new = layer(x, mask)
    wanted, wanted_new = published(x, mask, layer.weight, layer.bias, stride, padding, dilation)
    assert new.shape == wanted_new.shape and torch.equal(new, wanted_new)
    assert torch.allclose(y, wanted, atol=1e-5, rtol=1e-5)


def test_planes_are_the_channels_of_a_concatenation():
    torch.manual_seed(0)
    x, up, skip = torch.randn(2, 7, 9, 9), (torch.rand(2, 1, 9, 9) > .6).float(), (torch.rand(2, 1, 9, 9) > .6).float()
    planes = PartialConv2d(7, 4, 3, padding=1, planes=(5, 2), return_mask=True)
    every = PartialConv2d(7, 4, 3, padding=1, multi_channel=True, return_mask=True)
    every.load_state_dict(planes.state_dict())
    full = torch.cat([up.expand(-1, 5, -1, -1), skip.expand(-1, 2, -1, -1)], 1)
    (y, new), (wanted, wanted_new) = planes(x, torch.cat([up, skip], 1)), every(x, full)
    assert torch.equal(y, wanted) and new.shape == (2, 1, 9, 9) and torch.equal(new.expand_as(wanted_new), wanted_new)
    assert torch.equal(planes(x, up)[0], every(x, up)[0])  # one plane still means all channels
    assert torch.equal(planes(torch.where(full > 0, x, 0), torch.cat([up, skip], 1), masked=True)[0], y)


def test_one_plane_counts_what_the_all_ones_convolution_counts():
    mask = (torch.rand(2, 24, 16, 16, generator=torch.Generator().manual_seed(0)) > .5).float()
    slow = F.conv2d(mask, torch.ones(1, 24, 5, 5), stride=2, padding=2)
    assert torch.equal(window_count(channel_sum(mask), (5, 5), 2, 2), slow)


# ---------------------------------------------------------------- bugs that others had

def hole_layer(**options):
    "64 → 4 channels, 3 × 3, weights of one; a picture of ones with a hole in the middle."
    layer = PartialConv2d(64, 4, 3, padding=1, **{"bias": False, **options})
    nn.init.ones_(layer.weight)
    mask = torch.ones(1, 1, 9, 9)
    mask[..., 2:7, 2:7] = 0
    return layer, torch.ones(1, 64, 9, 9), mask


def test_bug_1_sum_of_ones_left_out():
    "Without sum(1) the output were 576 times too small."
    layer, x, mask = hole_layer()
    y = layer(x, mask)
    assert torch.allclose(y[y > 0], torch.tensor(576.)) and (y[..., 3:6, 3:6] == 0).all()


def test_bug_2_sum_of_ones_without_the_channels():
    "sum(1) is C·k², not k²: a window without a hole is not changed, whatever kind of mask says so."
    layer, x, _ = hole_layer(multi_channel=True)
    assert layer(x, torch.ones_like(x))[0, 0, 4, 4] == layer(x, torch.ones(1, 1, 9, 9))[0, 0, 4, 4] == 576
    planes, x, _ = hole_layer(planes=(60, 4))
    assert planes(x, torch.ones(1, 2, 9, 9))[0, 0, 4, 4] == 576


def test_bug_3_bias_scaled_with_the_rest():
    "A bias of 1 stays 1 beside a hole; scaled, it became 1.125 to 9."
    layer, x, mask = hole_layer(bias=True)
    nn.init.zeros_(layer.weight), nn.init.ones_(layer.bias)
    y = layer(x, mask)
    assert set(y.unique().tolist()) == {0., 1.}


def test_bug_4_bias_left_in_the_holes():
    layer, x, mask = hole_layer(bias=True)
    y = layer(x, mask)
    assert (y[..., 3:6, 3:6] == 0).all() and (y[..., :2, :] != 0).all()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_bug_5_empty_windows_in_half_precision(kind):
    "1e-8 is 0 in float16: 0/0 = NaN in every empty window."
    layer, x, mask = hole_layer(bias=True)
    layer = layer.to(kind)
    x = x.to(kind).requires_grad_()
    y = layer(x, mask.to(kind))
    y.sum().backward()
    assert (
        y.isfinite().all()
        and (y[..., 3:6, 3:6] == 0).all()
        and x.grad.isfinite().all()
        and layer.weight.grad.isfinite().all()
    )


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_bug_6_window_counts_in_half_precision(kind):
    "4599 valid inputs of 4608 are 4608 in bfloat16: the ratio were 0.2 % off."
    mask = torch.ones(1, 512, 3, 3)
    mask[0, :9, 1, 1] = 0
    layer = PartialConv2d(512, 1, 3, bias=False, multi_channel=True)
    for given in (mask, mask.to(kind)):
        count, size = layer.to(kind).count(given)
        assert count.dtype == torch.float32 and (count.item(), size) == (4599, 4608)
    with torch.autocast("cpu", kind): assert layer.count(mask)[0].item() == 4599


def test_bug_7_nothing_is_remembered_between_calls():
    "A mask kept from the last call of equal size would be used where none is given."
    torch.manual_seed(0)
    layer = PartialConv2d(3, 4, 3, padding=1, return_mask=True)
    x, mask = torch.randn(2, 3, 8, 8), (torch.rand(2, 1, 8, 8) > .5).float()
    before = copy.deepcopy(layer.__dict__)
    fresh = layer(x)
    layer(x, mask), layer(x, torch.zeros_like(mask)), layer(x[:1], mask[:1])
    again = layer(x)
    assert torch.equal(fresh[0], again[0]) and (again[1] == 1).all()
    assert before.keys() == layer.__dict__.keys() and {k: v for k, v in before.items() if k[0] != "_"} == {
        k: v for k, v in layer.__dict__.items() if k[0] != "_"
    }


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_bug_8_no_kernel_of_ones_in_the_layer(dims):
    "Neither a tensor that `.to` forgets, nor a buffer that fills the checkpoint."
    layer, plain = LAYERS[dims](4, 6, 3, multi_channel=True), PLAIN[dims](4, 6, 3)
    assert layer.state_dict().keys() == plain.state_dict().keys() == {"weight", "bias"}
    assert not list(layer.buffers()) and not [v for v in vars(layer).values() if isinstance(v, torch.Tensor)]
    plain.load_state_dict(layer.state_dict()), layer.load_state_dict(plain.state_dict())
    x = torch.randn(1, 4, *[5] * dims, dtype=torch.float64)
    assert layer.double()(x, torch.ones_like(x)).dtype == torch.float64


def test_bug_9_groups_have_holes_of_their_own():
    "The first group is all hole: it stays one, and the second is untouched."
    torch.manual_seed(0)
    layer = PartialConv2d(4, 6, 3, padding=1, groups=2, multi_channel=True, return_mask=True)
    x, mask = torch.randn(1, 4, 5, 5), torch.ones(1, 4, 5, 5)
    mask[:, :2] = 0
    y, new = layer(x, mask)
    assert new.shape == y.shape and (new[:, :3] == 0).all() and (new[:, 3:] == 1).all()
    assert (y[:, :3] == 0).all() and torch.allclose(y[:, 3:], layer(x, torch.ones_like(mask))[0][:, 3:])


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_bug_10_a_border_of_real_pixels_is_not_reweighted(mode):
    torch.manual_seed(0)
    layer, plain = (kind(3, 4, 3, padding=1, padding_mode=mode) for kind in (PartialConv2d, nn.Conv2d))
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(2, 3, 6, 6)
    assert torch.allclose(layer(x), plain(x), atol=1e-6) and torch.allclose(
        layer(x, torch.ones(2, 1, 6, 6)), plain(x), atol=1e-6
    )
    zeros = PartialConv2d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(zeros.weight, 1 / 9)
    assert torch.allclose(
        zeros(torch.ones(1, 1, 6, 6)), torch.ones(1, 1, 6, 6)
    )  # and zeros are: ×1.5 at edges, ×2.25 in corners


# ---------------------------------------------------------------- half precision, autocast

@pytest.mark.parametrize("kind, allowed", [(torch.float16, 4e-3), (torch.bfloat16, 3e-2)])
@pytest.mark.parametrize("how", ["layer", "autocast"])
@pytest.mark.parametrize("bias", [False, True])
def test_half_precision(kind, allowed, how, bias):
    torch.manual_seed(0)
    layer = PartialConv2d(8, 4, 5, 2, 2, bias=bias, multi_channel=True, return_mask=True)
    x, mask = torch.randn(2, 8, 15, 15), (torch.rand(2, 8, 15, 15) > .9).float()
    mask[:, :, :6, :6] = 0
    if how == "layer": layer, x = layer.to(kind), x.to(kind)
    wanted, wanted_new = brute(
        x.double(), mask.double(), layer.weight.double(), None if layer.bias is None else layer.bias.double(),
        2, 2, 1, 1,
    )
    x = torch.where(mask > 0, x, torch.nan).requires_grad_()
    with torch.autocast("cpu", kind, enabled=how == "autocast"): y, new = layer(x, mask)
    assert y.dtype == kind and new.dtype == torch.float32 and torch.equal(new.double(), wanted_new)
    assert far(y, wanted) < allowed and (y[wanted_new == 0] == 0).all()
    y.float().square().sum().backward()
    assert x.grad.isfinite().all() and all(p.grad.isfinite().all() for p in layer.parameters())


def test_the_ratio_is_not_rounded_to_half_precision():
    "raw · ratio is rounded once: 9/7 in bfloat16 would be off by 0.3 %."
    raw, count = torch.full((1, 1, 1, 1), 700., dtype=torch.bfloat16), torch.full((1, 1, 1, 1), 7.)
    raw = raw.to(torch.float16)
    assert renormalise(raw, count, 9).item() == 900


@pytest.mark.parametrize("bias", [None, torch.ones(1)])
def test_what_a_fast_convolution_leaves_in_an_empty_window_is_removed(bias):
    "FFT and Winograd kernels leave 1e-7 where every input was 0; the output there is exactly 0, bias and all."
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        raw = torch.tensor([1e-4, 5., 5.], dtype=dtype).view(1, 1, 3)
        y = renormalise(raw, torch.tensor([0., 1, 4]).view(1, 1, 3), 4, bias).flatten()
        assert torch.equal(
            y, torch.tensor([0.0, 20, 5], dtype=dtype) + (0 if bias is None else torch.tensor([0.0, 1, 1], dtype=dtype))
        )


# ---------------------------------------------------------------- tools of torch

def parts():
    torch.manual_seed(0)
    layer = PartialConv2d(4, 6, 3, 2, 1, groups=2, multi_channel=True, return_mask=True)
    return layer, torch.randn(2, 4, 9, 9), (torch.rand(2, 4, 9, 9) > .6).float()


def test_copies_pickles_and_double_precision():
    layer, x, mask = parts()
    y, new = layer(x, mask)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer).double().float()):
        assert torch.equal(twin(x, mask)[0], y) and torch.equal(twin(x, mask)[1], new)
    assert layer.double()(x.double(), mask)[0].dtype == torch.float64


def test_channels_last_stays_channels_last():
    layer, x, mask = parts()
    last = layer.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last), mask)[0]
    assert last.is_contiguous(memory_format=torch.channels_last) and torch.allclose(last, layer(x, mask)[0], atol=1e-6)


def test_shapes_on_the_meta_device():
    layer, x, mask = parts()
    y, new = layer.to("meta")(x.to("meta"), mask.to("meta"))
    assert y.shape == new.shape == (2, 6, 5, 5)


@pytest.mark.parametrize("kind, backend", [("multi", "aot_eager"), ("one plane", "aot_eager"), ("no mask", "aot_eager"),
                                           pytest.param("multi", "inductor", marks=needs_compiler)])
def test_compiles_whole(kind, backend):
    layer, x, mask = parts()
    args = {"multi": (x, mask), "one plane": (x, mask[:, :1]), "no mask": (x,)}[kind]
    (y, new), (wanted, wanted_new) = torch.compile(layer, fullgraph=True, backend=backend)(*args), layer(*args)
    assert torch.allclose(y, wanted, atol=1e-6) and torch.equal(new, wanted_new)
    y.sum().backward()
    grad, layer.weight.grad = layer.weight.grad.clone(), None
    wanted.sum().backward()
    assert torch.allclose(grad, layer.weight.grad, atol=1e-4)


@needs_compiler
def test_compiled_it_is_one_pass_before_the_convolution_and_one_after():
    "Hole to 0; convolution; window's count, ratio, bias, BatchNorm, activation and the new mask in a single kernel."
    from torch._inductor.utils import run_and_get_code
    for module in (PartialConv2d(8, 16, 3, stride=2, padding=1, return_mask=True), PConvBlock(8, 16, 3, stride=2)):
        torch._dynamo.reset()
        x, mask = torch.rand(2, 8, 32, 32), (torch.rand(2, 1, 32, 32) > .3).float()
        with torch.no_grad(): _, (code,) = run_and_get_code(torch.compile(module.eval(), fullgraph=True), x, mask)
        kernels = re.findall(r"^(cpp_fused_\w+) = async_compile", code, re.M)
        assert len(kernels) == 2 and code.count("= extern_kernels.convolution(") == 1, kernels
        calls = code[code.index("def call("):]
        order = [calls.index(part) for part in (kernels[0], "extern_kernels.convolution(", kernels[1])]
        assert order == sorted(order)


def test_exports_with_a_size_left_open():
    layer, x, mask = parts()
    height = torch.export.Dim("height", min=4, max=64)
    program = torch.export.export(layer, (x, mask), dynamic_shapes=({2: height}, {2: height}))
    x, mask = torch.randn(2, 4, 14, 9), (torch.rand(2, 4, 14, 9) > .6).float()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(program.module()(x, mask), layer(x, mask)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_counts_are_whole_on_a_gpu():
    "Neither TF32 nor a Winograd kernel may blur a count."
    mask = (torch.rand(2, 4096, 33, 33, generator=torch.Generator().manual_seed(0)) > .5).float()
    layer = PartialConv2d(4096, 1, 5, padding=2, multi_channel=True, bias=False)
    assert torch.equal(
        layer.cuda().count(mask.cuda())[0].cpu().double(),
        F.conv2d(mask.double().sum(1, keepdim=True), torch.ones(1, 1, 5, 5).double(), padding=2),
    )


# ---------------------------------------------------------------- shapes, dtypes and bad input

@pytest.mark.parametrize("multi, groups", [(False, 1), (True, 1), (True, 2)])
def test_shape_and_dtype_of_the_returned_mask(multi, groups):
    layer = PartialConv2d(4, 6, 3, groups=groups, multi_channel=multi, return_mask=True)
    shape = (3, 6 if multi else 1, 5, 5)
    x = torch.randn(3, 4, 7, 7)
    for mask in (None, torch.ones(3, 1, 7, 7), torch.ones(1, 1, 7, 7), torch.ones(3, 1, 7, 7, dtype=torch.bool)):
        y, new = layer(x, mask)
        assert new.shape == shape and new.dtype == torch.float32 and not new.requires_grad
    assert layer(x[:0])[1].shape == (0, *shape[1:]) and layer(x[:0], torch.ones(1, 1, 7, 7))[0].shape == (0, 6, 5, 5)
    assert isinstance(PartialConv2d(4, 6, 3)(x), torch.Tensor)


def test_what_is_given_is_not_changed():
    layer, x, mask = parts()
    before = x.clone(), mask.clone()
    layer(x, mask), layer(x, mask, masked=True)
    assert torch.equal(x, before[0]) and torch.equal(mask, before[1])


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(2, 1, 8, 9), torch.ones(2, 8, 8), torch.ones(8, 8), torch.ones(3, 1, 8, 8),
        torch.ones(2, 2, 8, 8), torch.ones(2, 3, 8, 8),
    ],
)
def test_a_mask_of_another_shape_is_named_with_both_shapes(mask):
    with pytest.raises(ValueError) as error: PartialConv2d(3, 4, 3)(torch.randn(2, 3, 8, 8), mask)
    assert str(list(mask.shape)) in str(error.value) and "[2, 3, 8, 8]" in str(error.value)
    assert ("multi_channel=True" in str(error.value)) == (mask.shape == (2, 3, 8, 8))


@pytest.mark.parametrize("value", [.5, -1., 255., float("nan")])
def test_a_mask_that_is_not_binary_is_named_with_both_shapes(value):
    mask = torch.ones(2, 1, 8, 8)
    mask[0, 0, 3, 3] = value
    with pytest.raises(ValueError) as error: PartialConv2d(3, 4, 3)(torch.randn(2, 3, 8, 8), mask)
    assert "[2, 1, 8, 8]" in str(error.value) and "[2, 3, 8, 8]" in str(error.value) and "binarise" in str(error.value)


def test_x_of_another_shape_is_named_with_both_shapes():
    layer = PartialConv2d(3, 4, 3)
    for x in (torch.randn(3, 8, 8), torch.randn(2, 4, 8, 8)):
        with pytest.raises(ValueError) as error: layer(x, torch.ones(2, 1, 8, 8))
        assert str(list(x.shape)) in str(error.value) and "[2, 1, 8, 8]" in str(error.value)


def test_options_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="padding=.*negative"): PartialConv2d(3, 4, 3, padding=-1)
    for options in (
        dict(planes=(2, 2)), dict(planes=(2, 1), multi_channel=True),
        dict(planes=(2, 1), groups=3, out_channels=3),
    ):
        with pytest.raises(ValueError, match="planes"):
            PartialConv2d(**{"in_channels": 3, "out_channels": 4, "kernel_size": 3, **options})
    for options in (dict(stride=0), dict(padding="some")):
        with pytest.raises((ValueError, RuntimeError)): PartialConv2d(3, 4, 3, **options)(torch.randn(1, 3, 8, 8))


def test_the_repr_tells_the_options():
    assert "planes=(2, 1)" in repr(PartialConv2d(3, 4, 3, planes=(2, 1))) and "multi" not in repr(
        PartialConv2d(3, 4, 3)
    )


# ---------------------------------------------------------------- a drop-in for nn.Conv2d and for NVIDIA's layer

@pytest.mark.parametrize("dims", LAYERS)
@pytest.mark.parametrize("with_mask", [True, False])
def test_without_a_batch(dims, with_mask):
    layer = LAYERS[dims](3, 4, 3, padding=1, return_mask=True)
    x, mask = torch.randn(3, *[6] * dims), (torch.rand(1, *[6] * dims) > .5).float() if with_mask else None
    y, new = layer(x, mask)
    expected, wanted = layer(x[None], mask[None] if with_mask else None)
    assert torch.equal(y, expected[0]) and torch.equal(new, wanted[0])
    layer.return_mask = False
    assert torch.equal(layer(x, mask), y)


def test_the_names_of_other_layers_are_taken():
    layer, x, mask = PartialConv2d(3, 4, 3), torch.randn(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    mask[:, :, 2:6, 2:6] = 0
    for given in (dict(input=x, mask_in=mask), dict(x=x, mask=mask), dict(input=x, mask=mask)):
        assert torch.equal(layer(**given), layer(x, mask))
    assert torch.equal(layer(x, mask_in=mask), layer(x, mask)) and torch.equal(layer(input=x), layer(x))
    with pytest.raises(TypeError, match="mask_in"): layer(x, mask, mask_in=mask)
    with pytest.raises(TypeError, match="input"): layer(x, input=x)
    with pytest.raises(TypeError, match="PartialConv2d"): layer(mask=mask)


@pytest.mark.parametrize("multi", [True, False])
def test_a_write_to_one_plane_of_the_new_mask_changes_no_other(multi):
    layer = PartialConv2d(2, 3, 3, multi_channel=multi, return_mask=True)
    for mask in (None, torch.ones(1, 1, 6, 6), torch.ones(4, 1, 6, 6)):
        new = layer(torch.randn(4, 2, 6, 6), mask)[1]
        new[0, 0] = 0
        assert new.sum() == new.numel() - 16


@pytest.mark.parametrize("dtype, error", [(torch.float16, 1e-2), (torch.bfloat16, 1e-1), (torch.float64, 1e-6)])
def test_a_recast_layer(dtype, error):
    torch.manual_seed(0)
    layer, x, mask = (
        PartialConv2d(8, 4, 3, padding=1, return_mask=True), torch.randn(2, 8, 9, 9), torch.zeros(2, 1, 9, 9),
    )
    mask[:, :, 3:5] = 1
    expected, wanted = layer(x, mask)
    y, new = layer.to(dtype)(x.to(dtype), mask)
    assert y.dtype == dtype and torch.equal(new, wanted) and far(y, expected.double()) < error
    y.sum().backward()
    assert layer.weight.grad.isfinite().all()


def test_counts_of_volumes_with_one_number_for_all_sides():
    valid = (torch.rand(1, 1, 5, 6, 7) > .5).float()
    for padding in (1, "same", "valid"):
        wanted = F.conv3d(valid, torch.ones(1, 1, 3, 3, 3), padding=padding, dilation=1)
        assert torch.equal(window_count(valid, (3, 3, 3), 1, padding, 1), wanted)
