"""Judges of lesson 00, the start."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("0.1")
def _(lost):
    if lost == 26214: return None
    if lost == 26215: return "26214.4 is nearer to 26214: round to the nearest, not up"
    if lost == 26214.4: return "there is no 0.4 of a pixel: round to the nearest whole number"
    if lost in (51, 51.2): return "that is a tenth of one side; the photo has 512 × 512 pixels"
    if lost in (512 * 512, 512 * 512 - 26214): return "that is all of them, or all that is left; how many are lost?"
    if lost in (78643, 512 * 512 * 3 * .1): return "three numbers make one pixel: count pixels, not numbers"
    return "512 × 512 pixels, divided by 10"


@exercise("0.2")
def _(mean_colour):
    mask = torch.ones(1, 4, 6)
    mask[:, 1:3, 2:5] = 0
    photo = torch.linspace(0, 1, 72).view(3, 4, 6)
    damaged = photo * mask
    got = mean_colour(damaged.clone(), mask)
    right = (damaged * mask).sum((1, 2)) / mask.sum()
    if not isinstance(got, torch.Tensor) or got.shape != damaged.shape:
        return f"return a picture of the same shape, [3, 4, 6] here; this is {list(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__}"
    if not torch.allclose(got * mask, damaged, atol=1e-5):
        return "the known pixels changed: keep them, torch.where(mask > 0, damaged, colour)"
    colour = got[:, 1, 2]
    if torch.allclose(colour, torch.zeros(3)): return "the hole is still black"
    if torch.allclose(colour, damaged.mean((1, 2)), atol=1e-5):
        return "the zeros in the hole were counted, too: divide by the number of known pixels, mask.sum()"
    if torch.allclose(colour, (right.mean()).expand(3), atol=1e-5) or torch.allclose(
        colour, damaged.mean().expand(3), atol=1e-5
    ):
        return "one grey for all: each of the three channels has its own mean"
    return (
        None
        if torch.allclose(got[:, mask[0] == 0], right[:, None].expand(3, 6), atol=1e-5)
        else "sum the known pixels of each channel, divide by mask.sum(), put that into every lost pixel"
    )
