"""Solutions of page 16, and wrong answers that must get a hint."""
import math


def hole_psnr(filled, image, mask):
    square = ((filled - image) ** 2 * (1 - mask)).sum().item()
    return -10 * math.log10(square / (3 * (1 - mask).sum().item()))


def diluted(filled, image, mask): return -10 * math.log10(((filled - image) ** 2).mean().item())


def one_channel(filled, image, mask):
    return -10 * math.log10(((filled - image) ** 2).sum().item() / (1 - mask).sum().item())


right = {
    "16.1": 40,
    "16.2": hole_psnr,
}

wrong = {
    "16.1": [-40, 4, 80, 30],
    "16.2": [diluted, one_channel, lambda *a: -hole_psnr(*a), lambda *a: float("nan"), lambda *a: 3.,
             lambda filled, image, mask: hole_psnr(image, image + 1e-30, mask)],
}
