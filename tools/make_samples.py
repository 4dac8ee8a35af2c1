"""Make the pictures and masks of data_samples/, by code alone: `python tools/make_samples.py [folder]`.

Nothing here is photographed, downloaded or drawn after somebody's work: every file follows from the numbers below.
"""
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from pconv_edu.masks import RATIO_BINS, irregular_mask
from pconv_edu.pictures import save_image

SIZE = 256
Y, X = np.mgrid[0:SIZE, 0:SIZE] / SIZE


def noise(seed: int, finest: int = 7, roughness: float = .55) -> np.ndarray:
    "Cloudy noise in [0,1]: random grids of 2, 4, … cells, each scaled up and fainter than the one before."
    rng, total = np.random.default_rng(seed), np.zeros((SIZE, SIZE))
    for octave in range(1, finest + 1):
        grid = Image.fromarray(rng.random((2**octave + 1, 2**octave + 1)).astype(np.float32))
        total += roughness**octave * np.asarray(grid.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    return (total - total.min()) / (total.max() - total.min())


def blend(low, high, share: np.ndarray) -> np.ndarray:
    return np.asarray(low) * (1 - share[..., None]) + np.asarray(high) * share[..., None]


def hills() -> np.ndarray:
    "A sky with a sun, and five ridges that fade with distance."
    sky = blend((.98, .85, .65), (.35, .55, .85), np.clip(1 - Y / .6 + .25 * (noise(1) - .5), 0, 1))
    sky[(X - .7)**2 + (Y - .25)**2 < .006] = (1, .97, .85)
    for k in range(5):
        ridge = .4 + .12 * k + (.16 - .02 * k) * (noise(10 + k)[SIZE // 2] - .5) * 2
        shade = blend((.62, .68, .78), (.10, .25, .12), np.full_like(X, k / 4)) * (.85 + .3 * noise(20 + k)[..., None])
        sky = np.where((Y > ridge)[..., None], shade, sky)
    return sky


def bricks() -> np.ndarray:
    "A wall: bricks 32 × 16 pixels, each course shifted by half a brick, in mortar."
    row = (Y * 16).astype(int)
    column = X * 8 + .5 * (row % 2)
    mortar = (Y * 16 % 1 < .14) | (column % 1 < .07)
    tint = np.random.default_rng(2).random((16, 9))[row, column.astype(int)]
    wall = blend((.45, .18, .12), (.78, .42, .28), tint) * (.8 + .4 * noise(3)[..., None])
    return np.where(mortar[..., None], (.72, .70, .66) * (.85 + .3 * noise(4)[..., None]), wall)


def marble() -> np.ndarray:
    "Veins: a sine whose phase is bent by noise."
    veins = np.abs(np.sin(2 * np.pi * (2 * X + Y + 1.6 * noise(5))))
    return blend((.22, .30, .34), (.93, .92, .88), veins**.6)


def rosette() -> np.ndarray:
    "Twelve petals in rings of changing colour."
    radius, angle = np.hypot(X - .5, Y - .5), np.arctan2(Y - .5, X - .5)
    petals = .5 + .5 * np.cos(12 * angle + 20 * radius)
    hue = np.stack([.5 + .5 * np.cos(14 * radius + shift) for shift in (0., 2.1, 4.2)], axis=-1)
    return hue * (.35 + .65 * petals[..., None]) * (1 - .5 * radius[..., None])


def chessboard() -> np.ndarray:
    "A floor of tiles seen at a slant, below a dark wall."
    depth = .35 / np.maximum(Y - .38, 1e-3)
    tile = ((X - .5) * depth * 6).astype(int) + ((X - .5) * depth * 6 < 0) + (depth * 5).astype(int)
    floor = (
        np.where((tile % 2 == 0)[..., None], (0.93, 0.90, 0.80), (0.20, 0.16, 0.22))
        * np.clip(1.3 - 0.12 * depth, 0.3, 1)[..., None]
    )
    return np.where((Y > .42)[..., None], floor, blend((.30, .34, .48), (.55, .50, .58), noise(6)))


def bubbles() -> np.ndarray:
    "Sixty shaded balls, the later before the earlier."
    rng, picture = np.random.default_rng(7), blend((.08, .10, .20), (.20, .35, .40), noise(8))
    for _ in range(60):
        x, y, r, color = rng.random(), rng.random(), .03 + .09 * rng.random()**2, .25 + .75 * rng.random(3)
        inside = np.clip(1 - ((X - x)**2 + (Y - y)**2) / r**2, 0, 1)
        light = np.clip(.35 + .65 * np.sqrt(inside) - .5 * (X - x + Y - y) / r, .1, 1.3)[..., None]
        picture = np.where((inside > 0)[..., None], color * light, picture)
    return picture


PICTURES = [hills, bricks, marble, rosette, chessboard, bubbles]


def as_pil(picture: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(picture, 0, 1) * 255).round().astype(np.uint8))


def odd_pictures(folder: Path):
    "The same hills in the forms that a reader must cope with, and four files that are not pictures."
    folder.mkdir(parents=True, exist_ok=True)
    small = as_pil(hills()).resize((96, 96), Image.Resampling.LANCZOS).crop((0, 0, 96, 64))
    turned = Image.Exif()
    turned[0x0112] = 6  # stored lying on its left side: turn it clockwise to look at it
    small.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.JPG", exif=turned, quality=90)
    small.convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    small.quantize(32).save(folder / "palette.png")
    Image.fromarray(np.asarray(small.convert("L")).astype(np.uint16) * 257).save(folder / "deep.png")
    clear = small.copy()
    clear.putalpha(Image.fromarray((np.hypot(*np.mgrid[-1:1:64j, -1:1:96j]) < .9).astype(np.uint8) * 255))
    clear.save(folder / "clear.webp", lossless=True)
    whole = (folder / "cmyk.jpg").read_bytes()
    for name, data in {
        "truncated.jpg": whole[: len(whole) // 2],
        "empty.jpg": b"",
        "text.jpg": b"This is no picture.\n",
    }.items():
        (folder / name).write_bytes(data)
    as_pil(np.zeros((9000, 9000), np.float32)).save(folder / "bomb.png", optimize=True)


def main(folder: Path):
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for make in PICTURES: as_pil(make()).save(folder / "pictures" / f"{make.__name__}.jpg", quality=90)
    odd_pictures(folder / "odd")
    # like the official test files: white = hole, a half of them with a free border
    for i, ratio in enumerate(RATIO_BINS):
        for half, border in (("inside", SIZE * 50 // 512), ("border", None)):
            save_image(
                1 - irregular_mask(SIZE, ratio, border, seed=(i, border or 0)),
                folder / "masks_white" / f"{i}_{half}.png",
            )
        # like the training files: black = hole
        save_image(irregular_mask(SIZE, ratio, seed=(i, 99)), folder / "masks_black" / f"{i}.png")
    files = [path for path in folder.rglob("*") if path.is_file()]
    print(f"{folder}: {len(files)} files, {sum(path.stat().st_size for path in files) / 2**20:.2f} MB")


if __name__ == "__main__": main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "data_samples"))
