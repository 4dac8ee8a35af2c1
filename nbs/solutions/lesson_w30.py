"""Solutions of page w30, and wrong answers that must get a hint."""


def plausible(levels):
    white = levels.mean().item()
    return [color for color, share in (("white", white), ("black", 1 - white)) if share <= .65]


def swapped(levels):
    return plausible(1 - levels)


def rarer(levels):
    return ["white" if levels.mean() < .5 else "black"]


def mask_by_mask(levels):
    return sorted({color for mask in levels for color in plausible(mask)})


def in_all_masks(levels):
    return sorted(set.intersection(*[set(plausible(mask)) for mask in levels]))


right = {
    "w30.1": plausible,
}

wrong = {
    "w30.1": [
        swapped, rarer, mask_by_mask, in_all_masks, lambda levels: plausible(levels[:1]), lambda levels: "white",
        lambda levels: ["white", "black"], lambda levels: plausible(levels)[:1], lambda levels: [], lambda levels: True,
    ],
}
