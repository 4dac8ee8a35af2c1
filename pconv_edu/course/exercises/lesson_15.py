"""Judges of lesson 15: windows, blending."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("15.1")
def how_many_windows(answer):
    if answer == 3: return None
    if answer == 4:
        return "four windows cover it, but three do as well: after the first, each adds 400 − 100 = 300 pixels"
    if answer == 2: return "two windows reach 400 + 300 = 700 pixels: not yet 1000"
    return "the first window covers 400 pixels, and each one after it adds what it does not share: 400 − 100"


@exercise("15.2")
def blend(f):
    a, b = torch.tensor([0., .8, .4]), torch.tensor([.6, 0., .4])
    wa, wb = torch.tensor([.5, .25, .5]), torch.tensor([.5, .75, 1.])
    found, wanted = f(a, b, wa, wb), torch.tensor([.3, .2, .4])
    if not isinstance(found, torch.Tensor) or found.shape != (3,): return "return a tensor of the same shape as a"
    if torch.allclose(found, wanted, atol=1e-5): return None
    if torch.allclose(found[:1], b[:1]):
        return "the first pixel is 0 in a: black, and as valid as any. Its weight must count"
    if torch.allclose(found, (a + b) / 2): return "that is the plain mean; a and b count as much as their weights say"
    if torch.allclose(found, wa * a + wb * b):
        return "the weights need not add up to 1 (look at the third pixel): divide by their sum"
    return "add up weight times value, and divide by the sum of the weights"


@exercise("15.3")
def put_in(f):
    levels = torch.tensor([[[100, 101], [102, 103]]], dtype=torch.uint8).expand(3, 2, 2)
    mask, output = torch.tensor([[[1., 0.], [0., 1.]]]), torch.tensor([[[.9, .4031], [1.2, .9]]]).expand(3, 2, 2)
    found = f(levels.clone(), mask, output)
    if not isinstance(found, torch.Tensor) or found.shape != (3, 2, 2): return "return a tensor of the same shape as levels"
    if found.dtype != torch.uint8: return f"the picture had bytes (uint8), and yours has {found.dtype}"
    got = found[0].tolist()
    if got == [[100, 103], [255, 103]]: return None
    if got[0][0] != 100 or got[1][1] != 103: return "where mask is 1 the old level must stay (torch.where)"
    if got[1][0] != 255: return f"an output of 1.2 became the level {got[1][0]}: clamp to [0,1] before you make bytes"
    return f"0.4031 · 255 = 102.79 became {got[0][1]}: round before you make bytes, or the fraction is cut off"
