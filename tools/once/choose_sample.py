"""Choose the stroke that the page opens with (FIRST in make_page.py): a fill that convinces, and not of a flat sky.

Of 4 strokes on each sample, those that the weights fill with a hole PSNR of 30 dB or more; among these the one where
the network's squared error is the smallest share of that of a flat fill (the mean colour of the valid pixels within
8 pixels of the hole).
"""
import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from make_page import WEIGHTS

from pconv_edu.inpainting import inpaint
from pconv_edu.pictures import list_images
from pconv_edu.weights import load_pretrained

WIDTH = .06  # of the longer side, as the page's brush at its start


def stroke(rng) -> list[tuple[float, float]]:
    "Three points, as shares of width and height, well inside the picture."
    start, turn = rng.uniform(.2, .8, 2), rng.uniform(0, 2 * np.pi)
    steps = [.1 * np.array([np.cos(turn + bend), np.sin(turn + bend)]) for bend in (0, rng.uniform(-1, 1))]
    return [tuple(np.round(point, 2).tolist()) for point in (start, start + steps[0], start + steps[0] + steps[1])]


def hole_of(points, width: int, height: int) -> Image.Image:  # white = hole
    "The stroke as the page paints it: round ends."
    mask, brush = Image.new("L", (width, height)), WIDTH * max(width, height)
    draw, places = ImageDraw.Draw(mask), [(u * width, v * height) for u, v in points]
    draw.line(places, 255, round(brush))
    for x, y in places: draw.ellipse([x - brush / 2, y - brush / 2, x + brush / 2, y + brush / 2], 255)
    return mask


def judge(photo: Image.Image, hole: Image.Image, net) -> tuple[float, float]:
    "The hole PSNR in dB, and the network's squared error as a share of a flat fill's."
    truth, inside = np.array(photo) / 255, np.array(hole) > 0
    near = F.max_pool2d(torch.from_numpy(inside)[None, None].float(), 17, 1, 8)[0, 0].numpy().astype(bool) & ~inside
    error = ((np.array(inpaint(photo, hole, net)) / 255 - truth)[inside] ** 2).mean()
    flat = ((truth[near].mean(0) - truth[inside]) ** 2).mean()
    return -10 * np.log10(error), error / flat


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--strokes", type=int, default=4, help="on each sample (default: %(default)s)")
    args, found = parser.parse_args(), []
    net, rng = load_pretrained(args.weights), np.random.default_rng(0)
    for path in list_images(ROOT / "data_samples/pictures"):
        photo = Image.open(path).convert("RGB")
        for _ in range(args.strokes):
            points = stroke(rng)
            psnr, share = judge(photo, hole_of(points, *photo.size), net)
            found.append((bool(psnr < 30), share, psnr, path.stem, points))
    for few, share, psnr, name, points in sorted(found)[:8]:
        print(f"{name:12} {psnr:5.1f} dB  {share:6.3f} of flat  {points}{'  (below 30 dB)' if few else ''}")


if __name__ == "__main__": main()
