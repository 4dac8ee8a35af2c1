"""`pconv_masks`: make a folder of irregular masks, sorted by hole ratio into the paper's six bins."""
import argparse
import json
import re
import sys
from argparse import Namespace
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from pconv_edu.commands import Stop, parser, run
from pconv_edu.commands.inpaint import is_whole
from pconv_edu.files import whole_file
from pconv_edu.masks import RATIO_BINS, irregular_mask
from pconv_edu.pictures import save_image


def size_of(text: str) -> tuple[int, int]:  # height, width
    "`512` or `480x640` (height x width)."
    if not re.fullmatch(r"\d+(x\d+)?", text): raise argparse.ArgumentTypeError(f"{text!r}: give the side of a square, such as 512, or height x width, such as 480x640")
    height, _, width = text.partition("x")
    return int(height), int(width or height)


def plan(asked: Namespace) -> dict[str, tuple]:
    "File name below the folder → bin, border and seed of its mask. Every other one keeps the border free, half of them, as in the official test set."
    files = {}
    for b in asked.bins:
        for i in range(asked.per_bin):
            inside = i % 2 == 0
            files[f"{RATIO_BINS[b][0]:g}-{RATIO_BINS[b][1]:g}/{i:05}_{'inside' if inside else 'border'}.png"] = b, asked.border if inside else None, (asked.seed, b, i)
    return files


def make(asked: Namespace, b: int, border: int | None, seed: tuple) -> Tensor:  # [1,H,W] as it is to be saved
    "One mask, in the polarity asked for."
    mask = irregular_mask(asked.size, RATIO_BINS[b], border=border, seed=seed)
    return 1 - mask if asked.hole == "white" else mask


def keep_settings(asked: Namespace):
    "Note in masks.json how the folder is made. Raises `Stop` when it was begun otherwise."
    path, settings = asked.out / "masks.json", {name: getattr(asked, name) for name in ("size", "seed", "border", "hole")}
    settings["size"] = list(settings["size"])
    if path.exists():
        try: old = dict(json.loads(path.read_text()))
        except (ValueError, TypeError) as error: raise Stop(f"'{path}' is not what this command writes ({error}); give another folder, or mend or remove that file") from None
        changed = [f"{name} {old.get(name)} → {value}" for name, value in settings.items() if old.get(name) != value]
        if changed: raise Stop(f"'{asked.out}' was begun with other settings ({', '.join(changed)}); give another folder, or the old settings")
    elif asked.out.exists() and any(asked.out.iterdir()): raise Stop(f"'{asked.out}' holds other files; give a new folder")
    else:
        with whole_file(path) as beside: beside.write_text(json.dumps(settings, indent=1) + "\n")


def make_missing(asked: Namespace) -> int:
    "Make what is missing."
    if asked.per_bin < 1: raise Stop(f"--per-bin {asked.per_bin}: give 1 or more")
    if asked.border is None: asked.border = 50 * min(asked.size) // 512
    files = plan(asked)
    for how in {how[0]: how for how in reversed(files.values())}.values(): make(asked, *how)  # the first of each bin: what cannot be is said before anything is written
    keep_settings(asked)
    missing = {name: how for name, how in files.items() if not ((path := asked.out / name).exists() and is_whole(path))}
    for name, how in tqdm(missing.items(), total=len(files), initial=len(files) - len(missing), unit="mask", disable=asked.quiet):
        with whole_file(asked.out / name) as beside: save_image(make(asked, *how), beside)
    print(f"{asked.out}: {len(missing)} masks made, {len(files) - len(missing)} were there already; {asked.hole} = hole")
    return 0


def arguments():
    made = parser("pconv_masks", "Make a folder of irregular masks, a folder for each of the six bins of hole ratio. The same seed gives the same masks.",
                  """  pconv_masks masks/                                   600 masks of 512 × 512 px
  pconv_masks masks/ --per-bin 1000 --size 256
  pconv_masks masks/ --per-bin 50 --size 480x640 --bins 0 1 --hole black""")
    add = made.add_argument
    add("out", type=Path, metavar="FOLDER", help="a new folder, or one that this command has begun")
    add("--per-bin", type=int, default=100, help="masks in each bin (default: %(default)s); more can be asked for later")
    add("--bins", type=int, nargs="+", choices=range(6), default=list(range(6)), help="which bins: 0 is a hole ratio of 0.01 to 0.1, 5 of 0.5 to 0.6 (default: all)")
    add("--size", type=size_of, default=(512, 512), help="side of a square, or HEIGHTxWIDTH (default: 512)")
    add("--border", type=int, help="pixels kept free along the edges in half of the masks (default: 50 of 512, as in the official test set)")
    add("--hole", choices=("white", "black"), default="white", help="the hole's colour (default: white, as in the official test set)")
    add("--seed", type=int, default=0, help="(default: %(default)s)")
    add("--quiet", action="store_true", help="no progress bar")
    return made


def main(argv: list[str] | None = None) -> int:  # exit code
    "The command."
    return run(arguments(), make_missing, argv)


if __name__ == "__main__": sys.exit(main())
