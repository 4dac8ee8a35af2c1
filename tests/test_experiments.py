"""The experiments of lessons 12, 13, 18, 19, 21: their layers compute what they say, their arms differ in one thing.
"""
import json

import torch

from pconv_edu.course import batchnorm_race, eyes, padding_race, which_loss
from pconv_edu.course.demo import Settings
from pconv_edu.course.gated import GatedBlock, GatedUNet
from pconv_edu.mask_update import mask_history
from pconv_edu.partial_conv import PartialConv2d
from pconv_edu.unet import PConvUNet, freeze_encoder_bn
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


def test_the_shipped_comparison_of_eyes_has_every_arm_three_times():
    seeds = json.loads(eyes.RESULT.read_text(encoding="utf-8"))["seeds"]
    assert len(seeds) >= 3 and all(set(run) == set(eyes.ARMS) for run in seeds)
    assert all(len(line[column]) == 6 for run in seeds for line in run.values() for column in ("psnr", "perceptual"))


def test_the_arms_of_the_eyes_see_the_same_pairs(monkeypatch):
    "Recorded: every arm is given the same numbers, and starts from the same weights."
    seen = {}
    def recorded(net, phase, loss, pairs):
        seen.setdefault(id(net), [next(net.parameters()).detach().clone()]).extend(
            image for _, (image, _) in zip(range(phase.steps), pairs))
        return iter(())
    monkeypatch.setattr(eyes, "train_phase", recorded)
    settings = Settings(steps=2, size=32, batch=2)
    nets = [eyes.trained(arm, settings) for arm in ("pixel terms alone", "five terms, trained features")]
    first, second = (seen[id(net)] for net in nets)
    assert len(first) == 4 and all(map(torch.equal, first, second))


def test_the_shipped_arms_of_which_loss_differ_from_the_first_network_in_three_blocks_alone():
    first, arms = which_loss.first_net().state_dict(), {arm: which_loss.arm_net(arm) for arm in which_loss.ARMS}
    last = {str(len(which_loss.first_net().decoder) - k) for k in (1, 2, 3)}
    assert all(not net.training for net in arms.values())
    for arm, net in arms.items():
        changed = {name for name, t in net.state_dict().items() if not torch.equal(t, first[name])}
        assert changed and {name.split(".")[1] for name in changed} <= last
        assert all(name.startswith("decoder.") for name in changed)
        assert which_loss.file_of(arm).stat().st_size < 1_000_000
        assert net.trained_by == ("none" if arm == "valid + hole" else "shipped in bfloat16")


def test_an_arm_trains_its_blocks_and_holds_the_rest_still(tmp_path):
    from pconv_edu.pictures import sample_photos, save_image
    for name, photo in sample_photos("chelsea", "coffee", size=224).items(): save_image(photo, tmp_path / f"{name}.png")
    files = sorted(tmp_path.glob("*.png"))
    before = which_loss.first_net().state_dict()
    after = which_loss.train_arm("valid + hole", files, 2, tmp_path / "run", progress=False).state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and moved <= set(which_loss.trained_blocks(which_loss.first_net()))


def test_masked_batchnorm_counts_known_pixels_only_by_hand():
    bn = batchnorm_race.MaskedBatchNorm2d(1, eps=0., momentum=1.)
    x = torch.tensor([[2., 7, 6, 7], [4, 6, 7, 7]])[None, None]  # the holes hold 7
    bn.mask = torch.tensor([[1., 0, 1, 0], [1, 1, 0, 0]])[None, None]  # known: 2, 6, 4, 6
    given = bn(x)
    torch.testing.assert_close(bn.running_mean, torch.tensor([4.5]))
    torch.testing.assert_close(bn.running_var, torch.tensor([2.75 * 4 / 3]))  # unbiased, as in PyTorch
    torch.testing.assert_close(given[0, 0, 0, 0], torch.tensor((2 - 4.5) / 2.75**.5))


def test_masked_batchnorm_without_a_hole_is_batchnorm():
    torch.manual_seed(0)
    plain, x = torch.nn.BatchNorm2d(3), torch.randn(2, 3, 4, 5)
    masked = batchnorm_race.MaskedBatchNorm2d(3)
    masked.mask = torch.ones(2, 1, 4, 5)
    torch.testing.assert_close(masked(x), plain(x))
    torch.testing.assert_close(masked.state_dict(), plain.state_dict())
    torch.testing.assert_close(masked.eval()(x), plain.eval()(x))


def test_the_encoder_gives_its_masks_to_masked_batchnorm():
    torch.manual_seed(0)
    net = batchnorm_race.mask_batchnorm(PConvUNet(widths=(4, 6, 8)))
    image, mask = torch.rand(2, 3, 16, 16), (torch.rand(2, 1, 16, 16) > .3).float()
    net(image, mask)
    masks = [block.bn.mask for block in net.encoder if block.bn is not None]
    wanted = mask_history(mask, net)
    assert masks and all(any(torch.equal(m, w) for w in wanted) for m in masks)
    assert not any(isinstance(block.bn, batchnorm_race.MaskedBatchNorm2d) for block in net.decoder)


def test_the_shipped_batchnorm_result_is_of_three_seeds_or_more():
    found = json.loads(batchnorm_race.RESULT.read_text(encoding="utf-8"))
    assert set(found["l1"]) == set(batchnorm_race.ARMS)
    assert all(len(seeds) == found["about"]["seeds"] >= 3 for seeds in found["l1"].values())
    assert all(set(seed) == set(batchnorm_race.BINS) for seeds in found["l1"].values() for seed in seeds)
