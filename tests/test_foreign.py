"""Weights of other implementations find their places, or nothing is loaded and each misfit is named."""
import copy
import re

import pytest
import torch
from test_unet import TINY, pictures, shaken
from torch import nn

from pconv_edu.foreign import load_foreign
from pconv_edu.unet import PConvUNet


def foreign(net, template, frozen=()):
    "The state dict of `net` under other names: template(side, number from the picture, rest) → key."
    state, stages = {}, len(net.encoder)
    for key, value in net.state_dict().items():
        side, place, rest = key.split(".", 2)
        state[template(side, int(place) + 1 if side == "encoder" else stages - int(place), rest)] = value.clone()
        for part in frozen:
            if rest == "conv.weight":
                state[template(side, int(place) + 1 if side == "encoder" else stages - int(place), part)] = (
                    torch.ones_like(value)
                )
    return state


LAYOUTS = {
    "ec_images_1": (lambda side, n, rest: f"{side[0]}c_images_{n}.{rest}", ()),
    "enc_1, input_conv": (
        lambda side, n, rest: (
            f"{side[:3]}_{n}.{rest.replace('conv.', 'conv.input_conv.') if 'mask' not in rest else rest}"
        ),
        ("conv.mask_conv.weight",),
    ),
    "enc_1, conv2d": (
        lambda side, n, rest: f"{side[:3]}_{n}.{rest.replace('conv.', 'conv.conv2d.') if 'mask' not in rest else rest}",
        ("conv.mask2d.weight",),
    ),
    "enc_1, bn inside": (lambda side, n, rest: f"module.{side[:3]}_{n}.{rest}", ()),
    "encoder1, norm": (
        lambda side, n, rest: f"{side}{n}.{'partial_conv.' if side == 'decoder' else ''}{rest.replace('bn.', 'norm.')}",
        ("mask_conv_weight",),
    ),
    "encoder1, from the bottleneck": (
        lambda side, n, rest: (
            f"{side}{n if side == 'encoder' else 4 - n}.{rest.replace('conv.', 'pconv.').replace('bn.', 'batchnorm.')}"
        ),
        (),
    ),
    "encoder.0, ours": (lambda side, n, rest: f"{side}.{n - 1 if side == 'encoder' else 3 - n}.{rest}", ()),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_public_layouts(layout):
    template, frozen = LAYOUTS[layout]
    theirs, ours = shaken(PConvUNet(TINY)).eval(), PConvUNet(TINY).eval()
    matched = load_foreign(ours, foreign(theirs, template, frozen))
    assert torch.equal(ours(*pictures()), theirs(*pictures()))
    assert set(matched.keys.values()) == set(ours.state_dict()) and len(matched.left_out) == 6 * bool(frozen)
    assert f"{len(matched.keys)} tensors matched" in str(matched) and ("mask" in str(matched)) == bool(frozen)


def test_weights_of_a_layer_without_sum_of_ones():
    "A layer that divides by sum(M) and forgets sum(1) needs weights C·k² times as large for the same output."
    theirs, ours = shaken(PConvUNet(TINY)).eval(), PConvUNet(TINY).eval()
    state = foreign(theirs, LAYOUTS["ec_images_1"][0])
    state = {key: value * value[0].numel() if key.endswith("conv.weight") else value for key, value in state.items()}
    load_foreign(ours, state, renormalised=False)
    torch.testing.assert_close(ours(*pictures()), theirs(*pictures()), rtol=0, atol=1e-5)


def test_foreign_biases_go_into_the_batchnorm():
    theirs, ours = shaken(PConvUNet(TINY)).eval(), PConvUNet(TINY).eval()
    state = foreign(theirs, LAYOUTS["ec_images_1"][0])
    for block, key in ((theirs.encoder[1], "ec_images_2.conv.bias"), (theirs.decoder[0], "dc_images_3.conv.bias")):
        block.conv.bias = nn.Parameter(torch.rand(len(block.conv.weight)))
        state[key] = block.conv.bias.data
    state["ec_images_1.conv.bias"] = torch.zeros(4)
    assert load_foreign(ours, state).folded == ["ec_images_2.conv.bias", "dc_images_3.conv.bias"]
    torch.testing.assert_close(ours(*pictures()), theirs(*pictures()), rtol=0, atol=1e-5)


def state(): return foreign(PConvUNet(TINY), LAYOUTS["ec_images_1"][0])


@pytest.mark.parametrize("change, words", [
    (lambda s: s.pop("ec_images_2.conv.weight"), [r"encoder.1.conv.weight \[6, 4, 5, 5\]: missing"]),
    (lambda s: s.update({"ec_images_2.conv.weight": torch.rand(6, 4, 3, 3)}),
     [r"ec_images_2.conv.weight \[6, 4, 3, 3\]: here encoder.1.conv.weight is \[6, 4, 5, 5\]"]),
    (lambda s: s.update({"fc.weight": torch.rand(2, 2)}), ["fc.weight"]),
    (lambda s: s.update({"ec_images_1.conv.bias": torch.rand(4)}), [r"ec_images_1.conv.bias \[4\]: a bias"]),
    (lambda s: s.update({"ec_images_1.conv.mask_conv.weight": torch.rand(4, 3, 7, 7)}), ["mask_conv", "not all ones"]),
    (lambda s: s.update({"ec_images_4.conv.weight": torch.rand(8, 8, 3, 3)}),
     ["ec_images_4.conv.weight", "of 4 stages do not fit this network of 3"]),
    (lambda s: [s.pop(k) for k in list(s) if ".bn." in k], ["encoder.1.bn.weight", "decoder.0.bn.running_var"]),
    (lambda s: s.update(model={"a": 1}), ["'model' holds a dict"]),
])
def test_what_does_not_fit_is_refused_by_name(change, words):
    weights, ours = state(), PConvUNet(TINY)
    before = copy.deepcopy(ours.state_dict())
    change(weights)
    with pytest.raises(ValueError) as error: load_foreign(ours, weights)
    for word in words: assert re.search(word, str(error.value)), str(error.value)
    assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())
