"""Solutions of lesson 02, masks, and wrong answers that must get a hint."""
from pconv_edu.masks import hole_ratio, ratio_bin


def to_mask(levels, hole):
    white = (levels >= 128)[None].float()
    return white if hole == "black" else 1 - white


def hardest_bin(masks): return ratio_bin(hole_ratio(masks).max().item())


right = {"2.1": 2, "2.2": to_mask, "2.3": hardest_bin}

wrong = {
    "2.1": [3, 0.25, 64, (0.2, 0.3), 0],
    "2.2": [
        lambda levels, hole: to_mask(levels, "black"), lambda levels, hole: 1 - to_mask(levels, hole),
        lambda levels, hole: to_mask(levels, hole)[0], lambda levels, hole: levels[None].float() / 255,
        lambda levels, hole: to_mask(levels, hole).bool(), lambda levels, hole: levels.numpy(),
        lambda levels, hole: (levels >= (10 if hole == "black" else 128))[None].float(),
        lambda levels, hole: to_mask(levels.int() + 40, hole),
        lambda levels, hole: to_mask(levels.int() - 72, hole), lambda levels, hole: to_mask(levels.int() - 1, hole),
    ],
    "2.3": [
        lambda masks: hole_ratio(masks).max().item(), lambda masks: ratio_bin(hole_ratio(masks).min().item()),
        lambda masks: hole_ratio(masks), lambda masks: ratio_bin(hole_ratio(masks).mean().item()), lambda masks: 4,
        lambda masks: 5, lambda masks: int(hole_ratio(masks).max() * 10),
    ],
}
