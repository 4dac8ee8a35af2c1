"""Pictures that several lessons share: a mask through the layers, the value in the hole, the say of each loss.

Each is a function that returns a `Drawing`, so it stands still on paper; `widgets.play` puts controls above it.
"""
from collections.abc import Iterable, Sequence
from itertools import cycle

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pconv_edu.losses.total import TERMS
from pconv_edu.mask_update import mask_history
from pconv_edu.masks import hole_ratio
from pconv_edu.partial_conv import PartialConv2d
from pconv_edu.figures import COLORS, SERIES, Drawing, show_row

DARK = SERIES[0], *SERIES[2:]  # white letters on these


def hole_widths(
    masks: Iterable[Tensor],  # each [1,H,W], 1 = valid, 0 = hole
) -> list[int]:  # pixels in the row that has most hole
    "How wide the hole of each mask is."
    return [int((1 - mask).sum(-1).max()) for mask in masks]


def _shrunk(mask: Tensor, side: int) -> Tensor:
    "A mask of at most `side` pixels, for showing: no hole is lost, however thin."
    size = [max(1, round(length * min(1, side / max(mask.shape[-2:])))) for length in mask.shape[-2:]]
    return 1 - F.adaptive_max_pool2d(1 - mask.float(), size)


def film(
    masks: Sequence[Tensor],  # each [1,H,W], 1 = valid, 0 = hole; drawn equally large
    titles: Sequence[str] = (),  # one for each mask
    columns: int = 5,
    width: float = 1.8,  # inches for each mask
) -> Drawing:
    "Masks side by side, with lines between the pixels where these are large enough."
    drawing = show_row(*(_shrunk(mask, 512) for mask in masks), titles=titles, columns=columns, width=width)
    shape = masks[0].shape[-2] / masks[0].shape[-1]
    drawing.set_figheight(-(-len(masks) // columns) * (width * min(1, shape) + .3))
    for axes, mask in zip(drawing.axes, masks):
        axes.set_aspect(shape * mask.shape[-1] / mask.shape[-2])  # a 2 × 2 mask of a wide picture is drawn wide
        if max(mask.shape[-2:]) > 32: continue
        for x in range(mask.shape[-1]): axes.axvline(x - .5, color="white", linewidth=.5)
        for y in range(mask.shape[-2]): axes.axhline(y - .5, color="white", linewidth=.5)
    return drawing


def through_layers(
    mask: Tensor,  # [1,H,W], 1 = valid, 0 = hole
    net_or_layers: nn.Module | Iterable,  # with `mask_layers()`; or each layer's kernel, stride, padding[, dilation]
    share: bool = False,  # titles say how much of each mask is hole; else how wide the hole is, in pixels
    **options,  # of `film`
) -> Drawing:
    "The mask's way through a network, layer by layer (the paper's equation 2)."
    masks = mask_history(mask, net_or_layers)
    widths = [f"{hole} of {m.shape[-1]}" for m, hole in zip(masks, hole_widths(masks))]
    says = [f"{hole_ratio(m):.1%}" for m in masks] if share else widths
    return film(masks, [f"layer {i}: {text}" if i else f"before: {text}" for i, text in enumerate(says)], **options)


def value_in_hole(
    image: Tensor,  # [1,3,H,W] in [0,1]
    mask: Tensor,   # [1,1,H,W], 1 = valid, 0 = hole
    value: float,   # what stands in the hole, in [0,1]
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


def weight_bars(
    rows: dict[str, dict[str, float]],  # label → the terms' values there, unweighted
    weights,                            # a `LossWeights` for all rows
) -> Drawing:
    "How much of the total comes from each term (the paper's section 3.3): one bar a row, as long as the total."
    rows = {label: weighted(terms, weights) for label, terms in rows.items()}
    colours = dict(zip(TERMS, cycle((COLORS["valid"], COLORS["hole"], *SERIES, COLORS["output"]))))
    drawing, longest = Drawing(figsize=(8, .55 * len(rows) + 1)), max(sum(row.values()) for row in rows.values())
    axes = drawing.subplots()
    for y, row in enumerate(rows.values()): _bar(axes, y, row, longest, colours)
    axes.set_yticks(range(len(rows)), rows, fontsize=11)
    axes.invert_yaxis()
    axes.set_xlabel("weight × term", fontsize=11)
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
