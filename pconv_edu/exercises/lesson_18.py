"""Judges of lesson 18: the learner's checks must pass the right code and fail each planted bug."""
from collections.abc import Callable

import torch

from pconv_edu import checkpoint
from pconv_edu.exercises import Unanswered, exercise
from pconv_edu.exercises import broken_layer as layer
from pconv_edu.exercises import broken_net as net
from pconv_edu.exercises import broken_run as run
from pconv_edu.inpaint import fill_windows
from pconv_edu.losses import VGG16Features, gram_matrix, tv_loss
from pconv_edu.masks import irregular_mask, resize_mask
from pconv_edu.partial_conv import PartialConv2d, renormalise
from pconv_edu.unet import PConvUNet


def _asked(check: Callable, *things) -> bool | Exception:
    "What the learner's check says; an assertion that fails says False, any other error comes back as it is."
    torch.manual_seed(0)
    try: return bool(check(*things))
    except AssertionError: return False
    except Unanswered: raise
    except Exception as error: return error


def exhibit(
    number: str,      # of the exercise
    right: Callable,  # () → what the check gets, sound
    bugs: dict[str, tuple[Callable, str]],  # name → (() → the same, broken; the hint when it goes unnoticed); the bug first, its cousins after it
    sound: str,       # the hint when the check rejects the right code
):
    "Register the judge of an exhibit. A tuple from `right` and `bugs` is several arguments."
    def ask(check, make):
        made = make()
        return _asked(check, *(made if isinstance(made, tuple) else (made,)))

    @exercise(number)
    def judge(check):
        if not callable(check): return "answer with a function: it gets the thing to examine and returns True or False"
        verdict = ask(check, right)
        if isinstance(verdict, Exception): return f"your check stops at the right code, with {type(verdict).__name__}: {verdict}"
        if not verdict: return f"the right code does not pass your check. {sound}"
        missed = [name for name, (make, _) in bugs.items() if ask(check, make) is True]
        if not missed: return None
        if len(missed) == len(bugs): return f"your check passes everything, the bug too. {bugs[missed[0]][1]}"
        return f"it finds some, and misses this: {missed[0]}. {bugs[missed[0]][1]}"


# masks and the layer -----------------------------------------------------------------------------------------------------

exhibit("18.1", lambda: resize_mask, {
    "bilinear resize": (lambda: layer.blended_resize, "A mask holds 0 and 1 and nothing between: look at the values, for a size that is no simple fraction (90 of 128)"),
    "JPEG": (lambda: layer.jpeg_resize, "JPEG keeps a rectangle that lies on its grid of 8 pixels: try an irregular mask, and compare with 0 and 1 exactly")},
    "The sound resize gives [1,size,size] of zeros and ones, nearest pixel by nearest pixel")

_bins = [irregular_mask(64, (low, low + .1), seed=5) for low in (.05, .15, .25, .35, .45, .5)]
exhibit("18.2", lambda: list(_bins), {
    "all inverted": (lambda: layer.inverted(_bins), "How much of such a mask is hole (0)? The paper's have 60 % at most"),
    "every other one inverted": (lambda: layer.mixed(_bins), "On average the ratio looks fine: look at each mask by itself")},
    "Its masks have between 5 and 60 % hole, and hole is 0")

exhibit("18.3", lambda: PartialConv2d, {
    "1/sum(M)": (lambda: layer.ForgetsOnes, "Where nothing is missing a partial convolution is a convolution: compare with F.conv2d, or with nn.Conv2d and the same weights"),
    "sum(1) = k²": (lambda: layer.ForgetsChannels, "With one input channel C·k² and k² are the same: try more channels")},
    "With padding, the sound layer scales its border up: take padding 0, a mask of ones, and allow for rounding (1e-5)")

exhibit("18.4", lambda: PartialConv2d, {
    "bias scaled": (lambda: layer.ScalesBias, "Set the weights to 0 and the bias to 1: beside a hole the output must still be 1"),
    "bias scaled twice": (lambda: layer.ScalesBiasTwice, "Compare with 1, not with the ratio")},
    "Where the window saw nothing the output is 0, bias or not: take a mask whose hole leaves every window a pixel, or leave those out")

exhibit("18.5", lambda: PartialConv2d, {
    "bias in the hole": (lambda: layer.FillsWithBias, "Take a mask that is all hole, and a bias that is not 0 (set it; a new layer's may be small)")},
    "Where nothing was seen the sound layer gives exactly 0; elsewhere it gives something: look only at windows without a valid pixel")

