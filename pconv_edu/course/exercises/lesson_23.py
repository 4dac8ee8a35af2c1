"""Judges of page 23."""
from pconv_edu.course import broken_net as net
from pconv_edu.course.exercises.museum import exhibit, small_net, sound_fill
from pconv_edu.losses import VGG16Features, hole_ring, tv_loss


def _without_one(side: str):
    made = small_net()
    getattr(made, side)[2].bn = None
    return made


def _two_rows_and_columns(composite, mask):
    "Wrong in both directions, and equally so."
    ring = hole_ring(mask)
    ends = lambda t: (t[..., :1, :], t[..., -1:, :])
    def apart(x, ring):
        (first, last), (seen, also_seen) = ends(x), ends(ring)
        return (seen * also_seen * (first - last).abs()).sum()
    return (apart(composite, ring) + apart(composite.mT, ring.mT)) / composite.numel()


exhibit(
    "23.1",
    small_net,
    {
        "no BatchNorm": (
            lambda: net.forgets_bn(small_net()),
            "Count the nn.BatchNorm2d among net.modules(): two fewer than there are blocks",
        ),
        "BatchNorm in hiding": (
            lambda: net.hides_bn(small_net()),
            "Ask PyTorch, not the block: what is not in net.modules() is neither trained nor saved",
        ),
        "one block without": (
            lambda: _without_one("encoder"), "Finding one is not enough: every block but two has its own",
        ),
        "one block of the decoder without": (
            lambda: _without_one("decoder"), "Look at net.decoder as you do at net.encoder: only its last block has none",
        ),
    },
    "encoder[0] and decoder[-1] have none, and net.encoder and net.decoder have 4 blocks each here: 6 in all",
)


exhibit(
    "23.2",
    sound_fill,
    {
        "training mode": (
            lambda: net.in_training_mode(small_net()),
            "Fill one picture alone, then together with others, and compare",
        ),
        "no statistics": (
            lambda: net.without_statistics(small_net()),
            "Fill one picture alone, then together with others, and compare",
        ),
    },
    "Other pictures in the batch change nothing but rounding: allow 1e-4",
)


_vgg: list[VGG16Features] = []  # made at the first call


def _random_vgg() -> VGG16Features:
    if not _vgg: _vgg.append(VGG16Features("random"))
    return _vgg[0]


exhibit(
    "23.3",
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


exhibit("23.4", lambda: tv_loss, {
    "over the whole picture": (lambda: net.tv_everywhere, "Change a pixel far from the hole: the loss must not change"),
    "of the product": (lambda: net.tv_of_product, "A picture of one colour (not black) has no variation at all")},
    "The sound one looks at the hole and one pixel around it; pixels further away may change, and one colour gives 0")


exhibit(
    "23.5",
    lambda: tv_loss,
    {
        "first and last row": (
            lambda: net.tv_two_rows,
            "With two rows the first and the last are neighbours: take more, such as horizontal stripes",
        ),
        "first and last column": (
            lambda: net.tv_two_columns,
            "It is right going down: try it going across as well, on vertical stripes",
        ),
        "both": (
            lambda: _two_rows_and_columns,
            "Its two directions are wrong in the same way, so comparing them shows nothing: compare with a number that "
            "you worked out by hand",
        ),
    },
    "It divides by the number of values in the composite, and a mask of zeros makes everything count: 5 × 5 "
    "horizontal stripes of 0 and 1 give 20/25",
)
