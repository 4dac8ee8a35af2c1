"""`pconv_masks`: make a folder of irregular masks, sorted by hole ratio into the paper's six bins."""
import argparse
import json
import re
import sys
from argparse import Namespace

from torch import Tensor
from tqdm import tqdm

from pconv_edu.commands import Stop, parser, path, run
from pconv_edu.commands.inpaint import is_whole
from pconv_edu.files import whole_file
from pconv_edu.masks import RATIO_BINS, irregular_mask
from pconv_edu.pictures import to_pil


def size_of(text: str) -> tuple[int, int]:  # height, width
    "`512` or `480x640` (height x width)."
    if not re.fullmatch(r"[0-9]+(x[0-9]+)?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: give the side of a square, such as 512, or height x width, such as 480x640")
    height, _, width = text.partition("x")
    return int(height), int(width or height)


def plan(options: Namespace) -> dict[str, tuple]:
    """File name below the folder → bin, border and seed of its mask.

    Every other mask keeps the border free: half of them, as in the official test set.
    """
    files = {}
    for b in options.bins:
        low, high = RATIO_BINS[b]
        for i in range(options.per_bin):
            kind, border = ("border", None) if i % 2 else ("inside", options.border)
            files[f"{low:g}-{high:g}/{i:05}_{kind}.png"] = b, border, (options.seed, b, i)
    return files


def make(options: Namespace, b: int, border: int | None, seed: tuple) -> Tensor:  # [1,H,W] as it is to be saved
    "One mask, in the polarity asked for."
    mask = irregular_mask(options.size, RATIO_BINS[b], border=border, seed=seed)
    return 1 - mask if options.hole == "white" else mask


def read_settings(file) -> dict:
    "What masks.json says. Raises `Stop` where it is another program's."
    try: return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError, RecursionError) as error:
        raise Stop(f"'{file}' is not what this command writes ({error}); "
                   "give another folder, or mend or remove that file") from None


def keep_settings(options: Namespace):
    "Note in masks.json how the folder is made. Raises `Stop` when it was started with other settings."
    file = options.out / "masks.json"
    settings = {"size": list(options.size), "seed": options.seed, "border": options.border, "hole": options.hole}
    if file.exists():
        old = read_settings(file)
        changed = [f"{name} {old.get(name)} → {value}" for name, value in settings.items() if old.get(name) != value]
        if changed:
            raise Stop(f"'{options.out}' was begun with other settings ({', '.join(changed)}); "
                       "give another folder, or the old settings")
    elif options.out.exists() and any(options.out.iterdir()):
        raise Stop(f"'{options.out}' holds other files; give a new folder")
    else:
        with whole_file(file) as beside: beside.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def make_missing(options: Namespace) -> int:
    "Make what is missing."
    if options.per_bin < 1: raise Stop(f"--per-bin {options.per_bin}: give 1 or more")
    if options.border is None: options.border = 50 * min(options.size) // 512
    files = plan(options)
    first_of_each = {how[0]: how for how in reversed(files.values())}
    for how in first_of_each.values(): make(options, *how)  # what cannot be is said before anything is written
    keep_settings(options)
    there = {name for name in files if (options.out / name).exists() and is_whole(options.out / name)}
    missing = [name for name in files if name not in there]
    for name in tqdm(missing, total=len(files), initial=len(there), unit="mask", disable=options.quiet):
        with whole_file(options.out / name) as beside: to_pil(make(options, *files[name])).save(beside, "PNG")
    print(f"{options.out}: {len(missing)} masks made, {len(there)} were there already; {options.hole} = hole")
    return 0


EXAMPLES = """  pconv_masks masks/                                   600 masks of 512 × 512 px
  pconv_masks masks/ --per-bin 1000 --size 256
  pconv_masks masks/ --per-bin 50 --size 480x640 --bins 0 1 --hole black"""


def arguments():
    made = parser("pconv_masks", "Make a folder of irregular masks, a folder for each of the six bins of hole ratio. "
                                 "The same seed gives the same masks.", EXAMPLES)
    add = made.add_argument
    add("out", type=path, metavar="FOLDER", help="a new folder, or one that this command has started")
    add("--per-bin", type=int, default=100,
        help="masks in each bin (default: %(default)s); you can ask for more later")
    add("--bins", type=int, nargs="+", choices=range(6), default=list(range(6)),
        help="which bins: 0 is a hole ratio of 0.01 to 0.1, 5 of 0.5 to 0.6 (default: all)")
    add("--size", type=size_of, default=(512, 512), help="side of a square, or HEIGHTxWIDTH (default: 512)")
    add("--border", type=int, help="pixels kept free along the edges in half of the masks "
                                   "(default: 50 of 512, as in the official test set)")
    add("--hole", choices=("white", "black"), default="white",
        help="the hole's colour (default: white, as in the official test set)")
    add("--seed", type=int, default=0, help="seed of the masks (default: %(default)s)")
    add("--quiet", action="store_true", help="no progress bar")
    return made


def main(argv: list[str] | None = None) -> int:  # exit code
    "The command."
    return run(arguments(), make_missing, argv)


if __name__ == "__main__": sys.exit(main())
