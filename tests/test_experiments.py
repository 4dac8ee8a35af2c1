"""The experiments of lessons 18 and 21: their layers compute what they say, and their arms differ in one thing."""
import json

import torch

from pconv_edu.course import padding_race
from pconv_edu.course.gated import GatedBlock, GatedUNet
from pconv_edu.partial_conv import PartialConv2d
from pconv_edu.unet import freeze_encoder_bn
from pconv_edu.weights import load_pretrained, save_pretrained


def test_the_gate_by_hand():
    block = GatedBlock(1, 1, kernel_size=1, bn=False, slope=1.)
    with torch.no_grad(): block.conv.weight.copy_(torch.tensor([2., 1]).view(2, 1, 1, 1))
    x = torch.tensor([[-1., 0], [1, 3]])[None, None]
    torch.testing.assert_close(block(x), 2 * x / (1 + torch.exp(-x)))  # features 2x, gate x


def test_the_gated_network_ignores_the_hole_takes_any_size_and_comes_back_from_a_file(tmp_path):
    torch.manual_seed(0)
    net = GatedUNet(widths=(4, 6, 8)).eval()
    image, mask = torch.rand(2, 3, 37, 50), (torch.rand(2, 1, 37, 50) > .3).float()
    with torch.no_grad(): output, other = net(image, mask), net(torch.where(mask > 0, image, torch.nan), mask)
    assert output.shape == image.shape and torch.equal(output, other)
    loaded = load_pretrained(save_pretrained(net, tmp_path / "gated.safetensors"))
    assert type(loaded) is GatedUNet and loaded.config == net.config
    with torch.no_grad(): assert torch.equal(loaded.eval()(image, mask), output)
    freeze_encoder_bn(net)
    assert not any(block.bn.training or block.bn.weight.requires_grad for block in net.encoder if block.bn is not None)


def test_shapes_are_the_same_for_a_seed_and_their_share_is_what_is_inside():
    (pictures, label, share), again = padding_race.make_shapes(200, seed=3), padding_race.make_shapes(200, seed=3)
    assert pictures.shape == (200, 1, 24, 24) and all(map(torch.equal, (pictures, label, share), again))
    assert not torch.equal(pictures, padding_race.make_shapes(200, seed=4)[0])
    assert 0 < share.min() and share.max() == 1 and set(label.tolist()) == {0, 1, 2, 3}
    assert .2 < (share >= padding_race.CUT).float().mean() < .6  # both kinds of test pictures are there


def test_the_paddings_start_with_the_same_weights_and_differ_in_their_borders_alone():
    nets = {name: padding_race.classifier(name, seed=1) for name in padding_race.PADDINGS}
    for net in nets.values():
        assert all(map(torch.equal, net.state_dict().values(), nets["zeros"].state_dict().values()))
    assert type(nets["partial"][0]) is PartialConv2d and nets["reflect"][0].padding_mode == "reflect"
    x = torch.rand(1, 1, 24, 24)
    first = {name: net[0](x) for name, net in nets.items()}
    for name in ("reflect", "replicate", "partial"):
        torch.testing.assert_close(first[name][..., 1:-1, 1:-1], first["zeros"][..., 1:-1, 1:-1])
        assert not torch.allclose(first[name], first["zeros"])


def test_the_shipped_result_is_of_three_seeds_or_more():
    padding = json.loads(padding_race.RESULT.read_text(encoding="utf-8"))
    assert set(padding["accuracy"]) == {*padding_race.PADDINGS, "swapped"}
    assert all(len(seeds) == padding["about"]["seeds"] >= 3 for seeds in padding["accuracy"].values())
