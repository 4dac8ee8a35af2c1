"""Figures for lessons and reports: photos, masks and small grids of numbers. Whatever needs matplotlib is here.

`from pconv_edu.pictures import show_row` works too, and loads this module when the name is first used.
"""
import io
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor

from pconv_edu.decoding import levels_of
from pconv_edu.pictures import to_tensor

# colours that colour-blind readers can tell apart
COLORS = {"valid": "#56B4E9", "hole": "#E69F00", "output": "#009E73", "other": "#CC79A7", "ink": "#222222"}
SERIES = ("#0072B2", "#CC79A7", "#666666", "#882255")  # for curves and bars that mean none of these


DPI, MOVING = 144, 90  # of a still figure; and of one under a slider, which has to keep up with the hand


class Drawing(Figure):
    """A matplotlib figure that shows itself in a notebook: photos as JPEG, everything else as PNG.

    It is not a pyplot figure, so nothing needs closing; `savefig` works as usual.
    """
    def __init__(self, *args, format: str = "png", **kwargs):
        super().__init__(*args, layout="constrained", **kwargs)
        self.format = format

    def to_bytes(self, dpi: float = DPI) -> bytes:
        "The figure as the bytes of a PNG or JPEG file."
        file = io.BytesIO()
        if self.format == "jpeg":
            self.savefig(file, format="jpeg", dpi=dpi, pil_kwargs={"quality": 72, "optimize": True})
            return file.getvalue()
        self.savefig(file, format="png", dpi=dpi)
        picture = Image.open(file).convert("RGB").quantize(256, dither=Image.Dither.NONE)  # a third of the bytes
        picture.save(file := io.BytesIO(), "PNG", optimize=True)
        return file.getvalue()

    def _ipython_display_(self):
        from IPython.display import Image as Shown, display
        display(Shown(data=self.to_bytes(), format=self.format))


def _as_shown(picture: Tensor | Image.Image) -> Tensor:  # [3,H,W] or [1,H,W]
    if isinstance(picture, Image.Image): return to_tensor(picture)
    if picture.dtype in (torch.uint8, torch.uint16): picture = levels_of(picture)
    picture = picture.detach().float().cpu()
    if picture.ndim == 4 and picture.shape[0] == 1: picture = picture[0]
    if picture.ndim == 2: picture = picture[None]
    if picture.ndim == 3 and picture.shape[0] in (1, 3): return picture
    raise ValueError(f"cannot show a tensor of shape {list(picture.shape)}; a picture is [3,H,W], a mask [1,H,W]")


def paint(axes, picture: Tensor | Image.Image):
    "Draw one picture, mask ([1,H,W] of 0 and 1: valid blue, hole orange) or grey map into `axes`."
    picture = _as_shown(picture)
    axes.set_axis_off()
    if picture.shape[0] == 3:
        smooth = min(picture.shape[-2:]) >= 48  # a photo; in a small grid the pixels are what one looks at
        axes.imshow(picture.clamp(0, 1).permute(1, 2, 0).numpy(), interpolation="hermite" if smooth else "nearest")
    elif ((picture == 0) | (picture == 1)).all():
        colors = ListedColormap([COLORS["hole"], COLORS["valid"]])
        axes.imshow(picture[0].numpy(), cmap=colors, vmin=0, vmax=1, interpolation="nearest")
    else:
        axes.imshow(picture[0].numpy(), cmap="gray", interpolation="nearest")


def show_row(
    *pictures: Tensor | Image.Image,  # [3,H,W] photos, [1,H,W] masks (valid blue, hole orange) or grey maps
    titles: Sequence[str] = (),  # one for each picture
    columns: int = 6,            # further pictures start a new row
    width: float = 2.0,          # inches for each picture
) -> Drawing:
    "Pictures side by side; a row is as high as its tallest picture needs."
    if len(pictures) == 1 and isinstance(pictures[0], (list, tuple)): pictures = tuple(pictures[0])
    if not pictures: raise ValueError("show_row needs at least one picture")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    photo = any(not isinstance(p, Tensor) or p.shape[-3:-2] == (3,) for p in pictures)
    head = .3 + .15 * max(title.count("\n") for title in titles) if titles else 0
    drawing = Drawing(figsize=(columns * width, rows * (width + head)), format="jpeg" if photo else "png")
    for axes in drawing.subplots(rows, columns, squeeze=False).flat: axes.set_axis_off()
    for i, (axes, picture) in enumerate(zip(drawing.axes, pictures)):
        paint(axes, picture)
        if i < len(titles): axes.set_title(titles[i], fontsize=10, parse_math=False)
    shapes = [axes.images[0].get_array().shape for axes in drawing.axes[:len(pictures)]]
    ratios = {shape[0] / shape[1] for shape in shapes}
    tall = min(max(ratios), 2)  # anything taller is drawn narrower
    margin = .08 * (1 - tall)
    if tall != 1: drawing.set_figheight(rows * (width * tall + margin + head))
    if len(ratios) > 1:
        for axes in drawing.axes: axes.set_anchor("N")  # titles at one height
    return drawing


def show(
    picture: Tensor | Image.Image,  # [3,H,W], [1,H,W] or [H,W]
    title: str = "",
    width: float = 4.0,  # inches
) -> Drawing:
    "One picture or mask."
    return show_row(picture, titles=[title] if title else (), width=width)


def _written(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def show_numbers(
    *grids: Tensor,  # [H,W] or [1,H,W], small enough to read (at most about 12 × 12)
    titles: Sequence[str] = (),
    mask: Tensor | Sequence[Tensor | None] | None = None,  # colours cells; one for all, or one for each grid
    decimals: int = 2,
    cell: float = .5,  # inches for each cell
) -> Drawing:
    "Small grids with their numbers written on the pixels."
    grids = [g.detach().float().cpu().reshape(g.shape[-2:]) for g in grids]
    masks = list(mask) if isinstance(mask, (list, tuple)) else [mask] * len(grids)
    if len(masks) != len(grids):
        raise ValueError(f"{len(grids)} grids and {len(masks)} masks: give one mask for all or one for each grid")
    widths, height = [g.shape[1] for g in grids], max(g.shape[0] for g in grids)
    drawing = Drawing(figsize=(cell * sum(widths) + .4 * len(grids), cell * height + .4))
    places = drawing.subplots(1, len(grids), squeeze=False, width_ratios=widths)[0]
    for i, (axes, grid, m) in enumerate(zip(places, grids, masks)):
        axes.set_axis_off()
        axes.set(xlim=(-.52, grid.shape[1] - .48), ylim=(grid.shape[0] - .48, -.52), aspect="equal")
        if i < len(titles): axes.set_title(titles[i], fontsize=11, parse_math=False)
        for (y, x), value in np.ndenumerate(grid.numpy()):
            valid = None if m is None else bool(m.reshape(m.shape[-2:])[y, x])
            color = "white" if valid is None else COLORS["valid" if valid else "hole"]
            axes.add_patch(Rectangle((x - .5, y - .5), 1, 1, facecolor=color, edgecolor=COLORS["ink"],
                                     linewidth=.8, clip_on=False))
            axes.text(x, y, _written(value, decimals), ha="center", va="center", fontsize=11)
    return drawing
