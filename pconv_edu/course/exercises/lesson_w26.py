"""Judges of page w26."""
import torch
from torch import nn

from pconv_edu.course.exercises import exercise


@exercise("w26.1")
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
        return "y = (W·x - mean) / √(variance + eps) · γ + β: by what factor is W multiplied?"
    if same(given[1], bn.bias): return "the mean is missing from the bias: BatchNorm subtracts it before it scales"
    if same(given[1], bn.bias - bn.running_mean): return "the mean is scaled too: (W·x - mean) · scale + β"
    return "set x to 0 in y = (W·x - mean) · scale + β: what is left is the bias"
