"""Judges of lesson 13: fine-tuning."""

from pconv_edu.course.exercises import exercise
from pconv_edu.unet import PConvUNet, freeze_encoder_bn


@exercise("13.1")
def mean_with_a_hole(answer):
    if answer == 4: return "that is the mean without the hole; the hole puts a 0 in its place"
    if abs(answer - 10 / 3) < 0.01:
        return "that leaves the hole out of the count; BatchNorm knows nothing of masks and divides by 4"
    if abs(answer - 2.5) > 1e-6: return "the numbers are 2, 2, 6 and 0 now; BatchNorm divides their sum by 4"


def _broken(break_it) -> PConvUNet:
    net = freeze_encoder_bn(PConvUNet(widths=(4, 8, 8, 8)))
    break_it(net)
    return net


@exercise("13.2")
def really_frozen(answer):
    if answer(PConvUNet(widths=(4, 8, 8))): return "it calls a new network frozen, although nothing in it is"
    if answer(freeze_encoder_bn(PConvUNet(widths=(4, 8, 8)))) is not True:
        return "for a network after freeze_encoder_bn it should return True; its first layer has no BatchNorm, and the decoder's is not frozen"
    if answer(_broken(lambda net: net.encoder[2].bn.requires_grad_(True))):
        return "in one layer the scale and shift (bn.weight, bn.bias) still train: look at requires_grad"
    if answer(_broken(lambda net: net.encoder[1].bn.bias.requires_grad_(True))):
        return "the shift (bn.bias) of one layer still trains, and its scale does not: look at both"
    if answer(_broken(lambda net: net.encoder[1].bn.weight.requires_grad_(True))):
        return "the scale (bn.weight) of one layer still trains, and its shift does not: look at both"
    if answer(_by_hand(statistics=True)):
        return "in this network scale and shift are frozen, but the statistics move: look at bn.training"
    if answer(_by_hand(statistics=False)):
        return "here bn.eval() was called by hand: the next net.train() moves the statistics again. Call net.train() before you look"


def _by_hand(statistics: bool) -> PConvUNet:
    "A network whose encoder's BatchNorm was frozen by hand, so that `train()` undoes it."
    net = PConvUNet(widths=(4, 8, 8))
    for bn in (block.bn for block in net.encoder if block.bn is not None): bn.requires_grad_(False).train(statistics)
    return net


@exercise("13.3")
def numbers_held(answer):
    if answer == 2944: return "each channel has a scale and a shift"
    if answer == 11_776: return "the running statistics hold still too, but no optimizer ever moves them"
    if answer in (3008 * 2, 3008): return "the first layer of the encoder, with 64 channels, has no BatchNorm"
    if answer != 5888: return "sum the channels of PConv2 to PConv8; each has two numbers that an optimizer moves"
