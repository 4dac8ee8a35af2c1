"""Train the weights that ship in data_samples/weights: `python tools/train_weights.py --photos FOLDER [FOLDER] --out runs/weights`.

Crops of 128 px stand for a quarter of a 256 px picture, and so do their masks: those are cut from masks of 256 px, or the
strokes would be half as wide as where the weights are used. Stopped and started again, it goes on from its last checkpoint.
"""
import argparse
import sys
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pconv_edu.data import InpaintingDataset
from pconv_edu.losses import LossWeights
from pconv_edu.masks import RATIO_BINS, MaskFolder, irregular_mask
from pconv_edu.pictures import list_images
from pconv_edu.train import fit, parse_phases
from pconv_edu.unet import PConvUNet
from pconv_edu.weights import load_pretrained

SIZE, FULL = 128, 256
SHARES = (.25, .22, .18, .14, .11, .10)  # of the six bins: small holes are the hard ones, a smooth filling is nearly right there
CROWDS = (4, 2, 1, 1, 1, 1)  # how many masks of a bin lie on each other with --dense: small holes teach more where there are many
PHASES = "initial:7300:1e-3,settle:1600:3e-4,fine-tune:600:1e-4:frozen"
PIXELS = LossWeights(perceptual=0, style=0)  # the pixel terms alone: VGG-16 would take nine tenths of the time


def make_masks(folder: Path, number: int, crowds: tuple[int, ...] = (1,) * 6) -> Path:
    "Squares of SIZE cut at random out of irregular masks of FULL; those with hardly any hole, or hardly anything else, are left out."
    folder.mkdir(parents=True, exist_ok=True)
    done = len(list(folder.glob("*.png")))
    for k in range(number):
        if k < done: continue
        for attempt in count():
            rng = np.random.default_rng([2018, k, attempt])
            bin = rng.choice(6, p=SHARES)
            top, left = rng.integers(0, FULL - SIZE + 1, 2)
            seeds = [[2018, k, attempt]] + [[2018, k, attempt, more] for more in range(1, crowds[bin])]
            mask = torch.stack([irregular_mask(FULL, RATIO_BINS[bin], seed=seed) for seed in seeds]).amin(0)[0, top:top + SIZE, left:left + SIZE]
            if .005 < 1 - mask.mean() < .8: break
        Image.fromarray(((1 - mask.numpy()) * 255).astype(np.uint8)).convert("1").save(folder / f"{k:06}.png")
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--photos", nargs="+", type=Path, required=True, help="folders of photos, shorter side 256 px or more")
    parser.add_argument("--out", type=Path, default=Path("runs/weights"), help="the run's folder; its masks are made beside it")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--plain", action="store_true", help="train the plain twin instead")
    which.add_argument("--start", help="weights or a run's folder to begin with, to try something on; left out: random weights")
    parser.add_argument("--phases", type=parse_phases, default=parse_phases(PHASES), help=PHASES)
    parser.add_argument("--vgg", help="'random', 'imagenet' or a file: with the paper's five terms; left out: with the pixel terms alone")
    parser.add_argument("--masks", type=int, default=8000, help="how many masks")
    parser.add_argument("--dense", action="store_true", help="several masks of small holes on each other")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; None: as many as torch takes")
    parser.add_argument("--changed", action="store_true", help="go on though phases or masks changed")
    asked = parser.parse_args()
    if asked.threads: torch.set_num_threads(asked.threads)
    photos = [path for folder in asked.photos for path in list_images(folder)]
    folder = asked.out.parent / ("masks_dense" if asked.dense else "masks128")
    masks = MaskFolder(make_masks(folder, asked.masks, CROWDS if asked.dense else (1,) * 6), hole="white")
    data = InpaintingDataset(photos, masks, size=SIZE, seed=asked.seed, zoom=(1.6, 2.4))
    torch.manual_seed(asked.seed)
    net = load_pretrained(asked.start) if asked.start else PConvUNet.small(partial=not asked.plain)
    result = fit(data, out=asked.out, net=net, phases=asked.phases, size=SIZE, batch=4,
                 vgg=asked.vgg, weights=None if asked.vgg else PIXELS, ema=.999, seed=asked.seed,
                 channels_last=True, compile=True, save_every=250, keep=2, resume="changed" if asked.changed else True)
    print(f"trained: {result.folder}")


if __name__ == "__main__": sys.exit(main())
