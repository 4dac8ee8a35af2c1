"""Paint the pictures that show what the shipped weights do: docs/shipped.jpg for the README, docs/failures.jpg for the
gallery of failures.

Nothing is picked for beauty. README: the first four photos of `pictures.PHOTOS`, the k-th with
`irregular_mask(256, .2, seed=k)`. Failures: a face, a regular structure, and a photo with more than half of it gone.
"""
from pathlib import Path

import torch
from torch import Tensor

from pconv_edu import inpaint
from pconv_edu.baselines import classical_methods
from pconv_edu.masks import irregular_mask, rect_mask
from pconv_edu.pictures import PHOTOS, load_image, sample_photos, save_image

ROOT = Path(__file__).parents[2]
FIRST = list(PHOTOS)[:4]


def sheet(pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    "A column for each pair of photo and mask: its hole in white, Telea's fill, the shipped network's, the photo."
    telea = classical_methods()["Telea"]
    columns = [
        [photo * mask + (1 - mask), inpaint(photo, mask, telea), inpaint(photo, mask), photo] for photo, mask in pairs
    ]
    return torch.cat([torch.cat(column, -2) for column in columns], -1)


def main():
    photos = sample_photos(*FIRST, size=256)
    masks = [irregular_mask(256, .2, seed=k) for k in range(4)]
    save_image(sheet(list(zip(photos.values(), masks))), ROOT / "docs/shipped.jpg")
    face = sample_photos("astronaut", size=512)["astronaut"][:, :256, 100:356]
    tiles = load_image(ROOT / "data_samples/pictures/chessboard.jpg")[:, :256, :256]
    coffee = sample_photos("coffee", size=256)["coffee"]
    failures = [
        (face, rect_mask(256, 70, 90, 70, 70)),
        (tiles, irregular_mask(256, .35, seed=0)),
        (coffee, irregular_mask(256, .55, seed=0)),
    ]
    save_image(sheet(failures), ROOT / "docs/failures.jpg")

if __name__ == "__main__": main()
