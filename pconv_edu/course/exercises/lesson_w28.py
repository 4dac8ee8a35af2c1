"""Judges of page w28."""

from pconv_edu.course import broken_options as layer
from pconv_edu.course.exercises.museum import exhibit
from pconv_edu.partial_conv import PartialConv2d, renormalise

exhibit(
    "w28.1",
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
    "w28.2",
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
    "w28.3",
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
    "w28.4",
    lambda: PartialConv2d,
    {
        "ones that stay behind": (
            lambda: layer.LoseOnes,
            "Call layer.double() on a double picture and a double mask: whatever stays behind in float32 stops it",
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
    "w28.5",
    lambda: PartialConv2d,
    {
        "one count for all": (
            lambda: layer.IgnoresGroups,
            "Let the first group's channel be all hole: the first output's mask must be 0",
        ),
        "the mask is right, the ratio is not": (
            lambda: layer.RatioIgnoresGroups,
            "The mask is not everything: with the weights set to 1, what must the second output be? Its group has no "
            "hole",
        ),
    },
    "With multi_channel and return_mask it gives (y, mask), both with two channels; the first is hole where its "
    "group is, the second is a plain convolution",
)


exhibit(
    "w28.6",
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
        "reweighted for 'replicate' only": (
            lambda: layer.ReweightsReplicate,
            "Three modes bring real pixels: 'reflect', 'replicate' and 'circular'. Try each",
        ),
    },
    "With padding_mode='zeros' the border is missing and scaled up, which is right: try the other modes, and allow "
    "for rounding",
)
