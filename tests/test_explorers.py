"""The pictures that lessons share say what is true."""
import numpy as np
import pytest
import torch

from pconv_edu.course.explorers import shares, value_in_hole, weight_bars, weighted
from pconv_edu.film import film, hole_widths, through_layers
from pconv_edu.losses.total import LossWeights
from pconv_edu.masks import rect_mask
from pconv_edu.figures import COLORS
from pconv_edu.unet import PConvUNet


def titles(drawing): return [axes.get_title() for axes in drawing.axes if axes.get_title()]


def test_a_hole_of_five_closes_in_three_layers():
    "Worked by hand in lesson 03: 5, 3, 1, gone."
    wanted = ["before: 5 of 11", "layer 1: 3 of 11", "layer 2: 1 of 11", "layer 3: 0 of 11"]
    assert titles(through_layers(rect_mask(11, 3, 3, 5, 5), [(3, 1, 1)] * 3)) == wanted


def test_shares_instead_of_widths():
    drawing = through_layers(rect_mask(10, 4, 4, 2, 5), [(3, 1, 1)], share=True)
    assert titles(drawing) == ["before: 10.0%", "layer 1: 0.0%"]


def test_a_network_names_its_own_layers():
    with torch.device("meta"): net = PConvUNet.paper()
    assert len(titles(through_layers(rect_mask(64, 10, 10, 20, 20), net))) == 9


def test_a_thin_scratch_of_a_large_mask_is_still_shown():
    "Shrinking a mask by leaving pixels out loses thin holes."
    shown = film([rect_mask((900, 1600), 451, 100, 1, 1200)]).axes[0].images[0].get_array()
    assert max(shown.shape) == 512 and (shown == 0).any(1).sum() == 1 and (shown == 0).sum() >= 384


def test_wide_masks_are_drawn_wide_down_to_the_last_layer():
    drawing = film([torch.ones(1, 30, 60), torch.ones(1, 1, 1)])
    assert [axes.get_aspect() * h / w for axes, (h, w) in zip(drawing.axes, ((30, 60), (1, 1)))] == [.5, .5]


def test_hole_widths_are_of_the_fullest_row():
    mask = torch.ones(1, 3, 8)
    mask[0, 0, :2], mask[0, 2, 3:8] = 0, 0
    assert hole_widths([mask, torch.ones(1, 2, 2)]) == [5, 0]


def test_only_the_plain_convolution_sees_the_value_in_the_hole():
    image, mask = torch.rand(1, 3, 20, 20), rect_mask(20, 6, 6, 8, 8)[None]
    arrays = lambda value: [axes.images[0].get_array() for axes in value_in_hole(image, mask, value, 3).axes]
    dark, light = arrays(0.), arrays(1.)
    assert np.array_equal(dark[2], light[2]) and abs(dark[1] - light[1]).max() > .9
    assert titles(value_in_hole(image, mask, .25, 3))[0] == "0.25 in the hole"


def test_bars_are_as_long_as_weight_times_term():
    terms, weights = dict(valid=.1, hole=.02, perceptual=1., style=.001, tv=0.), LossWeights()
    assert weighted(terms, weights) == pytest.approx(dict(valid=.1, hole=.12, perceptual=.05, style=.12, tv=0.))
    bars = weight_bars({"one": terms, "two": terms}, weights).axes[0].patches
    assert [bar.get_width() for bar in bars[:5]] == pytest.approx([.1, .12, .05, .12, 0])
    assert bars[4].get_x() == pytest.approx(.39) and len(bars) == 10


@pytest.mark.parametrize("as_shares", [False, True])
def test_bars_of_shares_are_equally_long_and_nothing_at_all_is_no_error(as_shares):
    "Bug: shares were drawn over an axis that said weight × term."
    terms, weights = dict(valid=.1, hole=.02, perceptual=1., style=.001, tv=0.), LossWeights()
    assert shares(terms, weights) == pytest.approx(dict(valid=10/39, hole=12/39, perceptual=5/39, style=12/39, tv=0))
    rows = {"one": terms, "twice": {name: 2 * x for name, x in terms.items()}, "none": dict.fromkeys(terms, 0.)}
    axes = weight_bars(rows, weights, as_shares=as_shares).axes[0]
    ends = [sum(bar.get_width() for bar in axes.patches[5 * k : 5 * k + 5]) for k in range(3)]
    assert ends == pytest.approx([1, 1, 0] if as_shares else [.39, .78, 0])
    assert axes.get_xlabel() == ("share of the loss" if as_shares else "weight × term")


def test_valid_and_hole_have_the_masks_colours():
    from matplotlib.colors import to_hex
    bars = weight_bars({"one": dict(valid=1., hole=1., perceptual=1., style=1., tv=1.)}, LossWeights()).axes[0].patches
    assert [to_hex(bar.get_facecolor()) for bar in bars[:2]] == [COLORS["valid"].lower(), COLORS["hole"].lower()]
