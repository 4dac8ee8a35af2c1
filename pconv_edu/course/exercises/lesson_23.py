"""Judges of page 23."""
import torch

from pconv_edu.course import broken_net as net
from pconv_edu.course.exercises.museum import exhibit
from pconv_edu.losses import VGG16Features, gram_matrix, tv_loss
from pconv_edu.unet import PConvUNet


def _net() -> PConvUNet:
    torch.manual_seed(0)
    made = PConvUNet(widths=(8, 16, 16, 16))
    with torch.no_grad(): made(torch.rand(4, 3, 32, 32), (torch.rand(4, 1, 32, 32) > .3).float())
    return made.eval()


def _without_one() -> PConvUNet:
    made = _net()
    made.encoder[2].bn = None
    return made


exhibit(
    "23.1",
    _net,
    {
        "no BatchNorm": (
            lambda: net.forgets_bn(_net()),
            "Count the nn.BatchNorm2d among net.modules(): two fewer than there are blocks",
        ),
        "BatchNorm in hiding": (
            lambda: net.hides_bn(_net()),
            "Ask PyTorch, not the block: what is not in net.modules() is neither trained nor saved",
        ),
        "one block without": (_without_one, "Finding one is not enough: every block but two has its own"),
    },
    "encoder[0] and decoder[-1] have none, and net.encoder and net.decoder have 4 blocks each here: 6 in all",
)


def _sound_fill():
    made = _net()
    def fill(image, mask):
        with torch.no_grad(): return made(image, mask)
    return fill


exhibit(
    "23.2",
    _sound_fill,
    {
        "training mode": (
            lambda: net.in_training_mode(_net()),
            "Fill one picture alone, then together with others, and compare",
        ),
        "no statistics": (
            lambda: net.without_statistics(_net()),
            "Fill one picture alone, then together with others, and compare",
        ),
    },
    "Other pictures in the batch change nothing but rounding: allow 1e-4",
)


exhibit(
    "23.3",
    _sound_fill,
    {
        "no padding": (lambda: net.unpadded(_net()), "Try sides that are not a multiple of 16, such as 50 × 37"),
        "black pixels that count": (
            lambda: net.padded_with_pixels(_net()),
            "The size is right. Pad image and mask to a multiple of 16 with pad_with_hole yourself: the part that "
            "was there before must come out the same",
        ),
    },
    "For a picture of 50 × 37 the output is 50 × 37, and what pad_with_hole(…, 16) adds changes it by rounding "
    "alone: allow 1e-4. (Larger multiples do change it: layers grow into what is added.)",
)


_vgg: list[VGG16Features] = []  # made at the first call


def _random_vgg() -> VGG16Features:
    if not _vgg: _vgg.append(VGG16Features("random"))
    return _vgg[0]


exhibit(
    "23.4",
    _random_vgg,
    {
        "in [-1, 1]": (
            lambda: net.minus_one_to_one(_random_vgg()),
            "A picture in the mean colour (0.485, 0.456, 0.406) must give 0 on every level",
        ),
        "blue first": (
            lambda: net.blue_first(_random_vgg()),
            "A grey picture looks the same either way: take the mean colour (0.485, 0.456, 0.406), red first",
        ),
    },
    "It takes [B,3,H,W] with red first and gives three levels; the mean colour (0.485, 0.456, 0.406) gives 0, up to "
    "rounding (1e-4)",
)


exhibit("23.5", lambda: tv_loss, {
    "over the whole picture": (lambda: net.tv_everywhere, "Change a pixel far from the hole: the loss must not change"),
    "of the product": (lambda: net.tv_of_product, "A picture of one colour (not black) has no variation at all")},
    "The sound one looks at the hole and one pixel around it; pixels further away may change, and one colour gives 0")


exhibit(
    "23.6",
    lambda: tv_loss,
    {
        "first and last row": (
            lambda: net.tv_two_rows,
            "With two rows the first and the last are neighbours: take more, such as horizontal stripes",
        ),
        "first and last column": (
            lambda: net.tv_two_columns,
            "It looks right downwards: try it across as well, on vertical stripes",
        ),
    },
    "It divides by the number of values in the composite, and a mask of zeros makes everything count: 5 × 5 "
    "horizontal stripes of 0 and 1 give 20/25",
)


exhibit(
    "23.7",
    lambda: gram_matrix,
    {
        "summed in half precision": (
            lambda: net.gram_in_half,
            "Give it loud features: sums above 65504 must stay finite",
        ),
        "without the channels": (
            lambda: net.gram_without_channels,
            "[[1,2],[0,1]] as [1,2,1,2] gives [[1.25,.5],[.5,.25]]: the sum divided by C·H·W = 4",
        ),
    },
    "[[1,2],[0,1]] as features [1,2,1,2] gives [[[1.25,.5],[.5,.25]]]: shape [1,2,2], and allow for rounding",
)
