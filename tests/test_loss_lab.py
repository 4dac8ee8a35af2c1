"""What the lessons on losses share: bars, pixels that learn, and the patches that a channel responds to."""
import io

import pytest
import torch
from PIL import Image

from pconv_edu.course.loss_lab import bars, clouds, learn_pixels, strongest_patches
from pconv_edu.losses import hole_loss
from pconv_edu.masks import rect_mask


class Reds:
    "An eye with one channel: how red the picture is, at a stride of 2, 4 and 8."
    def __call__(self, image):
        red = image[:, :1] - image[:, 1:2]
        return [torch.nn.functional.avg_pool2d(red, stride) for stride in (2, 4, 8)]


def test_pixels_follow_the_schedule():
    image, mask, trace = torch.full((1, 3, 8, 8), .5), rect_mask(8, 2, 2, 4, 4)[None], []
    loss = lambda output, picture, hole: (hole_loss(output, picture, hole), {})
    learned = learn_pixels(loss, image + .3, image, mask, ((3, .1), (2, .01)), trace)
    assert len(trace) == 5 and trace[0] == pytest.approx(.3 / 4)
    assert [a - b for a, b in zip(trace, trace[1:])][:3] == pytest.approx([.1 / 4, .1 / 4, .1 / 4], rel=1e-2)
    assert torch.equal(learned * mask, image * mask) and hole_loss(learned, image, mask) < trace[0] / 3


def test_the_strongest_patch_is_where_the_channel_responds():
    photo = torch.zeros(3, 128, 128)
    photo[0, 60:68, 90:98] = 1  # a red square
    for level, side in ((1, 6), (2, 16), (3, 44)):
        patch, *rest = strongest_patches(Reds(), [photo, torch.zeros(3, 128, 128)], level, 0, count=3)
        assert patch.shape == (3, side, side) and len(rest) == 2
        assert patch[0].sum() >= 16 and not rest[-1].any()  # a quarter of the square at least


def test_clouds_are_soft_and_the_same_each_time():
    one = clouds(40, 30)
    assert (
        one.shape == (1, 1, 40, 30)
        and torch.equal(one, clouds(40, 30))
        and not torch.equal(one, clouds(40, 30, seed=1))
    )
    assert one.diff(dim=-1).abs().mean() < .5 * one.abs().mean()


def test_bars_are_as_long_as_their_values_and_the_pictures_wide_enough_to_look_at():
    ways, table = ("blur", "seam"), {"hole": {"blur": .25, "seam": .5}, "tv": {"blur": 3., "seam": 0.}}
    drawing = bars({way: torch.rand(1, 3, 32, 32) for way in ways}, table)
    drawing.to_bytes()  # lays it out
    pictures, rows = drawing.axes[:2], [drawing.axes[2:4], drawing.axes[4:]]
    assert [axes.get_title() for axes in pictures] == list(ways)
    for (term, values), row in zip(table.items(), rows):
        assert row[0].get_title("left") == term
        assert [axes.patches[0].get_width() for axes in row] == list(values.values())
        assert {axes.get_xlim() for axes in row} == {(0, max(values.values()))}  # one scale for what is compared


@pytest.mark.parametrize("count, inches", [(2, 1.8), (4, 1.8), (5, 7.6 / 5)])
def test_no_picture_over_its_bars_is_narrower_than_200_pixels(count, inches):
    "Bug: with the terms' names beside the bars, five pictures shared what was left of the page: 182 px each."
    pictures = {str(i): torch.rand(1, 3, 32, 32) for i in range(count)}
    drawing = bars(pictures, {"perceptual": dict.fromkeys("01234", 1.)})
    assert drawing.get_figwidth() == pytest.approx(count * inches)
    width = Image.open(io.BytesIO(drawing.to_bytes())).width
    assert width == pytest.approx(144 * count * inches, abs=1)  # at the full 144 dpi
    assert all(axes.get_position().width * width > 200 for axes in drawing.axes[:count])