exhibit("18.6", lambda: renormalise, {
    "1e-8 added": (lambda: layer.added_epsilon, "In float32 it is right. Call it with raw.half() and a count of 0 somewhere, and ask isfinite()"),
    "1e-6 added": (lambda: layer.larger_epsilon, "In float32 it is right. Call it with raw.half() and a count of 0 somewhere, and ask isfinite()")},
    "raw is 0 where the count is 0; the sound one gives finite numbers there, in half precision too")

exhibit("18.7", lambda: layer.exact_counts, {
    "counted in bfloat16": (lambda: layer.bfloat16_counts, "Work a count out by hand: a full 3 × 3 window of planes (64, 3) counts 67·9 = 603"),
    "counted in float16": (lambda: layer.float16_counts, "float16 is exact up to 2048: take planes whose count is larger and odd, such as (448, 63)")},
    "For planes (a, b) a full 3 × 3 window counts 9·(a + b); a mask has one plane for each entry, and only windows that fit count")

exhibit("18.8", lambda: PartialConv2d, {
    "the last mask stays": (lambda: layer.RemembersMask, "Call it without a mask, then with one, then without again: the first and the third must agree"),
    "the first mask stays": (lambda: layer.KeepsFirstMask, "Call it with one mask and then with another one of the same size: does a new layer with the same weights agree?")},
    "The layer's weights are random: ask one layer twice, or give a second one the same state_dict()")

exhibit("18.9", lambda: PartialConv2d, {
    "ones that stay behind": (lambda: layer.LoseOnes, "Call layer.double() on double inputs: whatever stays behind in float32 stops it"),
    "ones in the checkpoint": (lambda: layer.SavedOnes, "Look at the names in layer.state_dict(): weight and bias, and no more")},
    "The sound layer's state_dict() holds 'weight' and 'bias' alone (only 'weight' with bias=False), and layer.double() takes doubles")

exhibit("18.10", lambda: PartialConv2d, {
    "one count for all": (lambda: layer.IgnoresGroups, "Let the first group's channel be all hole: the first output's mask must be 0"),
    "the mask is right, the ratio is not": (lambda: layer.RatioIgnoresGroups, "The mask is not all: with the weights set to 1, what must the second output, of a group without a hole, be?")},
    "With multi_channel and return_mask it gives (y, mask), both with two channels; the first is hole where its group is, the second is a plain convolution")

exhibit("18.11", lambda: PartialConv2d, {
    "every border reweighted": (lambda: layer.ReweightsBorder, "On a picture of ones, with weights of 1/9 and padding_mode='reflect', the corner must be 1"),
    "reweighted for 'circular' only": (lambda: layer.ReweightsCircle, "Three modes bring real pixels: 'reflect', 'replicate' and 'circular'. Try each")},
    "With padding_mode='zeros' the border is missing and scaled up, which is right: try the other modes, and allow for rounding")

# the network and the losses ----------------------------------------------------------------------------------------------

def _net() -> PConvUNet:
    torch.manual_seed(0)
    made = PConvUNet(widths=(8, 16, 16, 16))
    with torch.no_grad(): made(torch.rand(4, 3, 32, 32), (torch.rand(4, 1, 32, 32) > .3).float())
    return made.eval()


exhibit("18.12", _net, {
    "no BatchNorm": (lambda: net.forgets_bn(_net()), "Count the nn.BatchNorm2d among net.modules(): two fewer than there are blocks"),
    "BatchNorm in hiding": (lambda: net.hides_bn(_net()), "Ask PyTorch, not the block: what is not in net.modules() is neither trained nor saved")},
    "encoder[0] and decoder[-1] have none, and net.encoder and net.decoder have 4 blocks each here: 6 in all")


def _sound_fill():
    made = _net()
    def fill(image, mask):
        with torch.no_grad(): return made(image, mask)
    return fill


exhibit("18.13", _sound_fill, {
    "training mode": (lambda: net.in_training_mode(_net()), "Fill one picture alone, then together with others, and compare"),
    "no statistics": (lambda: net.without_statistics(_net()), "Fill one picture alone, then together with others, and compare")},
    "Other pictures in the batch change nothing but rounding: allow 1e-4")

exhibit("18.14", _sound_fill, {
    "no padding": (lambda: net.unpadded(_net()), "Try sides that are no multiple of 16, such as 50 × 37"),
    "black pixels that count": (lambda: net.padded_with_pixels(_net()), "The size is right. Pad image and mask to a multiple of 16 with pad_with_hole yourself: the part that was there before must come out the same")},
    "For a picture of 50 × 37 the output is 50 × 37, and what pad_with_hole(…, 16) adds changes it by rounding alone: allow 1e-4. (Larger multiples do change it: layers grow into what is added.)")

