"""Judges of lesson 06: the losses that look at pixels."""
import torch

from pconv_edu.course.exercises import exercise


def _close(a, b, eps=1e-4) -> bool: return abs(float(a) - b) < eps


@exercise("6.1")
def hole_of_known_error(answer):
    if _close(answer, 0.3):
        return "that is the error of one hole pixel; L_hole divides by the pixels of the whole picture"
    if _close(answer, 120): return "that is the sum over one channel; now divide by the size of the whole picture"
    if _close(answer, 360): return "that is the sum; now divide by N = 3·100·100"
    if _close(answer, .036): return "three times too large: N counts the channels as well"
    if not _close(answer, .012): return "sum: 20·20 pixels × 3 channels × 0.3; N: 3·100·100"


@exercise("6.2")
def hole_loss_per_hole_pixel(answer):
    g = torch.Generator().manual_seed(0)
    output, image = torch.rand(2, 3, 6, 5, generator=g), torch.rand(2, 3, 6, 5, generator=g)
    mask = (torch.rand(2, 1, 6, 5, generator=g) > .3).float()
    hole = (1 - mask).expand_as(image).bool()
    error = (output - image).abs()
    got, wanted = float(answer(output, image, mask)), error[hole].mean().item()
    if _close(got, wanted): return None
    if _close(got, error[~hole].mean().item()):
        return "that is the loss of the valid pixels: the hole is where the mask is 0"
    if _close(got, 3 * wanted): return "three times too large: the divisor counts every channel of a hole pixel"
    if _close(got, (error * hole).mean().item()):
        return "that is hole_loss itself: divide by the number of hole values, not of all values"
    if _close(got, (output - image)[hole].mean().item()):
        return "take the absolute value before you add up: errors up and down must not cancel"
    if _close(got, (error**2)[hole].mean().item()): return "those are squared errors: take the absolute value"
    if _close(got, sum(e[h].mean().item() for e, h in zip(error, hole)) / 2):
        return "that is the mean of each picture's own loss: one sum over the batch, one count over the batch"
    return f"on a test batch it gives {got:.4f}, and {wanted:.4f} is right: |output − image| summed over the hole, over 3 × the hole's pixels"


@exercise("6.3")
def best_value_under_l1(answer):
    if _close(answer, .44): return "0.44 is the mean, which squared error would paint; L1 wants another kind of average"
    if not _close(answer, .2): return "sort the five values: which one is in the middle?"
