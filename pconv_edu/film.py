"""A mask on its way through the layers, as a strip of pictures."""
from collections.abc import Iterable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from pconv_edu.figures import Drawing, show_row
from pconv_edu.mask_update import mask_history
from pconv_edu.masks import hole_ratio


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
