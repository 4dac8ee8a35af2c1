"""Pictures that several lessons share: the value in the hole, the say of each loss.

Each is a function that returns a `Drawing`, so it stands still on paper; `widgets.play` puts controls above it.
"""
from itertools import cycle

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pconv_edu.losses.total import TERMS
from pconv_edu.partial_conv import PartialConv2d
from pconv_edu.figures import COLORS, SERIES, Drawing, show_row

DARK = SERIES[0], *SERIES[2:]  # white letters on these


def value_in_hole(
    image: Tensor,  # [1,3,H,W] in [0,1]
    mask: Tensor,   # [1,1,H,W], 1 = valid, 0 = hole
    value: float,   # what the hole is filled with, in [0,1]
    kernel: int,    # odd; side of a mean kernel
) -> Drawing:
    "A mean kernel over a picture whose hole holds `value`: a plain and a partial convolution (the paper's equation 1)."
    x = mask * image + (1 - mask) * value
    partial = PartialConv2d(3, 3, kernel, padding=kernel // 2, groups=3, bias=False)
    nn.init.constant_(partial.weight, 1 / kernel**2)
    with torch.no_grad():
        plain = F.conv2d(x, partial.weight, padding=kernel // 2, groups=3)
        renormalised = partial(x, mask)
    titles = [f"{value:g} in the hole", "plain convolution", "partial convolution"]
    return show_row(x[0], plain[0], renormalised[0], titles=titles, width=2.7)


def weighted(
    terms: dict[str, float],  # the terms of the loss, unweighted
    weights,                  # a `LossWeights`
) -> dict[str, float]:
    "Weight times term, for each term."
    return {name: getattr(weights, name) * terms[name] for name in terms}


def shares(
    terms: dict[str, float],  # the terms of the loss, unweighted
    weights,                  # a `LossWeights`
) -> dict[str, float]:
    "Each term's share of the weighted sum, 0 to 1; all 0 where the sum is 0."
    row = weighted(terms, weights)
    total = sum(row.values()) or 1
    return {name: part / total for name, part in row.items()}


def weight_bars(
    rows: dict[str, dict[str, float]],  # label → the terms' values there, unweighted
    weights,                            # a `LossWeights` for all rows
    as_shares: bool = False,            # draw all bars equally long, from 0 to 1
) -> Drawing:
    "How much of the total comes from each term (the paper's section 3.3): one bar a row, as long as the total."
    rows = {label: (shares if as_shares else weighted)(terms, weights) for label, terms in rows.items()}
    colours = dict(zip(TERMS, cycle((COLORS["valid"], COLORS["hole"], *SERIES, COLORS["output"]))))
    drawing, longest = Drawing(figsize=(8, .55 * len(rows) + 1)), max(sum(row.values()) for row in rows.values())
    axes = drawing.subplots()
    for y, row in enumerate(rows.values()): _bar(axes, y, row, longest, colours)
    axes.set_yticks(range(len(rows)), rows, fontsize=11)
    axes.invert_yaxis()
    if as_shares: axes.set_xlim(0, 1)
    axes.set_xlabel("share of the loss" if as_shares else "weight × term", fontsize=11)
    drawing.legend(loc="outside upper center", ncols=5, fontsize=11, frameon=False)
    return drawing


def _bar(axes, y: int, row: dict[str, float], longest: float, colours: dict[str, str]):
    "One row: the terms end to end, the large ones with their share of the row."
    left = 0
    for name, part in row.items():
        axes.barh(y, part, left=left, color=colours[name], label=None if y else name)
        if part > .07 * longest:
            ink = "white" if colours[name] in DARK else COLORS["ink"]
            share = f"{part / sum(row.values()):.0%}"
            axes.text(left + part / 2, y, share, ha="center", va="center", fontsize=10, color=ink)
        left += part