_vgg: list[VGG16Features] = []  # made at the first call

def _random_vgg() -> VGG16Features:
    if not _vgg: _vgg.append(VGG16Features("random"))
    return _vgg[0]


exhibit("18.15", _random_vgg, {
    "in [-1, 1]": (lambda: net.minus_one_to_one(_random_vgg()), "A picture in the mean colour (0.485, 0.456, 0.406) must give 0 on every level"),
    "blue first": (lambda: net.blue_first(_random_vgg()), "A grey picture looks the same either way: take the mean colour (0.485, 0.456, 0.406), red first")},
    "It takes [B,3,H,W] with red first and gives three levels; the mean colour (0.485, 0.456, 0.406) gives 0, up to rounding (1e-4)")

exhibit("18.16", lambda: tv_loss, {
    "over the whole picture": (lambda: net.tv_everywhere, "Change a pixel far from the hole: the loss must not change"),
    "of the product": (lambda: net.tv_of_product, "A picture of one colour (not black) has no variation at all")},
    "The sound one looks at the hole and one pixel around it; pixels further away may change, and one colour gives 0")

exhibit("18.17", lambda: tv_loss, {
    "first and last row": (lambda: net.tv_two_rows, "With two rows the first and the last are neighbours: take more, such as horizontal stripes"),
    "first and last column": (lambda: net.tv_two_columns, "It looks right downwards: try it across as well, on vertical stripes")},
    "It divides by the number of values in the composite, and a mask of zeros makes everything count: 5 × 5 horizontal stripes of 0 and 1 give 20/25")

exhibit("18.18", lambda: gram_matrix, {
    "summed in half precision": (lambda: net.gram_in_half, "Give it loud features: sums above 65504 must stay finite"),
    "without the channels": (lambda: net.gram_without_channels, "[[1,2],[0,1]] as [1,2,1,2] gives [[1.25,.5],[.5,.25]]: the sum divided by C·H·W = 4")},
    "[[1,2],[0,1]] as features [1,2,1,2] gives [[[1.25,.5],[.5,.25]]]: shape [1,2,2], and allow for rounding")

# data, training, evaluation ----------------------------------------------------------------------------------------------

exhibit("18.19", lambda: run.own_masks, {
    "one for all": (lambda: run.one_for_all, "Are mask 0 and mask 1 different?"),
    "new each time": (lambda: run.new_each_time, "Ask for the same mask twice: are the two equal?")},
    "Every n has its own mask, and always the same")

exhibit("18.20", lambda: run.read_all, {
    "the end of it": (lambda: run.stops_without_a_name, "Call read(three_files()); it stops there"),
    "black instead": (lambda: run.black_instead, "It does not stop, and it does not say anything either: is 'cut.png' among the bad ones?")},
    "read(three_files()) returns (pictures, bad): two pictures, and bad is {'cut.png': …}")

exhibit("18.21", lambda: run.training, {
    "Adam anew": (lambda: run.forgets_moments, "Compare the final weights of train(data, 6) and train(data, 6, killed_at=3), to the last bit; the losses need not show it at once"),
    "data again from the start": (lambda: run.starts_data_again, "Compare the final weights of train(data, 6) and train(data, 6, killed_at=3), to the last bit")},
    "train(data, 6) and train(data, 6, killed_at=3) give equal losses and equal weights, tensor by tensor")

exhibit("18.22", lambda: checkpoint.save, {
    "over the last one": (lambda: run.save_over, "Save step 1, save step 2 inside `with power_cut():`, and look at whole_ones(folder)"),
    "deletes first": (lambda: run.deletes_first, "Save step 1, save step 2 inside `with power_cut():`, and look at whole_ones(folder): it must not be empty")},
    "Call save(folder, step, tensors, {'step': step}) in an empty folder; after the cut step 1 is still whole")

exhibit("18.23", run.mask_sets, {
    "the same files": (run.same_files, "Are there masks of the test among those of the training?"),
    "other names": (run.same_pixels, "The names differ, the pixels do not: compare each mask of the one with each of the other")},
    "It gets two dicts, name → mask [1,32,32], and in the fair one no mask stands in both")

exhibit("18.24", lambda: fill_windows, {
    "not black": (lambda: run.blends_what_is_not_black, "Look at the steps of across_two_windows(fill_windows): it jumps from 0 to 1"),
    "mean up to the edge": (lambda: run.blends_by_the_mean, "It has two steps of one half; a ramp over eight pixels has none above 0.25")},
    "Its ramp over eight pixels takes steps of up to 0.2: allow 0.25")
