"""Make the film of a hole that closes in the encoder and is filled in the decoder of the network that ships, its still,
and the two pictures under the slider of the front page: `python tools/make_film.py` → docs/film.png, …

Features are not pictures. To show them, a linear map for each layer reads three colours out of its channels; it is
fitted on other photos (ridge regression) and never sees the one of the film.
"""
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor, nn

from pconv_edu.figures import COLORS
from pconv_edu.inpainting import inpaint
from pconv_edu.losses.pixel import composite
from pconv_edu.masks import hole_ratio, irregular_mask
from pconv_edu.pictures import list_images, load_image, sample_photos, to_pil, to_tensor
from pconv_edu.weights import load_pretrained

DOCS = Path(__file__).resolve().parents[1] / "docs"
PHOTO, SIDE, RATIO, SEED = "chelsea", 256, .2, 5  # whose hole, its size in pixels, and the hole's share and seed
FITTED_ON, SAMPLES = ("astronaut", "coffee", "rocket"), DOCS.parent / "data_samples/pictures"
SHOWN, WIDTH, HEIGHT = 288, 560, 344  # the picture's side in a frame, and the frame
ORANGE = torch.tensor([int(COLORS["hole"][i:i + 2], 16) / 255 for i in (1, 3, 5)]).view(3, 1, 1)
PACE, FIRST, LAST = 650, 1500, 3000  # milliseconds of a frame, of the first and of the last


@torch.no_grad()
def stages(
    net: nn.Module,  # with `encoder` and `decoder`
    image: Tensor,  # [B,3,H,W]
    mask: Tensor,  # [B,1,H,W]
) -> list[tuple[Tensor, Tensor]]:  # features [B,C,h,w] and mask [B,1,h,w] after each block
    "What each block returns, the encoder's first."
    found = []
    note = lambda block, given, made: found.append((made[0].clone(), made[1]))
    hooks = [block.register_forward_hook(note) for block in [*net.encoder, *net.decoder]]
    try: net(image, mask)
    finally:
        for hook in hooks: hook.remove()
    return found


def rows_of(features: Tensor, mask: Tensor) -> Tensor:  # [N,C+1] of the valid places; the 1 at the end is for the bias
    flat = features.permute(0, 2, 3, 1)[mask[:, 0] > 0]
    return torch.cat([flat, flat.new_ones(len(flat), 1)], 1).double()


def fit_readouts(
    net: nn.Module,
    pairs: Iterable[tuple[Tensor, Tensor]],  # image [B,3,H,W] and mask [B,1,H,W]
    ridge: float = 1e-2,  # of the mean square of a channel
) -> list[Tensor]:  # [C+1,3] for each block
    "Linear maps from a block's channels to the colours of the photo, averaged to the block's size."
    left, right = {}, {}
    for image, mask in pairs:
        for i, (features, valid) in enumerate(stages(net, image, mask)):
            rows = rows_of(features, valid)
            colours = rows_of(F.adaptive_avg_pool2d(image, features.shape[2:]), valid)[:, :3]
            left[i] = left.get(i, 0) + rows.T @ rows
            right[i] = right.get(i, 0) + rows.T @ colours
    made = []
    for i in left:
        much = ridge * left[i].diagonal().mean()
        made.append(torch.linalg.solve(left[i] + much * torch.eye(len(left[i]), dtype=torch.double), right[i]))
    return made


def read_out(features: Tensor, readout: Tensor) -> Tensor:  # [3,h,w] in [0,1]
    flat = features[0].permute(1, 2, 0).double()
    return (flat @ readout[:-1] + readout[-1]).permute(2, 0, 1).clamp(0, 1).float()


def paint(picture: Tensor, mask: Tensor) -> Image.Image:
    "The picture [3,h,w], its hole orange, SHOWN pixels wide: every pixel a square."
    return to_pil(torch.where(mask > 0, picture, ORANGE)).resize((SHOWN, SHOWN), Image.Resampling.NEAREST)


def font(size: int) -> ImageFont.FreeTypeFont: return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)


def frame(picture: Image.Image, title: str, said: str, place: int, count: int) -> Image.Image:
    "One frame: the picture, what it is, and where in the U of `count` blocks we are (`place` 0: before the first)."
    made = Image.new("RGB", (WIDTH, HEIGHT), "white")
    made.paste(picture, (12, 12))
    draw = ImageDraw.Draw(made)
    draw.text((12, HEIGHT - 38), title, fill=COLORS["ink"], font=font(15))
    half = count // 2
    for block in range(count + 1):
        depth = min(block, count - block)
        wide, y = 108 - 15 * depth, 42 + depth * 38
        x = 322 + 15 * depth / 2 if block <= half else WIDTH - 12 - 108 + 15 * depth / 2
        if block == half: x, wide = (322 + WIDTH - 12 - wide) / 2, wide
        colour = COLORS["valid"] if block < place else COLORS["hole"] if block == place else "#DDDDDD"
        draw.rounded_rectangle((x, y, x + wide, y + 18), 4, fill=colour)
    draw.text((322, 14), "encoder", fill=COLORS["ink"], font=font(13))
    draw.text((WIDTH - 12, 14), "decoder", fill=COLORS["ink"], font=font(13), anchor="ra")
    draw.text((WIDTH - 12, HEIGHT - 37), said, fill=COLORS["ink"], font=font(14), anchor="ra")
    return made


