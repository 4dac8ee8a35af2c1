"""Judges of page 22."""

from pconv_edu.course import broken_layer as layer
from pconv_edu.course.exercises.museum import exhibit
from pconv_edu.masks import irregular_mask, resize_mask
from pconv_edu.partial_conv import PartialConv2d, renormalise

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
    "The sound resize gives [1,size,size] of zeros and ones, nearest pixel by nearest pixel",
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
    },
    "Its masks have between 5 and 60 % hole, and hole is 0",
)


exhibit(
    "22.3",
    lambda: PartialConv2d,
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
    lambda: PartialConv2d,
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
    lambda: PartialConv2d,
    {
        "bias in the hole": (
            lambda: layer.FillsWithBias,
            "Take a mask that is all hole, and a bias that is not 0 (set it; a new layer's may be small)",
        )
    },
    "Where nothing was seen the sound layer gives exactly 0; elsewhere it gives something: look only at windows "
    "without a valid pixel",
)


exhibit(
    "22.6",
    lambda: renormalise,
    {
        "1e-8 added": (
            lambda: layer.added_epsilon,
            "In float32 it is right. Call it with raw.half() and a count of 0 somewhere, and ask isfinite()",
        ),
        "1e-6 added": (
            lambda: layer.larger_epsilon,
            "In float32 it is right. Call it with raw.half() and a count of 0 somewhere, and ask isfinite()",
        ),
    },
    "raw is 0 where the count is 0; the sound one gives finite numbers there, in half precision too",
)


exhibit(
    "22.7",
    lambda: layer.exact_counts,
    {
        "counted in bfloat16": (
            lambda: layer.bfloat16_counts,
            "Work a count out by hand: a full 3 × 3 window of planes (64, 3) counts 67·9 = 603",
        ),
        "counted in float16": (
            lambda: layer.float16_counts,
            "float16 is exact up to 2048: take planes whose count is larger and odd, such as (448, 63)",
        ),
    },
    "For planes (a, b) a full 3 × 3 window counts 9·(a + b); a mask has one plane for each entry, and only windows "
    "that fit count",
)


exhibit(
    "22.8",
    lambda: PartialConv2d,
    {
        "the last mask stays": (
            lambda: layer.RemembersMask,
            "Call it without a mask, then with one, then without again: the first and the third must agree",
        ),
        "the first mask stays": (
            lambda: layer.KeepsFirstMask,
            "Call it with one mask and then with another one of the same size: does a new layer with the same "
            "weights agree?",
        ),
    },
    "The layer's weights are random: ask one layer twice, or give a second one the same state_dict()",
)


exhibit(
    "22.9",
    lambda: PartialConv2d,
    {
        "ones that stay behind": (
            lambda: layer.LoseOnes,
            "Call layer.double() on double inputs: whatever stays behind in float32 stops it",
        ),
        "ones in the checkpoint": (
            lambda: layer.SavedOnes,
            "Look at the names in layer.state_dict(): weight and bias, and no more",
        ),
    },
    "The sound layer's state_dict() holds 'weight' and 'bias' alone (only 'weight' with bias=False), and "
    "layer.double() takes doubles",
)


exhibit(
    "22.10",
    lambda: PartialConv2d,
    {
        "one count for all": (
            lambda: layer.IgnoresGroups,
            "Let the first group's channel be all hole: the first output's mask must be 0",
        ),
        "the mask is right, the ratio is not": (
            lambda: layer.RatioIgnoresGroups,
            "The mask is not all: with the weights set to 1, what must the second output, of a group without a hole, "
            "be?",
        ),
    },
    "With multi_channel and return_mask it gives (y, mask), both with two channels; the first is hole where its "
    "group is, the second is a plain convolution",
)


exhibit(
    "22.11",
    lambda: PartialConv2d,
    {
        "every border reweighted": (
            lambda: layer.ReweightsBorder,
            "On a picture of ones, with weights of 1/9 and padding_mode='reflect', the corner must be 1",
        ),
        "reweighted for 'circular' only": (
            lambda: layer.ReweightsCircle,
            "Three modes bring real pixels: 'reflect', 'replicate' and 'circular'. Try each",
        ),
    },
    "With padding_mode='zeros' the border is missing and scaled up, which is right: try the other modes, and allow "
    "for rounding",
)
