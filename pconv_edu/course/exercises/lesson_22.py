"""Judges of page 22."""

from pconv_edu.course import broken_layer as layer
from pconv_edu.course.exercises.museum import exhibit
from pconv_edu.masks import irregular_mask, resize_mask
from pconv_edu.partial_conv import PartialConv2d

class _Sound(PartialConv2d):
    "The sound layer under another name: a check should look at what a layer does, and not at what it is called."


exhibit(
    "22.1",
    lambda: resize_mask,
    {
        "bilinear resize": (
            lambda: layer.blended_resize,
            "A mask holds 0 and 1 and nothing in between: look at the values, for a size that is not a simple fraction (90 "
            "of 128)",
        ),
        "JPEG": (
            lambda: layer.jpeg_resize,
            "JPEG keeps a rectangle that lies on its grid of 8 pixels: try an irregular mask, and compare with 0 and "
            "1 exactly",
        ),
    },
    "The sound resize returns [1,size,size], all zeros and ones, by nearest neighbour",
)


_bins = [irregular_mask(64, (low, low + .1), seed=5) for low in (.05, .15, .25, .35, .45, .5)]


exhibit(
    "22.2",
    lambda: list(_bins),
    {
        "all inverted": (
            lambda: layer.inverted(_bins),
            "How much of such a mask is hole (0)? The paper's have 60 % at most",
        ),
        "every other one inverted": (
            lambda: layer.mixed(_bins),
            "On average the ratio looks fine: look at each mask by itself",
        ),
        "one of many inverted": (
            lambda: [*_bins[:3], 1 - _bins[1], *_bins[3:]],
            "Neither the mean nor the first mask shows it: look at each mask by itself",
        ),
    },
    "Its masks have between 5 and 60 % hole, and hole is 0",
)


exhibit(
    "22.3",
    lambda: _Sound,
    {
        "1/sum(M)": (
            lambda: layer.ForgetsOnes,
            "Where nothing is missing a partial convolution is a convolution: compare with F.conv2d, or with "
            "nn.Conv2d and the same weights",
        ),
        "sum(1) = k²": (
            lambda: layer.ForgetsChannels,
            "With one input channel C·k² and k² are the same: try more channels",
        ),
    },
    "With padding, the sound layer scales its border up: take padding 0, a mask of ones, and allow for rounding (1e-5)",
)


exhibit(
    "22.4",
    lambda: _Sound,
    {
        "bias scaled": (
            lambda: layer.ScalesBias,
            "Set the weights to 0 and the bias to 1: next to a hole the output must still be 1",
        ),
        "bias scaled twice": (lambda: layer.ScalesBiasTwice, "Compare with 1, not with the ratio"),
    },
    "Where the window saw nothing the output is 0, bias or not: take a mask whose hole leaves every window at least one "
    "pixel, or skip those windows",
)


exhibit(
    "22.5",
    lambda: _Sound,
    {
        "bias in the hole": (
            lambda: layer.FillsWithBias,
            "Take a mask that is all hole, and a bias that is not 0 (set it; a new layer's may be small)",
        )
    },
    "Where nothing was seen the sound layer gives exactly 0; elsewhere it may give anything: look only at windows "
    "without a valid pixel",
)
