"""Compare generated masks with the official test masks, of which you need a copy.

    python tools/once/compare_masks.py FOLDER [--count 25] [--out runs/masks]

For each ratio bin, with a free border and without: share of hole, pieces (8-connected), share of the largest piece,
mean and
greatest depth of the hole (distance to the nearest valid pixel, in px at 512), share of the edge that is hole, share
of the hole that
lies within 50 px of an edge, length of the hole's outline (in sides of the picture), islands of valid pixels. Official
/ generated.
Writes both side by side as a picture, and measures how many masks a second one core makes.
"""
import argparse
import time
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from pconv_edu.masks import RATIO_BINS, MaskFolder, irregular_mask, official_bin
from pconv_edu.pictures import save_image


def statistics(mask: torch.Tensor) -> dict[str, float]:
    "What a mask [1,H,W] looks like, in numbers."
    hole = mask[0].numpy() == 0
    side, frame = len(hole), np.ones_like(hole)
    pieces, count = ndimage.label(hole, np.ones((3, 3)))
    depth = ndimage.distance_transform_edt(np.pad(hole, 1, mode="edge"))[1:-1, 1:-1] * 512 / side
    frame[50 * side // 512:-(50 * side // 512), 50 * side // 512:-(50 * side // 512)] = False
    return {
        "ratio": hole.mean(),
        "pieces": count,
        "largest": np.bincount(pieces.ravel())[1:].max() / hole.sum(),
        "depth": depth[hole].mean(),
        "deepest": depth.max(),
        "edge": np.concatenate([hole[0], hole[-1], hole[:, 0], hole[:, -1]]).mean(),
        "frame": hole[frame].sum() / hole.sum(),
        "outline": ((hole[1:] != hole[:-1]).sum() + (hole[:, 1:] != hole[:, :-1]).sum()) / side,
        "islands": ndimage.label(~hole)[1],
    }


def mean_of(masks: list) -> dict[str, float]:
    rows = [statistics(mask) for mask in masks]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def speed(size: int, count: int = 100) -> float:
    "Masks a second of processor time, the best of five runs."
    def run() -> float:
        start = time.process_time()
        for seed in range(count): irregular_mask(size, seed=seed)
        return count / (time.process_time() - start)
    return max(run() for _ in range(5))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=25, help="masks for each bin and border half")
    parser.add_argument("--out", type=Path, default=Path("runs/masks"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    official, rows = MaskFolder(args.folder, hole="white"), []
    print(f"{'bin':4}{'border':8}" + "".join(f"{name:>15}" for name in statistics(official[0])))
    for bin in range(6):
        for free in (True, False):
            theirs = [official[i] for i, path in enumerate(official.paths) if official_bin(path) == (bin, not free)][
                : args.count
            ]
            if not theirs: continue
            ours = [
                irregular_mask(512, RATIO_BINS[bin], 50 if free else None, seed=(bin, free, i))
                for i in range(args.count)
            ]
            a, b = mean_of(theirs), mean_of(ours)
            print(
                f"{bin:<4}{'free' if free else 'holes':8}" + "".join(f"{a[name]:>8.3g}/{b[name]:<6.3g}" for name in a)
            )
            rows.append(
                torch.cat(
                    [mask[:, ::3, ::3] for mask in (theirs * 5)[:5] + [torch.full((1, 512, 24), 0.5)] + ours[:5]], dim=2
                )
            )
    save_image(torch.cat(rows, dim=1), args.out / "official_left_generated_right.png")
    print(f"pictures: {args.out / 'official_left_generated_right.png'}")
    for size in (256, 512): print(f"{size} px: {speed(size):.0f} masks a second on one core")


if __name__ == "__main__": main()
