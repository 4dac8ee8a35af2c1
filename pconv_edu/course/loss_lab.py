"""What lessons 06 to 10 share: one picture damaged in several ways, bars of what each loss says, pixels that learn."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pconv_edu.losses.pixel import composite, hole_loss
from pconv_edu.losses.tv import hole_ring
from pconv_edu.figures import SERIES, Drawing, paint


def blur(
    image: Tensor,  # [B,C,H,W]
    sigma: float,   # of the Gaussian, in pixels
) -> Tensor:
    "The picture out of focus."
    radius = int(3 * sigma) + 1
    bell = torch.exp(-torch.arange(-radius, radius + 1.) ** 2 / (2 * sigma ** 2))
    rows = (bell / bell.sum()).view(1, 1, 1, -1).repeat(image.shape[1], 1, 1, 1)
    padded = F.pad(image, [radius] * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, rows, groups=image.shape[1]), rows.mT, groups=image.shape[1])


def _as_wrong(damage, image: Tensor, mask: Tensor, error: Tensor) -> Tensor:
    "`damage(strength)` with the strength at which the hole loss is `error`, found by halving an interval."
    low, high = .05, 12.
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if hole_loss(damage(middle), image, mask) < error else (low, middle)
    return damage(low)


def damages(
    image: Tensor,  # [1,3,H,W] in [0,1]
    mask: Tensor,   # [1,1,H,W], 1 = valid, 0 = hole
) -> dict[str, Tensor]:  # name → [1,3,H,W], not clamped
    "Five outputs that a network might return, all with the hole loss of a shift by one pixel."
    shift = torch.roll(image, 1, dims=-1)
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    tint = torch.tensor([1., 0, -1]).view(3, 1, 1)
    frame = hole_ring(1 - mask) * (1 - mask)  # the valid side, grown by one pixel into the hole
    ways = {"blur": lambda s: blur(image, s), "noise": lambda s: image + s * noise / 4,
            "wrong colour": lambda s: image + s * tint / 4, "seam": lambda s: image - s * frame / 4}
    error = hole_loss(shift, image, mask)
    return {"shift by 1 px": shift} | {name: _as_wrong(way, image, mask, error) for name, way in ways.items()}


def bars(
    pictures: dict[str, Tensor],  # name → [1,3,H,W], one column for each
    table: dict[str, dict[str, float]],  # term → picture's name → its value, one row for each term
) -> Drawing:
    "A table of bars below the pictures; in each row the longest bar is the largest value."
    width = min(1.8, 7.6 / len(pictures))  # inches for each: together no wider than a page shows
    drawing = Drawing(figsize=(width * len(pictures), .3 + width + .75 * len(table)), format="jpeg")
    grid = drawing.subplots(1 + len(table), len(pictures), squeeze=False, height_ratios=[1.8] + [.5] * len(table))
    for axes, (name, picture) in zip(grid[0], pictures.items()):
        paint(axes, picture)
        axes.images[0].set_interpolation("antialiased")  # so that a seam of one pixel does not fall between two rows
        axes.set_title(name, fontsize=12)
    for row, (term, values) in zip(grid[1:], table.items()):
        row[0].set_title(term, fontsize=12, loc="left", pad=2, weight="bold")  # beside the bars it narrows the pictures
        for axes, name in zip(row, pictures): _bar(axes, values[name], max(values.values()))
    return drawing


def _bar(axes, value: float, longest: float):
    axes.barh([0], [value], color=SERIES[0], height=.5)
    axes.text(0, .62, f"{value:.4f}", fontsize=12, ha="left", va="center")
    axes.set(xlim=(0, longest or 1), ylim=(-.4, 1), xticks=[], yticks=[])
    for side in ("top", "right", "bottom"): axes.spines[side].set_visible(False)


def learn_pixels(
    loss,           # (output, image, mask) → (total, terms), as `InpaintingLoss`
    start: Tensor,  # [B,3,H,W], the pixels before
    image: Tensor,  # [B,3,H,W] in [0,1]
    mask: Tensor,   # [B,1,H,W], 1 = valid, 0 = hole
    schedule: Sequence[tuple[int, float]] = ((40, .08),),  # steps, and about how far a pixel moves in each of them
    trace: list[float] | None = None,  # gets the total of each step
) -> Tensor:  # the composite after the last step, [B,3,H,W]
    "Gradient descent (Adam) on the pixels themselves, with no network: the picture that this loss asks for."
    pixels = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([pixels])
    for rate in (rate for steps, rate in schedule for _ in range(steps)):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        total = loss(pixels, image, mask)[0]
        total.backward()
        optimizer.step()
        if trace is not None: trace.append(total.item())
    return composite(pixels.detach(), image, mask)


def clouds(
    height: int,
    width: int,
    seed: int = 0,
) -> Tensor:  # [1,1,height,width], mean about 0
    "Soft blobs: a start for pixels that learn, without the single-pixel noise that VGG-16 hardly sees."
    return blur(torch.randn(1, 1, height, width, generator=torch.Generator().manual_seed(seed)), 1.5)


def strongest_patches(
    vgg,                    # a `VGG16Features`
    photos: Sequence[Tensor],  # each [3,H,W] in [0,1]
    level: int,             # 1, 2 or 3: after which pooling
    channel: int,
    count: int = 5,
) -> list[Tensor]:  # each [3,side,side], the strongest first; at most two from one photo
    "The parts of the photos to which one channel responds most, as large as the window that it looks at."
    side, stride, rim = {1: (6, 2, 3), 2: (16, 4, 3), 3: (44, 8, 3)}[level]  # rim: where padding's zeros make edges
    found = []
    for photo in photos:
        response = vgg(photo[None])[level - 1][0, channel, rim:-rim, rim:-rim]
        padded = F.pad(photo[None], [side // 2] * 4, mode="replicate")[0]
        for _ in range(2):
            y, x = divmod(int(response.argmax()), response.shape[1])
            top, left = (int((place + rim + .5) * stride) for place in (y, x))
            found.append((float(response[y, x]), padded[:, top:top + side, left:left + side]))
            far = side // stride // 2 + 1
            response = response.clone()
            response[max(0, y - far):y + far + 1, max(0, x - far):x + far + 1] = 0  # the next one lies elsewhere
    return [patch for _, patch in sorted(found, key=lambda pair: -pair[0])[:count]]


def grey(
    values: Tensor,  # [H,W] or [1,H,W]
    top: float | Tensor | None = None,  # the value shown as white; the largest when None
) -> Tensor:  # [3,H,W] in [0,1]
    "A map as a grey picture: 0 is black, `top` is white, so that maps with one `top` can be compared."
    values = values.detach().float().reshape(1, *values.shape[-2:])
    return (values / (values.max() if top is None else top)).clamp(0, 1).expand(3, -1, -1)
