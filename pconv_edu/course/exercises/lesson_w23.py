"""Judges of page w23."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("w23.1")
def hole_loss_beside_a_gap(answer):
    near = lambda value: abs(float(answer) - value) < 1e-3
    if near(.125): return None
    if near(.5): return "that is the sum; divide it by the number of pixels"
    if near(.5 / 3) or near(.25): return "the sum is right; divide it by all four pixels of the picture, not by some"
    if near((.1 + .9 + .4) / 4): return "unknown is not 0: the second pixel does not count"
    return "add |output − truth| over the pixels of the hole whose truth is known, and divide by 4"


@exercise("w23.2")
def mask_for_the_network(answer):
    row = lambda *values: torch.tensor(values).view(1, 1, 1, 5)
    measured, hidden = row(.2, torch.nan, 0., .7, torch.nan), row(1., 1., 1., 0., 0.)
    got, right = answer(measured, hidden), row(1., 0., 1., 0., 0.)
    if not isinstance(got, torch.Tensor) or got.shape != right.shape: return "give a tensor [B,1,H,W]"
    if torch.equal(got.float(), hidden): return "a cloud is a hole, too: where is measured not finite?"
    if torch.equal(got.float(), 1 - right): return "1 means valid: the network may look there"
    if torch.equal(got.float(), measured.isfinite().float()): return "and what we hide ourselves?"
    if torch.equal(got.float(), row(1., 0., 0., 0., 0.)):
        return "a measured 0 is a value like any other: only NaN means that nothing was measured"
    if not torch.equal(got.float(), right): return "valid is what was measured (finite) and not hidden by us: a product"
    return None if got.is_floating_point() else "right, but a mask holds floats: .float()"
