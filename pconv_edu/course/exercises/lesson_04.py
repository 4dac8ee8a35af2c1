"""Judges of lesson 04: the partial convolution."""
import torch

from pconv_edu.course.exercises import exercise


def _close(a, b, eps=6e-3) -> bool: return abs(float(a) - b) < eps


@exercise("4.1")
def window_with_three_pixels(answer):
    if _close(answer, 12 / 9): return "that is the plain convolution: 12/9. Now multiply by sum(1)/sum(M)"
    if _close(answer, 12): return "12 is the sum of what was seen; the weights are 1/9 each"
    if _close(answer, 36): return "the ratio 9/3 is right, the weights of 1/9 are missing"
    if _close(answer, 4 / 9): return "the ratio is upside down: sum(1)/sum(M) = 9/3"
    if not _close(answer, 4):
        return "sum what is valid, weight it by 1/9, multiply by 9 over the number of valid pixels"


@exercise("4.2")
def ratio_of_two_planes(answer):
    if _close(answer, 1.5):
        return "18/12 treats both planes as equal; the first stands for 512 channels, the second for 64"
    if _close(answer, 2112 / 5184): return "that is sum(M)/sum(1): turn the fraction upside down"
    if _close(answer, 3) or _close(answer, 3.375):
        return "the 64 channels of the skip link have been seen as well: they count in sum(M), 64 · 9"
    if _close(answer, 5184) or _close(answer, 2112): return "sum(1) is 5184 and sum(M) is 2112; what is the ratio?"
    if not _close(answer, 5184 / 2112): return "sum(1) = (512 + 64) · 9; sum(M) = 512 · 3 + 64 · 9"


@exercise("4.3")
def put_right(answer):
    g = torch.Generator().manual_seed(0)
    raw, bias = torch.randn(1, 2, 2, 3, generator=g), torch.tensor([1., -2.])
    count = torch.tensor([[9., 6, 3], [1, 0, 0]]).view(1, 1, 2, 3)
    raw = raw * (count > 0)
    b, ratio = bias.view(1, 2, 1, 1), torch.where(count > 0, 9 / count, 0)
    right, seen = raw * ratio + b * (count > 0), (count > 0).expand_as(raw)
    got = answer(raw + b, count, 9, bias)
    same = lambda other, where=slice(None): torch.allclose(got[where], other[where], atol=1e-5)
    if got.shape != raw.shape:
        return f"y has shape {list(raw.shape)}, and so should the result; it has {list(got.shape)}. The bias needs the shape [1,out,1,1]"
    if not got.isfinite().all():
        return "there is nan or inf where count is 0: use torch.where(count > 0, window_size / count, 0)"
    if same(right): return None
    if same(right, seen):
        return "right where something was seen; where count is 0 the result must be 0, without the bias"
    if same((raw + b) * ratio, seen):
        return "the bias got scaled as well: subtract it before the ratio and add it back after"
    if same(raw * ratio, seen): return "the bias is lost: add it back after the ratio"
    if same(raw * ratio + 2 * b, seen): return "the bias is in it twice: y already holds one"
    if same(raw / count.clamp(min=1) + b, seen): return "sum(1), the window's size, is missing from the ratio"
    return "subtract the bias, multiply by window_size / count where count > 0, add the bias back there, 0 elsewhere"
