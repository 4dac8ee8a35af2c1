"""Judges of lesson 05: the U-Net."""
import torch
from torch import nn

from pconv_edu.course.exercises import exercise


@exercise("5.1")
def parameters_of_pconv13(answer):
    weights = 9 * (512 + 256) * 256
    if answer == weights: return "those are the convolution's weights; BatchNorm learns two numbers for each channel"
    if answer == weights + 256: return "BatchNorm learns a scale and a shift for each channel: two, not one"
    if answer == weights + 4 * 256: return "running mean and variance are counted, not learned"
    if answer == weights + 3 * 256: return "the convolution has no bias: BatchNorm's shift does its work"
    if answer in (9 * 512 * 256, 9 * 512 * 256 + 512): return "the skip link's 256 channels go in as well"
    if answer in (3 * 768 * 256, 3 * 768 * 256 + 512): return "a 3 × 3 kernel has 9 numbers"
    if answer != weights + 512:
        return "kernel² · (channels from below + channels of the skip link) · channels out, and BatchNorm's scale and shift"


@exercise("5.2")
def can_train(answer):
    cases = [
        ((2, 128, 128, 7), True, "two pictures give two values, even at 1 × 1"),
        ((1, 128, 128, 7), False, "one picture of 128 × 128 is 1 × 1 after 7 halvings"),
        ((1, 256, 256, 7), True, "256 × 256 is 2 × 2 after 7 halvings"),
        ((1, 129, 100, 7), True, "129 pixels are padded to 256, and that is 2 after 7 halvings: round up"),
        ((1, 50, 60, 7), False, "50 × 60 is padded to 128 × 128, and that is 1 × 1 after 7 halvings"),
        ((1, 64, 256, 7), True, "64 × 256 is padded to 128 × 256: 1 × 2 values"),
        ((1, 256, 256, 8), False, "256 × 256 is 1 × 1 after 8 halvings"),
    ]
    for case, right, why in cases:
        if bool(answer(*case)) != right:
            return f"batch {case[0]}, {case[1]} × {case[2]}, {case[3]} stages: {why}, so the answer is {right}"


@exercise("5.3")
def fold(answer):
    torch.manual_seed(0)
    bn, weight = nn.BatchNorm2d(4, eps=.1).eval(), torch.randn(4, 3, 3, 3)
    for tensor in (bn.weight, bn.bias, bn.running_mean, bn.running_var): tensor.data.uniform_(.5, 2)
    given = answer(weight.clone(), bn)
    if not isinstance(given, (tuple, list)) or len(given) != 2: return "return two tensors: weight, bias"
    if given[0].shape != weight.shape:
        return f"the weight has shape {list(weight.shape)}, and yours {list(given[0].shape)}: the scale is one number for each output, view(-1, 1, 1, 1)"
    if given[1].shape != (4,):
        return f"the bias is one number for each output channel, shape [4], and yours has {list(given[1].shape)}"
    scale = bn.weight / (bn.running_var + bn.eps).sqrt()
    same = lambda a, b: torch.allclose(a, b, atol=1e-5)
    right_weight, right_bias = weight * scale.view(-1, 1, 1, 1), bn.bias - bn.running_mean * scale
    if same(given[0], right_weight) and same(given[1], right_bias): return
    if same(given[0], weight * (bn.weight / bn.running_var.sqrt()).view(-1, 1, 1, 1)):
        return "BatchNorm divides by the root of variance + bn.eps"
    if same(given[0], weight * (bn.weight / (bn.running_var + bn.eps)).view(-1, 1, 1, 1)):
        return "BatchNorm divides by the standard deviation, the root of the variance"
    if same(given[0], weight): return "the scale goes into the weight: W · γ / √(variance + eps)"
    if not same(given[0], right_weight):
        return "y = (W·x - mean) / √(variance + eps) · γ + β: which factor stands before W?"
    if same(given[1], bn.bias): return "the mean is missing from the bias: BatchNorm takes it off before it scales"
    if same(given[1], bn.bias - bn.running_mean): return "the mean is scaled too: (W·x - mean) · scale + β"
    return "set x to 0 in y = (W·x - mean) · scale + β: what is left is the bias"
