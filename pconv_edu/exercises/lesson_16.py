"""Judges of lesson 16: decibels, the hole alone, two baselines, a border, how many pictures, two scores by hand, a mean over bins."""
import math

import torch

from pconv_edu.exercises import exercise


@exercise("16.1")
def decibel(answer):
    if abs(answer - 40) < .05: return None
    if abs(answer + 40) < .05: return "the sign: PSNR is 10·log10(1 / MSE), and 1 / MSE is large"
    if abs(answer - 4) < .05: return "that is in bel; a decibel is a tenth of it"
    if abs(answer - 80) < .05: return "20·log10 belongs to the root of the MSE; for the MSE itself it is 10·log10"
    return "10·log10(1 / 0.0001): how many zeros has 1 / 0.0001?"


@exercise("16.2")
def hole_psnr(f):
    torch.manual_seed(0)
    image, mask = torch.rand(3, 6, 7), (torch.rand(1, 6, 7) > .4).float()
    filled = torch.where(mask > 0, image, torch.rand(3, 6, 7))
    square, hole = (filled - image) ** 2, (1 - mask).sum()
    decibel = lambda mse: -10 * math.log10(mse)
    found, wanted = float(f(filled, image, mask)), decibel(float(square.sum() / (3 * hole)))
    if math.isnan(found): return "that is no number: mind divisions by 0"
    if abs(found - wanted) < 1e-3: return None
    if abs(found - decibel(float(square.mean()))) < 1e-3: return "that is over the whole picture: the valid pixels, which are right, count too"
    if abs(found - decibel(float(square.sum() / hole))) < 1e-3: return "each hole pixel has 3 channels: divide by 3 times the number of hole pixels"
    if abs(found + wanted) < 1e-3: return "the sign: PSNR is 10·log10(1 / MSE)"
    return "sum the squared errors where mask is 0, divide by their number (3 for each pixel), then -10·log10"


@exercise("16.3")
def one_kind(answer):
    if abs(answer - 1) < 1e-6: return None
    if answer == 0: return "the mean of the logarithms is 0, and exp(0) is not 0"
    if answer == 1000: return "1,000 would need pictures of all kinds, each recognised for sure"
    return "here p(y|x) equals p(y) for every picture: what is the logarithm of their quotient?"


@exercise("16.4")
def fid_of_one_feature(f):
    tests = [((0., 1., 3., 2.), 10.), ((.5, 2., .5, 2.), 0.), ((1., 3., -1., 1.), 8.)]
    found = [float(f(*args)) for args, _ in tests]
    if all(abs(value - wanted) < 1e-6 for value, (_, wanted) in zip(found, tests)): return None
    squared = [(m1 - m2) ** 2 + (s1 ** 2 - s2 ** 2) ** 2 for (m1, s1, m2, s2), _ in tests]
    if all(abs(value - other) < 1e-6 for value, other in zip(found, squared)): return "the deviations themselves are compared, not their squares"
    root = [wanted ** .5 for _, wanted in tests]
    if all(abs(value - other) < 1e-6 for value, other in zip(found, root)): return "FID is the squared distance: no root"
    return "(difference of the means)² + (difference of the deviations)²"


@exercise("16.5")
def mean_of_the_valid(answer):
    if abs(answer - .4) < 1e-3: return None
    if abs(answer - 1.6 / 7) < 1e-2: return "the sum is right, but a hole is no pixel of value 0: divide by the number of valid ones"
    if abs(answer - 1.6) < 1e-3: return "that is the sum of the valid pixels; divide it by their number"
    return "the mean of the valid pixels, wherever they are: how many are there?"


def _left_loop(image, mask, before=.5):
    "The slow specification of 16.6."
    filled = image.clone()
    for y in range(image.shape[1]):
        for x in range(image.shape[2]):
            if mask[0, y, x] == 0: filled[:, y, x] = filled[:, y, x - 1] if x else before
    return filled


@exercise("16.6")
def from_the_left(f):
    torch.manual_seed(1)
    image, mask = torch.rand(3, 5, 9), (torch.rand(1, 5, 9) > .45).float()
    mask[:, 1:3, :2], kept = 0, image.clone()
    found = f(image * mask, mask.clone())
    if tuple(found.shape) != (3, 5, 9): return f"return the picture, [3, 5, 9], and not {list(found.shape)}"
    if not torch.equal(found * mask, kept * mask): return "valid pixels must stay as they are"
    if torch.allclose(found, _left_loop(image * mask, mask)): return None
    if torch.allclose(found, _left_loop((image * mask).flip(2), mask.flip(2)).flip(2)): return "that is the neighbour to the right"
    if torch.allclose(found, _left_loop(image * mask, mask, before=0)): return "nearly: where nothing valid is to the left, the value is 0.5"
    one_step = torch.where(mask > 0, image, torch.cat([torch.full((3, 5, 1), .5), (image * mask)[:, :, :-1]], 2))
    if torch.allclose(found, one_step): return "the pixel to the left may be hole itself: go on to the nearest valid one"
    return "walk along each row from left to right, and carry the last valid colour with you; begin with 0.5"


@exercise("16.7")
def free_border(answer):
    if answer == 25: return None
    if answer == 50: return "50 pixels belong to 512; the table has half of that"
    if answer == 100: return "a smaller picture has a smaller border: multiply by 256 / 512"
    return "the same share of a side: 50 / 512 of 256"


@exercise("16.8")
def how_many(answer):
    if 380 <= answer <= 420: return None
    if 95 <= answer <= 105: return "four times as many pictures halve the interval; it shall be a quarter"
    return "the interval goes with 1/√n: a quarter of it needs 16 times as many"


@exercise("16.9")
def over_all_pairs(answer):
    if abs(answer - .25) < 1e-3: return None
    if abs(answer + .5) < 1e-3: return "that weighs both bins alike; bin 1 has three times as many pairs. (See how the winner changes: give the bins, not one mean)"
    if abs(answer + .25) < 1e-3: return "the sign: A minus B"
    return "(300 · (27 − 26) + 100 · (19 − 21)) / 400"
