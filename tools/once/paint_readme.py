"""Paint the README's first picture: three photos of scikit-image, each with its hole and as `pconv_small` fills it,
save docs/shipped.jpg.
"""
from pathlib import Path

import torch

from pconv_edu import inpaint
from pconv_edu.irregular import irregular_mask
from pconv_edu.pictures import sample_photos, save_image

OUT = Path(__file__).parents[2] / "docs" / "shipped.jpg"

def main():
    holes = {"chelsea": (.15, 3), "coffee": (.25, 5), "astronaut": (.12, 11)}
    rows = [[], []]
    for name, photo in sample_photos(*holes, size=256).items():
        ratio, seed = holes[name]
        mask = irregular_mask(256, ratio, seed=seed)
        rows[0].append(photo * mask + (1 - mask))
        rows[1].append(inpaint(photo, mask))
    save_image(torch.cat([torch.cat(row, -1) for row in rows], -2), OUT)

if __name__ == "__main__": main()
