"""`pconv_evaluate`: the paper's table for one network or several, beside classical methods, on fixed pairs of picture and mask."""
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from pconv_edu.commands import Stop, device, parser, run
from pconv_edu.evaluation import LearnedMetrics, biharmonic_fill, compare, mean_fill, opencv_fill
from pconv_edu.inpainting import load_pretrained
from pconv_edu.masks import ImplausiblePolarity, MaskFolder

CLASSICAL = {"mean": lambda: mean_fill, "biharmonic": lambda: biharmonic_fill, "telea": lambda: opencv_fill("telea"), "ns": lambda: opencv_fill("ns")}


def method_of(name: str, place: torch.device) -> Callable:
    "A classical method by its name, or else a network."
    return CLASSICAL[name]() if name in CLASSICAL else load_pretrained(name).to(place)


def watched(method: Callable, place: torch.device, bar: tqdm) -> Callable:
    "`method`, which moves the bar on by each picture."
    def fill(image: Tensor, mask: Tensor) -> Tensor:
        output = method(image.to(place), mask.to(place)).cpu()
        bar.update(len(image))
        return output
    return fill


def masks_of(asked: Namespace) -> MaskFolder | None:
    "The folder of masks. Raises `Stop` when most would be hole, unless `--hole` says that this is meant."
    if asked.masks is None: return None
    with warnings.catch_warnings():
        if not asked.hole: warnings.simplefilter("error", ImplausiblePolarity)
        try: return MaskFolder(asked.masks, hole=asked.hole or "white")
        except ImplausiblePolarity as error: raise Stop(f"{error} (here: --hole); if this is meant, say --hole white") from None


def methods_of(asked: Namespace, bar: tqdm) -> dict[str, Callable]:
    "Every method by its name. All are loaded before the first one is measured."
    place, cpu = device(asked.device), torch.device("cpu")
    return {name: watched(method_of(name, place), cpu if name in CLASSICAL else place, bar) for name in asked.net}


def check_words(asked: Namespace):
    "Raise `Stop` for options that another one leaves without effect."
    settled = [f"--{name.replace('_', '-')}" for name in ("size", "per_bin", "border", "seed") if getattr(asked, name) is not None]
    if asked.pairs and settled: raise Stop(f"--pairs says which pairs and which size; leave {' and '.join(settled)} out")
    if asked.masks and asked.seed is not None: raise Stop("--seed is for generated masks; leave it out, or --masks")
    if asked.hole and not asked.masks: raise Stop("--hole is the colour in mask files; give --masks, too")


def check_out(asked: Namespace):
    "Make the output folder before the work. Raises `Stop` when something is there already."
    if not asked.out: return
    if asked.out.exists() and not asked.overwrite and not (asked.out.is_dir() and not any(asked.out.iterdir())): raise Stop(f"'{asked.out}' is there already; --overwrite replaces its tables")
    asked.out.mkdir(parents=True, exist_ok=True)


def measure(asked: Namespace) -> int:
    "Print the tables, and write them where that was asked for."
    check_words(asked)
    check_out(asked)
    with tqdm(unit="picture", disable=asked.quiet) as bar:
        tables = compare(methods_of(asked, bar), asked.images, masks_of(asked), size=256 if asked.size is None else asked.size, pairs=asked.pairs, per_bin=asked.per_bin,
                         border={"with": True, "without": False, None: None}[asked.border], seed=asked.seed or 0, batch=asked.batch,
                         learned=LearnedMetrics(tuple(asked.learned)) if asked.learned else None, out=asked.out)
    print(next(iter(tables.values())) if len(tables) == 1 else tables)
    for column in ("l1", "psnr", "ssim") if asked.paper else (): print(f"\n{tables.text(column, paper=True)}")
    return 0


def arguments():
    made = parser("pconv_evaluate", "Score networks and classical methods: l1, PSNR and SSIM for each bin of hole ratio, over the picture and inside the hole.",
                  """  pconv_evaluate photos/                                      the weights that ship, generated masks
  pconv_evaluate photos/ --masks masks/ --size 512 -o table/   masks from files (white = hole); writes txt, CSV and JSON
  pconv_evaluate photos/ --net runs/mine pconv_small telea mean --per-bin 100
  pconv_evaluate photos/ --net runs/mine --pairs table/pairs.json   the very pairs of an older table""")
    add = made.add_argument
    add("images", type=Path, metavar="PHOTOS", help="a folder of pictures; the middle square of each is taken")
    add("--masks", type=Path, help="a folder of masks (default: generated)")
    add("--hole", choices=("white", "black"), help="the hole's colour in the masks (default: white; refused where most would be hole)")
    add("--net", nargs="+", default=["pconv_small"], help=f"weights, as for pconv_inpaint, or a classical method: {', '.join(CLASSICAL)} (default: pconv_small)")
    add("--size", type=int, help="pixels a side (default: 256)")
    add("--per-bin", type=int, help="pairs in each bin (default: one for each picture)")
    add("--border", choices=("with", "without"), help="only masks with, or only masks without, holes at the border (default: as they come)")
    add("--pairs", type=Path, help="pairs.json of another table: the same pairs and size")
    add("--seed", type=int, help="of the generated masks (default: 0)")
    add("--batch", type=int, default=8, help="pictures at once (default: %(default)s)")
    add("-o", "--out", type=Path, help="folder for table.txt, table.csv, table.json, pairs.json and examples.jpg")
    add("--learned", nargs="+", choices=("iscore", "fid", "lpips"), help="scores of trained networks, too (extra: metrics; their weights are downloaded)")
    add("--paper", action="store_true", help="print the paper's own figures beneath, and what to mind")
    add("--overwrite", action="store_true", help="replace tables that are there already")
    add("--device", help="cuda, cpu, … (default: a GPU if there is one)")
    add("--quiet", action="store_true", help="no progress bar")
    return made


def main(argv: list[str] | None = None) -> int:  # exit code
    "The command."
    return run(arguments(), measure, argv)


if __name__ == "__main__": sys.exit(main())
