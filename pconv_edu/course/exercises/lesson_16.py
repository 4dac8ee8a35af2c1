"""Judges of lesson 16: decibels, the hole alone."""
import math

import torch

from pconv_edu.course.exercises import exercise


@exercise("16.1")
def decibel(answer):
    if abs(answer - 40) < .05: return None
    if abs(answer + 40) < .05: return "the sign: PSNR is 10·log10(1 / MSE), and 1 / MSE is large"
    if abs(answer - 4) < .05: return "that is in bels; a decibel is a tenth of one"
    if abs(answer - 80) < .05: return "20·log10 belongs to the root of the MSE; for the MSE itself it is 10·log10"
    return "10·log10(1 / 0.0001): how many zeros does 1 / 0.0001 have?"


@exercise("16.2")
def hole_psnr(f):
    torch.manual_seed(0)
    image, mask = torch.rand(3, 6, 7), (torch.rand(1, 6, 7) > .4).float()
    filled = torch.where(mask > 0, image, torch.rand(3, 6, 7))
    square, hole = (filled - image) ** 2, (1 - mask).sum()
    decibel = lambda mse: -10 * math.log10(mse)
    found, wanted = float(f(filled, image, mask)), decibel(float(square.sum() / (3 * hole)))
    if math.isnan(found): return "that is not a number: watch out for divisions by 0"
    if math.isinf(found): return "no error at all: those are the valid pixels. The hole is where mask is 0"
    if abs(found - wanted) < 1e-3: return None
    if abs(found - decibel(float(square.mean()))) < 1e-3:
        return "that is over the whole picture: the valid pixels, which are right, count too"
    if abs(found - decibel(float(square.sum() / hole))) < 1e-3:
        return "each hole pixel has 3 channels: divide by 3 times the number of hole pixels"
    if abs(found + wanted) < 1e-3: return "the sign: PSNR is 10·log10(1 / MSE)"
    return "sum the squared errors where mask is 0, divide by their number (3 for each pixel), then -10·log10"
