"""The U-Net: equal to the widespread definition, any size, any value in the hole, foreign weights."""
import copy
import importlib
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

from pconv_edu.foreign import load_foreign
from pconv_edu.mask_update import mask_history
from pconv_edu.merged import double_and_convolve, merge_kernel
from pconv_edu.partial_conv import PartialConv2d
from pconv_edu.unet import NETS, PConvBlock, PConvUNet, freeze_encoder_bn, make_net

TINY = (4, 6, 8)


def pictures(batch=2, height=32, width=32, seed=0, hole=.4, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(batch, 3, height, width, generator=generator, dtype=dtype)
    mask = torch.ones(batch, 1, height, width, dtype=dtype)
    for b in range(batch):  # a block of hole somewhere, another size in each picture
        h, w = int(height * hole) + b, int(width * hole) + 2 * b
        mask[b, :, height // 4:height // 4 + h, width // 4:width // 4 + w] = 0
    return image, mask


def shaken(net, seed=0):
    "BatchNorm with statistics and affine parameters of its own, and a last bias: nothing is hidden by zeros and ones."
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name, low, high in (
                ("weight", 0.5, 1.5), ("bias", -0.5, 0.5), ("running_mean", -0.5, 0.5),
                ("running_var", 0.5, 1.5),
            ):
                getattr(module, name).data.copy_(
                    torch.rand(module.num_features, generator=generator) * (high - low) + low
                )
    bias = net.decoder[-1].conv.bias
    bias.data.copy_(torch.rand(len(bias), generator=generator))
    return net


# --- the widespread definition, written plainly -----------------------------------------------------------------------

class WidespreadLayer(nn.Module):
    "A mask as large as the features, and an all-ones convolution that counts it: no trick of ours in it."
    def __init__(self, cin, cout, k, stride, bn=True, slope=0., bias=False):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, stride, k // 2, bias=bias)
        if bn: self.bn = nn.BatchNorm2d(cout)
        self.slope = slope

    def forward(self, x, m):
        conv, ones = self.conv, torch.ones_like(self.conv.weight)
        total = F.conv2d(m, ones, None, conv.stride, conv.padding)
        y = F.conv2d(x * m, conv.weight, None, conv.stride, conv.padding) * (ones[0].numel() / total.clamp(min=1))
        if conv.bias is not None: y = y + conv.bias.view(1, -1, 1, 1)
        new = (total > 0).to(x.dtype)
        y = y * new
        if hasattr(self, "bn"): y = self.bn(y)
        return y if self.slope is None else F.leaky_relu(y, self.slope), new


class WidespreadNet(nn.Module):
    "Seven stages, tanh, [-1,1] inside and out, masks concatenated channel by channel; the names of one public layout."
    def __init__(self):
        super().__init__()
        channels, kernels = (3, 64, 128, 256, 512, 512, 512, 512), (7, 5, 5, 3, 3, 3, 3)
        for i in range(1, 8):
            setattr(self, f"ec_images_{i}", WidespreadLayer(channels[i - 1], channels[i], kernels[i - 1], 2, bn=i > 1))
            setattr(
                self,
                f"dc_images_{i}",
                WidespreadLayer(
                    channels[i] + channels[i - 1], channels[i - 1], 3, 1, i > 1, 0.2 if i > 1 else None, i == 1
                ),
            )

    def forward(self, x, m):
        xs, ms = [x], [m]
        for i in range(1, 8):
            x, m = getattr(self, f"ec_images_{i}")(x, m)
            xs.append(x), ms.append(m)
        for i in range(7, 0, -1):
            x, m = (F.interpolate(t, scale_factor=2., mode="nearest") for t in (x, m))
            x, m = getattr(self, f"dc_images_{i}")(torch.cat([x, xs[i - 1]], 1), torch.cat([m, ms[i - 1]], 1))
        return torch.tanh(x)


@pytest.fixture(scope="module")
def widespread():
    torch.manual_seed(1)
    net = WidespreadNet()
    net.decoder = [net.dc_images_1]
    shaken(net)
    del net.decoder
    return net


@pytest.mark.parametrize("training", [False, True])
def test_seven_stages_equal_the_widespread_definition(widespread, training):
    theirs, ours = copy.deepcopy(widespread).train(training), PConvUNet.seven_stage().train(training)
    load_foreign(ours, theirs.state_dict())
    image, mask = pictures(2, 256, 256)  # 2 × 2 at the bottom
    with torch.no_grad():
        expected = theirs(image * 2 - 1, mask.expand(-1, 3, -1, -1)) * .5 + .5
        torch.testing.assert_close(ours(image, mask), expected, rtol=0, atol=1e-5)
    if not training: return
    for key, value in theirs.state_dict().items():  # the statistics that training leaves behind, too
        if "running" in key:
            torch.testing.assert_close(ours.state_dict()[own_name(key)], value, rtol=1e-4, atol=1e-5, msg=key)


def own_name(key):
    side, _, number, rest = key.replace(".", "_", 1).split("_", 3)
    return f"encoder.{int(number) - 1}.{rest}" if side == "ec" else f"decoder.{7 - int(number)}.{rest}"


def test_gradients_equal_those_of_the_widespread_definition(widespread):
    theirs, ours = copy.deepcopy(widespread).double(), PConvUNet.seven_stage().double()
    load_foreign(ours, theirs.state_dict())
    image, mask = pictures(2, 128, 128, dtype=torch.float64)
    theirs(image * 2 - 1, mask.expand(-1, 3, -1, -1)).square().mean().backward()
    (ours(image, mask) * 2 - 1).square().mean().backward()
    mine = dict(ours.named_parameters())
    for key, value in theirs.named_parameters():
        torch.testing.assert_close(mine[own_name(key)].grad, value.grad, rtol=1e-6, atol=1e-11, msg=key)


# --- shapes, parameters, options --------------------------------------------------------------------------------------

def parameters(net): return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("make, count", [(PConvUNet.paper, 32_859_732), (PConvUNet.seven_stage, 25_779_796)])
def test_parameters(make, count):
    with torch.device("meta"): net, twin = make(), make(partial=False)
    assert parameters(net) == parameters(twin) == count
    assert [(k, v.shape) for k, v in net.state_dict().items()] == [(k, v.shape) for k, v in twin.state_dict().items()]


def test_state_dict_holds_no_mask_kernels():
    "An all-ones kernel that is kept as a convolution doubles the checkpoint, and as an attribute stays on the CPU."
    kinds = {key.split(".", 2)[2] for key in PConvUNet(TINY).state_dict()}
    assert kinds == {
        "conv.weight", "conv.bias",
        *(f"bn.{n}" for n in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")),
    }


def test_rules_of_the_table():
    "BatchNorm is really part of the network; a bias in the last convolution alone; ReLU down, LeakyReLU up."
    with torch.device("meta"): net = PConvUNet.paper()
    assert [block.conv.kernel_size[0] for block in net.encoder] == [7, 5, 5, 3, 3, 3, 3, 3]
    assert [block.conv.in_channels for block in net.decoder] == [
        1024, 1024, 1024, 1024, 512 + 256, 256 + 128, 128 + 64, 64 + 3,
    ]
    assert [block.bn is not None for block in net.encoder] == [False] + [True] * 7
    assert [block.bn is not None for block in net.decoder] == [True] * 7 + [False]
    assert [block.conv.bias is not None for block in [*net.encoder, *net.decoder]] == [False] * 15 + [True]
    assert all(isinstance(block.act, nn.ReLU) for block in net.encoder)
    assert [getattr(block.act, "negative_slope", None) for block in net.decoder] == [.2] * 7 + [None]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 14


def test_he_initialisation():
    torch.manual_seed(0)
    for block in PConvUNet.small().encoder:
        weight = block.conv.weight
        assert weight.std().item() == pytest.approx((2 / weight[0].numel()) ** .5, rel=.05)


def test_config_rebuilds_the_network():
    import json
    net = PConvUNet(TINY, head="tanh", upsample="bilinear")
    again = PConvUNet(**json.loads(json.dumps(net.config)))
    again.load_state_dict(net.state_dict())
    assert again.config == net.config and torch.equal(again.eval()(*pictures()), net.eval()(*pictures()))


OTHER = [("zeros", True), ("zeros", False), ("circular", True), ("circular", False)]


@pytest.mark.parametrize("mode, partial", OTHER)
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_channels_are_each_treated_as_colours_are(channels, mode, partial):
    "Three equal planes through an RGB network = one plane through a network whose kernels are the sums over its three."
    torch.manual_seed(channels)
    rgb = shaken(PConvUNet(TINY, partial=partial, padding_mode=mode))
    other = PConvUNet(TINY, partial=partial, padding_mode=mode, in_channels=channels, out_channels=channels)
    state = rgb.state_dict()
    spread = lambda weight: weight.sum(1, keepdim=True).expand(-1, channels, -1, -1) / channels
    first, last = "encoder.0.conv.weight", "decoder.2.conv.weight"
    state[first] = spread(state[first])
    state[last] = torch.cat([state[last][:, :4], spread(state[last][:, 4:])], 1)[:1].expand(channels, -1, -1, -1)
    state["decoder.2.conv.bias"] = state["decoder.2.conv.bias"][:1].expand(channels)
    other.load_state_dict(state)
    image, mask = pictures()
    if partial: mask = torch.ones_like(mask)  # else sum(1)/sum(M) depends on how many planes the skip link has
    grey, ours = image[:, :1], (slice(None), slice(None), slice(1, -1), slice(1, -1))  # outside is hole, too
    rgb.eval(), other.eval()
    with torch.no_grad():
        expected = rgb(grey.expand(-1, 3, -1, -1), mask)[:, :1].expand(-1, channels, -1, -1)
        got = other(grey.expand(-1, channels, -1, -1), mask)
    assert got.shape == (2, channels, 32, 32) and torch.allclose(got[ours], expected[ours], atol=1e-5)


@pytest.mark.parametrize("options", [dict(in_channels=1, out_channels=1), dict(in_channels=5, out_channels=2)])
@pytest.mark.parametrize("make", [PConvUNet.small, PConvUNet.seven_stage, PConvUNet.paper])
def test_ready_sizes_take_other_channels(make, options):
    with torch.device("meta"): net, rgb = make(**options), make()
    assert {name: net.config[name] for name in options} == options
    weights = lambda n: sum(p.numel() for p in n.parameters())
    into, out = options["in_channels"], options["out_channels"]
    first = net.encoder[0].conv.out_channels
    last = lambda a, b: (first + a) * 9 * b + b
    assert weights(net) - weights(rgb) == 49 * first * (into - 3) + last(into, out) - last(3, 3)


@pytest.mark.parametrize("channels", [1, 4])
def test_a_picture_of_other_channels_names_the_argument(channels):
    with pytest.raises(ValueError, match=rf"give \[B,3,H,W\].*in_channels={channels}"):
        PConvUNet(TINY)(torch.rand(1, channels, 32, 32), torch.ones(1, 1, 32, 32))


@pytest.mark.parametrize("partial", [True, False])
@pytest.mark.parametrize("kernel, stride", [(7, 2), (5, 2), (3, 2), (3, 1)])
def test_a_circular_block_is_the_middle_of_three_copies_side_by_side(kernel, stride, partial):
    block = PConvBlock(3, 5, kernel, stride, partial=partial, padding_mode="circular").eval()
    cut = PConvBlock(3, 5, kernel, stride, partial=partial).eval()
    cut.load_state_dict(block.state_dict())
    image, mask = pictures(height=12, width=16)
    mask[..., 14:] = 0  # a hole at the edge
    with torch.no_grad():
        got = block(image * mask, mask)
        tiled = cut((image * mask).repeat(1, 1, 1, 3), mask.repeat(1, 1, 1, 3))
    width = 16 // stride
    for mine, wide in list(zip(got, tiled))[:1 + partial]:  # the twin has no mask to update
        assert torch.allclose(mine, wide[..., width:2 * width], atol=1e-6)


@pytest.mark.parametrize("partial", [True, False])
def test_turning_the_earth_turns_the_answer(partial):
    net = shaken(PConvUNet(TINY, in_channels=1, out_channels=1, partial=partial, padding_mode="circular")).eval()
    image, mask = pictures(height=20, width=64)
    image = image[:, :1]
    with torch.no_grad(): there, here = net(image.roll(24, -1), mask.roll(24, -1)), net(image, mask)
    assert torch.allclose(there, here.roll(24, -1), atol=1e-5)
    for turned, mine in zip(mask_history(mask.roll(24, -1), net), mask_history(mask, net)):
        assert torch.equal(turned, mine.roll(24 * mine.shape[-1] // 64, -1))


def test_masks_of_a_circular_network_are_those_inside():
    net, seen = shaken(PConvUNet(TINY, padding_mode="circular")).eval(), []
    for block in net.encoder: block.register_forward_hook(lambda block, given, result: seen.append(result[1]))
    image, mask = pictures(width=48)
    mask[..., :20] = 0
    with torch.no_grad(): net(image, mask)
    assert all(torch.equal(a, b) for a, b in zip(mask_history(mask, net)[1:], seen, strict=True))


def test_circular_refuses_what_would_make_a_seam():
    with pytest.raises(ValueError, match="bilinear"): PConvUNet(TINY, padding_mode="circular", upsample="bilinear")
    with pytest.raises(ValueError, match="30 columns.*multiple of 8"):
        PConvUNet(TINY, padding_mode="circular")(torch.rand(1, 3, 32, 30), torch.ones(1, 1, 32, 30))


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(in_channels=0), "in_channels=0"), (dict(out_channels=-1), "out_channels=-1"),
        (dict(padding_mode="reflect"), "reflect"),
        (dict(head="sigmoid"), "sigmoid"), (dict(upsample="area"), "area"), (dict(widths=()), "widths"),
        (dict(widths=(8, 0)), "widths"),
    ],
)
def test_wrong_options_are_named(options, words):
    with pytest.raises(ValueError, match=words): PConvUNet(**options)


def test_mask_layers_give_the_history_of_the_mask():
    net = PConvUNet(TINY).eval()
    image, mask = pictures()
    history = mask_history(mask, net)
    for block, before, after in zip(net.encoder, history, history[1:]):
        x = torch.rand(2, block.conv.in_channels, *before.shape[2:]) * before
        assert torch.equal(block(x, before)[1], after)


# --- any size, any value in the hole ----------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [(8, 8), (1, 1), (5, 7), (33, 50), (64, 41)])
@pytest.mark.parametrize("partial", [True, False])
def test_any_size(size, partial):
    "Sides that are no multiple of 2^stages must not crash."
    image, mask = pictures(1, *size)
    assert PConvUNet(TINY, partial=partial).eval()(image, mask).shape == image.shape


def test_what_is_padded_is_hole():
    "The same as padding by hand with any values, declared as hole, and cropping."
    net = shaken(PConvUNet(TINY)).eval()
    image, mask = pictures(2, 21, 30)
    larger = torch.full((2, 3, 24, 32), 7.)
    larger[:, :, :21, :30] = image
    out = net(larger, F.pad(mask, (0, 2, 0, 3)))
    assert torch.equal(net(image, mask), out[:, :, :21, :30])


@pytest.mark.parametrize("value", [0., .5, -3., 1e30, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("upsample", ["nearest", "bilinear"])
@pytest.mark.parametrize("training", [True, False])
def test_what_stands_in_the_hole_does_not_matter(value, upsample, training):
    net = shaken(PConvUNet(TINY, upsample=upsample)).train(training)
    image, mask = pictures()
    image.requires_grad_()
    spoilt = torch.where(mask == 0, value, image.detach()).requires_grad_()
    first, second = net(image, mask), net(spoilt, mask)
    assert torch.equal(first, second) and second.isfinite().all()
    first.square().sum().backward()
    grads = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    second.square().sum().backward()
    assert all(torch.equal(a, p.grad) for a, p in zip(grads, net.parameters()))
    assert torch.equal(image.grad, spoilt.grad) and (spoilt.grad[(mask == 0).expand_as(spoilt)] == 0).all()


def test_the_plain_twin_sees_mid_grey_in_the_hole():
    net = PConvUNet(TINY, partial=False).eval()
    image, mask = pictures()
    assert torch.equal(net(image, mask), net(torch.where(mask == 0, .5, image), torch.ones_like(mask)))


def test_no_layer_sees_the_hole():
    "Features are exactly 0 in their holes between the blocks, BatchNorm's shift and bilinear upsampling or not."
    for upsample in ("nearest", "bilinear"):
        net = shaken(PConvUNet(TINY, upsample=upsample)).eval()
        seen = []
        for block in [*net.encoder, *net.decoder]:
            block.conv.register_forward_pre_hook(lambda conv, args: seen.append((conv.planes, *args)))
            block.register_forward_pre_hook(
                lambda block, args: seen.extend((None, *args[i : i + 2]) for i in range(0, len(args), 2))
            )
        image, mask = torch.rand(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
        mask[:, :, :6, :6] = 1  # so little is valid that the hole reaches the bottleneck and the decoder
        net(image, mask)
        assert len(seen) == 15 and any((m == 0).any() for _, _, m in seen[6:])
        for planes, x, mask in seen:
            for part, plane in zip(x.split(planes or [x.shape[1]], 1), mask.split(1, 1)):
                assert (part * (1 - plane) == 0).all()


# --- doubling and convolving in one -----------------------------------------------------------------------------------

def test_merged_taps_by_hand():
    "Along a line a, b, c becomes c, b + c, a + b, a: 1, 2, 4 gives 4, 6, 3, 1."
    line = torch.tensor([1., 2, 4])
    merged = merge_kernel(line.outer(torch.tensor([0., 1, 0])).expand(2, 5, 3, 3))
    assert merged.shape == (5, 2, 4, 4)
    assert torch.equal(merged[3, 1, :, 1], torch.tensor([4.0, 6, 3, 1])) and torch.equal(
        merged[3, 1, 1], torch.tensor([0.0, 6, 6, 0])
    )


def doubled_by_loop(x, skip, weight):
    "Every output written out, from the doubled pixels: no convolution, no interpolation."
    both = torch.cat([x.repeat_interleave(2, 2).repeat_interleave(2, 3), skip], 1)
    padded = F.pad(both, (1, 1, 1, 1))
    y = x.new_zeros(len(x), len(weight), *skip.shape[2:])
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = torch.einsum("bchw,ochw->bo", padded[:, :, i : i + 3, j : j + 3], weight)
    return y


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (4, 5)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_double_and_convolve_equals_a_loop(size, layout):
    torch.manual_seed(0)
    (h, w), leaf = (
        size,
        lambda *shape: torch.randn(shape, dtype=torch.float64).to(memory_format=layout).requires_grad_(),
    )
    given = leaf(2, 5, h, w), leaf(2, 3, 2 * h, 2 * w), leaf(4, 8, 3, 3)
    fast, slow = double_and_convolve(*given), doubled_by_loop(*given)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)
    weight = torch.randn_like(slow)
    for a, b in zip(
        torch.autograd.grad((fast * weight).sum(), given), torch.autograd.grad((slow * weight).sum(), given)
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("partial", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_a_merged_block_equals_the_long_way(partial, bias):
    torch.manual_seed(0)
    block = PConvBlock(9, 3, slope=.2, bias=bias, planes=(6, 3), partial=partial).double()
    if bias: block.conv.bias.data.fill_(.7)
    masks = [(torch.rand(2, 1, n, n) > .7).double() for n in (5, 10)]
    masks[0][0], masks[1][0, :, :6] = 0, 0  # windows that see nothing
    given = (
        torch.randn(2, 6, 5, 5).double() * masks[0], masks[0], torch.randn(2, 3, 10, 10).double() * masks[1],
        masks[1],
    )
    if not partial: given = (given[0], None, given[2], None)
    assert block.merged
    short, block.merged = block(*given), False
    for a, b in zip(short, block(*given)):
        if b is not None: torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    if partial: assert (short[1] == 0).any() and (short[0][(short[1] == 0).expand_as(short[0])] == 0).all()


def test_only_narrowing_stages_doubled_by_nearest_are_merged():
    merged = lambda net: [block.merged for block in (*net.encoder, *net.decoder)]
    with torch.device("meta"):
        assert (
            merged(PConvUNet.seven_stage()) == [False] * 10 + [True] * 4 == merged(PConvUNet.seven_stage(partial=False))
        )
        assert not any(merged(PConvUNet.seven_stage(upsample="bilinear")))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("partial", [True, False])
def test_the_merged_network_equals_the_long_way(training, partial):
    "Outputs, statistics and gradients; also with the encoder's BatchNorm frozen, which is eval mode with gradients."
    nets = [shaken(PConvUNet((8, 12, 12), partial=partial)).double().train(training) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    for block in nets[1].decoder: block.merged = False
    assert sum(block.merged for block in nets[0].decoder) == 2
    image, mask = pictures(2, 40, 24, dtype=torch.float64)
    for frozen in (False, True):
        outputs = [freeze_encoder_bn(net, frozen)(image, mask) for net in nets]
        torch.testing.assert_close(*outputs, rtol=0, atol=1e-10)
        for net, output in zip(nets, outputs): net.zero_grad(), output.square().mean().backward()
        for (name, p), q in zip(nets[0].named_parameters(), nets[1].parameters()):
            if p.grad is not None: torch.testing.assert_close(p.grad, q.grad, rtol=1e-6, atol=1e-12, msg=name)
    for a, b in zip(nets[0].buffers(), nets[1].buffers()): torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_exports_with_merged_kernels():
    net, (image, mask) = shaken(PConvUNet((8, 12, 12))).eval(), pictures(2, 20, 24)
    exported = torch.export.export(net, (image, mask)).module()
    torch.testing.assert_close(exported(image, mask), net(image, mask), rtol=0, atol=1e-5)


def test_all_hole_and_no_hole():
    net = shaken(PConvUNet(TINY)).eval()
    image = torch.rand(1, 3, 16, 16)
    assert net(image, torch.zeros(1, 1, 16, 16)).isfinite().all()
    assert net(image, torch.ones(1, 1, 16, 16)).isfinite().all()


def test_one_mask_for_the_whole_batch():
    net = PConvUNet(TINY).eval()
    image, mask = pictures(3)
    torch.testing.assert_close(net(image, mask[:1]), net(image, mask[:1].expand(3, -1, -1, -1)))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.uint8, torch.float64])
def test_masks_of_any_type(dtype):
    net = PConvUNet(TINY).eval()
    image, mask = pictures()
    assert torch.equal(net(image, mask.to(dtype)), net(image, mask))


@pytest.mark.parametrize(
    "image, mask, words",
    [
        ((3, 16, 16), (1, 16, 16), r"\[3, 16, 16\]"), ((1, 1, 16, 16), (1, 1, 16, 16), r"\[1, 1, 16, 16\]"),
        ((2, 3, 16, 16), (2, 1, 16, 15), r"\[2, 1, 16, 15\].*\[2, 3, 16, 16\]"),
        ((2, 3, 16, 16), (2, 3, 16, 16), r"\[2, 3, 16, 16\].*\[2,1,16,16\]"),
        ((2, 3, 16, 16), (3, 1, 16, 16), r"\[3, 1, 16, 16\]"), ((2, 3, 16, 16), (16, 16), r"\[16, 16\]"),
    ],
)
def test_wrong_shapes_are_named(image, mask, words):
    with pytest.raises(ValueError, match=words): PConvUNet(TINY).eval()(torch.rand(image), torch.ones(mask))


def test_a_grey_mask_is_refused():
    with pytest.raises(ValueError, match="binarise"):
        PConvUNet(TINY).eval()(torch.rand(1, 3, 16, 16), torch.full((1, 1, 16, 16), 0.5))


def test_one_value_for_each_channel_is_refused_in_training():
    net = PConvUNet(TINY)
    with pytest.raises(ValueError, match=r"8 × 7 .* 3 stages.*2 pictures"):
        net(torch.rand(1, 3, 8, 7), torch.ones(1, 1, 8, 7))
    assert net(torch.rand(2, 3, 8, 8), torch.ones(2, 1, 8, 8)).shape == (2, 3, 8, 8)
    assert net(torch.rand(1, 3, 8, 9), torch.ones(1, 1, 8, 9)).shape == (1, 3, 8, 9)
    assert freeze_encoder_bn(net)(torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)).shape == (1, 3, 8, 8)


# --- as a module ------------------------------------------------------------------------------------------------------

def test_copies_and_pickles():
    net = PConvUNet(TINY).eval()
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(again(*pictures()), net(*pictures()))


def test_channels_last_and_double():
    net, (image, mask) = shaken(PConvUNet(TINY)).eval(), pictures(2, 40, 24)
    expected = net(image, mask)
    last = net.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last), mask)
    torch.testing.assert_close(last, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(net.double()(image.double(), mask), expected.double(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16])
def test_autocast(dtype):
    net, (image, mask) = PConvUNet(TINY), pictures(2, 40, 24)
    with torch.autocast("cpu", dtype): out = net(image, mask)
    assert out.isfinite().all()
    out.float().mean().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_compiles_without_a_break():
    torch._dynamo.reset()  # what other tests compiled would make the sizes free, and the check of one size another one
    net, (image, mask) = shaken(PConvUNet(TINY)).eval(), pictures(2, 20, 24)
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(image, mask), net(image, mask), rtol=0, atol=1e-5)


def test_compiles_once_for_all_sizes():
    "Padding must be traced with free sizes: the remainder of a negative number is not, and the compiler gave up on it."
    torch._dynamo.reset()
    counters = torch._dynamo.utils.counters
    before, net = counters["stats"]["unique_graphs"], shaken(PConvUNet((4, 8))).eval()
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager", dynamic=True)
    with torch.no_grad():
        for size in ((18, 23), (21, 30)):
            image, mask = pictures(2, *size)
            torch.testing.assert_close(compiled(image, mask), net(image, mask), rtol=0, atol=1e-5)
    assert counters["stats"]["unique_graphs"] == before + 1
    torch._dynamo.reset()  # free sizes are not for the tests that follow


def test_forward_leaves_its_inputs_alone():
    net, (image, mask) = PConvUNet(TINY).eval(), pictures()
    before = image.clone(), mask.clone()
    net(image, mask)
    assert torch.equal(image, before[0]) and torch.equal(mask, before[1])


# --- the second phase -------------------------------------------------------------------------------------------------

def train_once(net):
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=.1, weight_decay=.1)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    net(*pictures()).square().mean().backward()
    optimizer.step()
    return {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}


def test_freezing_stops_statistics_and_affine_of_the_encoder_alone():
    "Not statistics alone, with the affine still training; and the next epoch's `train()` must not undo it."
    net = freeze_encoder_bn(PConvUNet(TINY).train())
    net.eval()
    net.train()
    changed = train_once(net)
    encoder = {key for key in net.state_dict() if key.startswith("encoder") and ".bn." in key}
    assert not changed & encoder
    assert changed == set(net.state_dict()) - encoder


def test_freezing_can_be_undone():
    net = freeze_encoder_bn(freeze_encoder_bn(PConvUNet(TINY).train()), frozen=False)
    assert train_once(net) == set(net.state_dict())


def test_freezing_keeps_the_mode_of_the_rest():
    net = PConvUNet(TINY).eval()
    assert not freeze_encoder_bn(net).training and not freeze_encoder_bn(net, False).training
    assert not any(m.training for m in net.modules())


def test_inference_does_not_depend_on_the_batch():
    "BatchNorm left in training mode makes a picture's result depend on its neighbours."
    net, (image, mask) = shaken(PConvUNet(TINY)).eval(), pictures(3)
    torch.testing.assert_close(net(image, mask)[:1], net(image[:1], mask[:1]), rtol=0, atol=1e-5)


# --- the layers are really called -------------------------------------------------------------------------------------

MERGING = (8, 12, 12)  # two of the decoder's three blocks merge doubling and convolution


def convolutions(net): return {name: part for name, part in net.named_modules() if isinstance(part, nn.Conv2d)}


def long_way(net):
    "A copy that never merges: it calls each convolution."
    net = copy.deepcopy(net)
    for block in net.decoder: block.merged = False
    return net


@pytest.fixture
def calls(monkeypatch):
    "How often a merged kernel was used."
    from pconv_edu import merged
    made, merge = [], merged.merge_kernel
    monkeypatch.setattr(merged, "merge_kernel", lambda weight: made.append(1) or merge(weight))
    return made


def test_a_plain_network_merges(calls):
    PConvUNet(MERGING).eval()(*pictures())
    assert len(calls) == 2


HOOKS = {
    "forward": lambda part, note: part.register_forward_hook(lambda *_: note()),
    "forward, with keywords": lambda part, note: part.register_forward_hook(lambda *_, **__: note(), with_kwargs=True),
    "before forward": lambda part, note: part.register_forward_pre_hook(lambda *_: note()),
    "backward": lambda part, note: part.register_full_backward_hook(lambda *_: note()),
    "before backward": lambda part, note: part.register_full_backward_pre_hook(lambda *_: note()),
}


@pytest.mark.parametrize("kind", HOOKS)
@pytest.mark.parametrize("partial", [True, False])
def test_each_hook_runs_once_and_changes_nothing(kind, partial):
    net = shaken(PConvUNet(MERGING, partial=partial)).double().train()
    image, mask = pictures(dtype=torch.float64)
    image.requires_grad_()
    net(image, mask).square().mean().backward()
    expected = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    ran = []
    parts = {name: part for name, part in net.named_modules() if not isinstance(part, nn.ModuleList)}
    for name, part in parts.items(): HOOKS[kind](part, lambda name=name: ran.append(name))
    net(image, mask).square().mean().backward()
    assert sorted(ran) == sorted(parts)
    for p, grad in zip(net.parameters(), expected): torch.testing.assert_close(p.grad, grad, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("everywhere", [True, False])
@pytest.mark.parametrize("partial", [True, False])
def test_what_a_hook_kept_is_not_overwritten(everywhere, partial):
    net, kept = shaken(PConvUNet(MERGING, partial=partial)).eval(), []

    def keep(part, given, result):
        for t in (*given, *(result if isinstance(result, tuple) else [result])):
            if isinstance(t, torch.Tensor): kept.append((type(part).__name__, t, t.clone()))

    if everywhere: handles = [nn.modules.module.register_module_forward_hook(keep)]
    else: handles = [part.register_forward_hook(keep) for part in net.modules()]
    try:
        with torch.no_grad(): net(*pictures())
    finally:
        for handle in handles: handle.remove()
    assert {name for name, *_ in kept} > {
        "PConvBlock", "BatchNorm2d", "PartialConv2d" if partial else "Conv2d", "LeakyReLU",
    }
    for name, now, then in kept: assert torch.equal(now, then), name


WEIGHTS = {
    "pruned": lambda conv: prune.l1_unstructured(conv, "weight", .5),
    "weight norm": nn.utils.parametrizations.weight_norm, "weight norm, by a hook": nn.utils.weight_norm,
    "spectral norm": nn.utils.parametrizations.spectral_norm,
    "spectral norm, by a hook": nn.utils.spectral_norm,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("partial", [True, False])
def test_weights_that_are_made_anew_follow(kind, partial, calls):
    "All that is trained gets a gradient, two steps run, and loaded weights are those that are used."
    def made(seed):
        torch.manual_seed(seed)
        net = shaken(PConvUNet(MERGING, partial=partial))
        for conv in convolutions(net).values(): WEIGHTS[kind](conv)
        return net
    net, other = made(0), made(1)
    optimizer = torch.optim.SGD(net.parameters(), .01)
    for _ in range(2):
        optimizer.zero_grad()
        net(*pictures()).square().mean().backward()
        optimizer.step()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for name, p in net.named_parameters() if "conv" in name)
    other.load_state_dict(net.state_dict())
    with torch.no_grad(): assert torch.equal(other.eval()(*pictures()), net.eval()(*pictures()))
    assert not calls


def silence(net):
    for block in net.decoder: block.conv.__class__ = Silent


class Silent(PartialConv2d):
    def forward(self, *given, **options):
        y, mask = super().forward(*given, **options)
        return y * 0, mask


class Around(nn.Module):
    "What adapters do: a module that holds the convolution and adds to its result."
    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, *given, **options):
        y, mask = self.conv(*given, **options)
        return y * 0, mask


def wrap(net):
    for block in net.decoder: block.conv = Around(block.conv)


def patch(net):
    "As libraries do that move a layer's weights from one device to another."
    for block in net.decoder: block.conv.forward = zeros_of(block.conv.forward)


def zeros_of(call):
    def forward(*given, **options):
        y, mask = call(*given, **options)
        return y * 0, mask
    return forward


@pytest.mark.parametrize("change", [silence, wrap, patch])
def test_a_layer_of_ones_own_is_called(change):
    "Its result is 0 here, and so the picture comes out mid-grey."
    net = PConvUNet(MERGING).eval()
    change(net)
    with torch.no_grad(): assert torch.equal(net(*pictures()), torch.full((2, 3, 32, 32), .5))


def test_a_twin_with_partial_padding_reweights_all_its_borders():
    from pconv_edu.padding import partial_padding
    net = partial_padding(shaken(PConvUNet(MERGING, partial=False)).eval(), say=lambda line: None)
    with torch.no_grad(): assert torch.equal(net(*pictures()), long_way(net)(*pictures()))


@pytest.mark.parametrize("partial", [True, False])
def test_a_network_whose_padding_wraps_round_has_no_seam(partial):
    net, (image, mask) = shaken(PConvUNet(MERGING, partial=partial)).eval(), pictures()
    for conv in convolutions(net).values(): conv.padding_mode = "circular"
    with torch.no_grad(): here, rolled = net(image, mask), net(image.roll(8, -1), mask.roll(8, -1))
    torch.testing.assert_close(here.roll(8, -1), rolled, rtol=0, atol=1e-5)


def test_another_dilation_is_heeded():
    net = shaken(PConvUNet(MERGING)).eval()
    for block in net.decoder: block.conv.dilation, block.conv.padding = (2, 2), (2, 2)
    with torch.no_grad(): assert torch.equal(net(*pictures()), long_way(net)(*pictures()))


# --- recast, traced and wrapped ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("partial", [True, False])
@pytest.mark.parametrize("dtype, error", [(torch.float16, 2e-2), (torch.bfloat16, .15), (torch.float64, 1e-5)])
def test_a_recast_network_takes_float32_pictures(dtype, error, partial):
    net, (image, mask) = shaken(PConvUNet(MERGING, partial=partial)).eval(), pictures()
    expected = net(image, mask)
    found = net.to(dtype)(image, mask)
    assert found.dtype == torch.float32 and (found - expected).abs().max() < error
    assert net(image.to(dtype), mask).dtype == dtype
    net.train()(image, mask).mean().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_a_network_made_while_doubles_are_the_default():
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(0)
        net = PConvUNet(TINY).eval()
        image, mask = pictures()
        found = net(image, mask)
    finally: torch.set_default_dtype(torch.float32)
    assert found.dtype == torch.float32 and net.encoder[0].conv.weight.dtype == torch.float64
    torch.testing.assert_close(net.float()(image, mask), found, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_levels_that_are_no_floats_are_refused(dtype):
    "Taken as they are, levels to 255 would be a white picture."
    image, mask = pictures()
    with pytest.raises(ValueError, match=str(dtype)): PConvUNet(TINY).eval()((image * 255).to(dtype), mask)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("partial", [True, False])
def test_a_trace_takes_other_batches_and_sizes(partial):
    net = shaken(PConvUNet(MERGING, partial=partial)).eval()
    traced = torch.jit.trace(net, pictures(2, 32, 32), check_trace=False)
    for shape in ((2, 32, 32), (1, 32, 32), (3, 48, 40), (2, 45, 39)):
        torch.testing.assert_close(traced(*pictures(*shape)), net(*pictures(*shape)), rtol=0, atol=1e-5)


class Outside(nn.Module):
    "A module of one's own around a network."
    def __init__(self, net):
        super().__init__()
        self.inner = net

    def forward(self, *given): return self.inner(*given)


class Beside(Outside):
    "The same, with the encoder under its own name as well: `train` reaches it twice."
    def __init__(self, net):
        super().__init__(net)
        self.encoder = net.encoder


WRAPPED = {
    "compiled": lambda net: torch.compile(net, backend="eager"), "DataParallel": nn.DataParallel,
    "both": lambda net: nn.DataParallel(torch.compile(net, backend="eager")), "around": Outside, "beside": Beside,
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_freezing_reaches_through_wrappers(kind):
    net = PConvUNet(TINY)
    outer = WRAPPED[kind](net)
    assert freeze_encoder_bn(outer) is outer
    outer.eval(), outer.train()
    assert net.encoder_bn_frozen and net.training and net.decoder[0].bn.training
    inside = [block.bn for block in net.encoder if block.bn is not None]
    assert not any(bn.training or bn.weight.requires_grad or bn.bias.requires_grad for bn in inside)
    freeze_encoder_bn(outer, False)
    assert not net.encoder_bn_frozen and all(bn.training and bn.weight.requires_grad for bn in inside)


def test_freezing_a_network_without_an_encoder_says_so():
    with pytest.raises(ValueError, match="Gated"): freeze_encoder_bn(Gated())
    with pytest.raises(ValueError, match="Outside"): freeze_encoder_bn(Outside(Gated()))


def test_one_picture_in_each_process_of_a_team(monkeypatch):
    "Shared BatchNorm has a value from each process; alone, or with BatchNorm of its own, a process has one."
    import torch.distributed as dist
    from pconv_edu.parallel import share_batchnorm
    one, own = (torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)), PConvUNet(TINY)
    shared = PConvUNet(TINY)
    share_batchnorm(shared)
    with pytest.raises(ValueError, match="2 pictures"): shared(*one)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(dist, "all_reduce", lambda t: t.mul_(2))  # the other process has the same picture
    assert shared(*one).isfinite().all()
    with pytest.raises(ValueError, match="2 pictures"): own(*one)


# --- networks by name -------------------------------------------------------------------------------------------------

class Gated(nn.Module):
    "A network of another class: one convolution that reads mask and picture. It has no `encoder`."
    def __init__(self, width=4):
        super().__init__()
        self.config = dict(width=width)
        self.layers = nn.Sequential(
            nn.Conv2d(4, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1)
        )

    def forward(self, image, mask):
        known = torch.where(mask != 0, image, .5)
        return self.layers(torch.cat([known, mask.to(image.dtype).expand(len(image), -1, -1, -1)], 1))


def test_a_network_of_another_class_is_one_line(monkeypatch):
    monkeypatch.setitem(NETS, "gated", Gated)
    net = make_net("gated", width=6)
    assert type(net) is Gated and net.config == {"width": 6}
    assert make_net(net) is net


def test_a_network_of_another_class_from_training_to_the_table(monkeypatch, tmp_path):
    "fit, save, load, fill and evaluate know it by the one line."
    from pconv_edu.evaluation import evaluate
    from pconv_edu.inpainting import inpaint
    from pconv_edu.phases import Phase
    from pconv_edu.train import fit
    from pconv_edu.weights import load_pretrained, save_pretrained
    monkeypatch.setitem(NETS, "gated", Gated)
    photos = list(pictures(3, 32, 32)[0])
    options = dict(net="gated", size=32, batch=2, vgg=None, progress=False, draw=False, device="cpu")
    phases = (Phase("first", 2, 1e-3), Phase("second", 1, 1e-4, freeze_encoder_bn=True))
    with pytest.raises(ValueError, match="Gated.*freeze_encoder_bn"):
        fit(photos, out=tmp_path, phases=phases, **options)
    net = fit(photos, out=tmp_path, phases=phases[:1], **options).net
    image, mask = pictures(1, 32, 32, hole=.3)
    saved = save_pretrained(net, tmp_path / "gated.safetensors")
    with torch.no_grad(): expected = net(image, mask)
    for path in (tmp_path, saved):
        loaded = load_pretrained(path)
        assert type(loaded) is Gated
        with torch.no_grad(): assert torch.equal(loaded(image, mask), expected)
    filled = inpaint(image, mask, loaded)
    torch.testing.assert_close(filled, torch.where(mask != 0, image, expected.clamp(0, 1)), rtol=0, atol=1e-6)
    assert len(evaluate(loaded, photos, size=32, per_bin=1).rows) == 6


def test_a_seed_gives_the_same_first_weights_and_leaves_the_generator_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    a, b, c = (make_net("small", seed=seed).encoder[0].conv.weight for seed in (5, 5, 6))
    assert torch.equal(a, b) and not torch.equal(a, c) and torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(make_net("small").encoder[0].conv.weight, make_net("small").encoder[0].conv.weight)


def test_a_name_that_is_no_network_is_named():
    for name in ("smal", "config", "forward"):
        with pytest.raises(ValueError, match=f"'{name}'"): make_net(name)


@pytest.mark.parametrize("module", ["commands.train", "course.bench", "course.bench_loss", "course.bench_inpaint"])
def test_every_help_that_lists_networks_reads_the_table(module, monkeypatch, capsys):
    monkeypatch.setitem(NETS, "gated_twin", Gated)
    with pytest.raises(SystemExit): importlib.import_module(f"pconv_edu.{module}").main(["--help"])
    assert "gated_twin" in capsys.readouterr().out