def frames(net: nn.Module, image: Tensor, mask: Tensor, readouts: list[Tensor]) -> list[Image.Image]:
    "Every frame of the film; image [1,3,H,W], mask [1,1,H,W]."
    found, depth = stages(net, image, mask), len(net.encoder)
    share = lambda mask: f"hole: {100 * hole_ratio(mask[0]):.1f} %"
    size = lambda t: f"{t.shape[-1]} × {t.shape[-2]}"
    made = [frame(paint(image[0], mask[0]), f"The photo and its hole, {size(image)}", share(mask), 0, 2 * depth)]
    for i, ((features, valid), readout) in enumerate(zip(found, readouts), start=1):
        part, place = ("Encoder", i) if i <= depth else ("Decoder", i - depth)
        picture = paint(read_out(features, readout), valid[0, :1])
        made.append(frame(picture, f"{part}, layer {place}: {size(features)}", share(valid[:, :1]), i, 2 * depth))
    with torch.no_grad(): filled = composite(net(image, mask), image, mask).clamp(0, 1)
    end = paint(filled[0], torch.ones_like(mask[0]))
    return [*made, frame(end, "The photo, with the hole filled", "every known pixel kept", 2 * depth, 2 * depth)]


def save_film(pictures: list[Image.Image], path: Path, colours: int = 160):
    "An animated PNG that loops, all frames in one palette."
    sheet = Image.new("RGB", (WIDTH, HEIGHT * len(pictures)))
    for i, picture in enumerate(pictures): sheet.paste(picture, (0, HEIGHT * i))
    palette = sheet.quantize(colours)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [FIRST, *[PACE] * (len(flat) - 2), LAST]
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=times, loop=0, optimize=True)


def crops(count: int) -> Iterable[tuple[Tensor, Tensor]]:
    "Pairs to fit on: random squares of the other photos, with random masks."
    photos = list(sample_photos(*FITTED_ON).values()) + [load_image(path) for path in list_images(SAMPLES)]
    chance = torch.Generator().manual_seed(0)
    for i in range(count):
        photo = photos[i % len(photos)]
        top, left = (int(torch.randint(length - SIDE + 1, (), generator=chance)) for length in photo.shape[1:])
        yield photo[None, :, top:top + SIDE, left:left + SIDE], irregular_mask(SIDE, .15, seed=1000 + i)[None]


def still(
    made: list[Image.Image],  # the film
    chosen: tuple[int, ...],  # six of its frames
) -> Image.Image:  # as large as a frame
    "For readers who prefer less motion: six frames' pictures, numbered in their order."
    sheet, side = Image.new("RGB", (WIDTH, HEIGHT), "white"), 142
    draw = ImageDraw.Draw(sheet)
    for i, place in enumerate(chosen):
        x, y = 34 + (side + 34) * (i % 3), 8 + (side + 30) * (i // 3)
        picture = made[place].crop((12, 12, 12 + SHOWN, 12 + SHOWN))
        sheet.paste(picture.resize((side, side), Image.Resampling.BOX), (x, y))
        draw.text((x, y + side + 4), titles(place, len(made)), fill=COLORS["ink"], font=font(13))
    return sheet


def titles(place: int, count: int) -> str:
    "What a frame shows, in short."
    depth = (count - 2) // 2
    if place in (0, count - 1): return "the hole" if place == 0 else "filled"
    return f"encoder {place} of {depth}" if place <= depth else f"decoder {place - depth} of {depth}"


def before_and_after() -> tuple[Image.Image, Image.Image]:
    "A photo with thin holes, orange, and what the network that ships makes of it."
    cup = to_tensor(ImageOps.fit(to_pil(sample_photos("coffee")["coffee"]), (480, 360), Image.Resampling.LANCZOS))
    mask = irregular_mask((360, 480), .12, seed=7)
    return to_pil(torch.where(mask > 0, cup, ORANGE)), to_pil(inpaint(cup, mask))


def main():
    net = load_pretrained("pconv_small").eval()
    photo = sample_photos(PHOTO, size=SIDE)[PHOTO][None]
    mask = irregular_mask(SIDE, RATIO, border=16, seed=SEED)[None]
    made = frames(net, photo, mask, fit_readouts(net, crops(135)))
    save_film(made, DOCS / "film.png")
    still(made, (0, 2, 6, 9, 11, 13)).save(DOCS / "film_still.png", optimize=True)
    for picture, name in zip(before_and_after(), ("hole", "filled")): picture.save(DOCS / f"{name}.jpg", quality=86)
    print(f"film: {len(made)} frames, {(DOCS / 'film.png').stat().st_size / 1000:.0f} kB: docs/film.png")


if __name__ == "__main__": sys.exit(main())
