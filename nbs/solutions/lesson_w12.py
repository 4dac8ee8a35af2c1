"""Solutions of page w12, and wrong answers that must get a hint."""


def halve(image, mask):
    four = lambda x: x.unfold(1, 2, 2).unfold(2, 2, 2).sum((3, 4))
    return four(image * mask) / four(mask).clamp(min=1)


def plain_mean(image, mask): return image.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4))


def hole_counted(image, mask): return plain_mean(image * mask, mask)


right = {
    "w12.1": (24, 18),
    "w12.2": halve,
}

wrong = {
    "w12.1": [(18, 24), (8, 2), (1024, 768), (0, 0), 24, "24, 18"],
    "w12.2": [
        plain_mean, hole_counted, lambda image, mask: hole_counted(image, mask) / hole_counted(mask, mask),
        lambda image, mask: image,
    ],
}
