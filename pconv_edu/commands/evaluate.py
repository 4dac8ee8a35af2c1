"""`pconv_evaluate`: the paper's table for one network or several, beside classical methods, on fixed pairs of picture
and mask.
"""
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable

import torch

from pconv_edu.commands import Stop, device, parser, path, run, say
from pconv_edu.evaluation import (
    Comparison, LearnedMetrics, Unfinished, biharmonic_fill, compare, mean_fill, opencv_fill,
)
from pconv_edu.inpainting import load_pretrained
from pconv_edu.learned_metrics import NAMES
from pconv_edu.masks import ImplausiblePolarity, MaskFolder
from pconv_edu.metrics import METRICS, chosen_metrics
from pconv_edu.sources import archives

CLASSICAL = {
    "mean": lambda: mean_fill,
    "biharmonic": lambda: biharmonic_fill,
    "telea": lambda: opencv_fill("telea"),
    "ns": lambda: opencv_fill("ns"),
}
EXAMPLES = """  pconv_evaluate photos/                                      the weights that ship, generated masks
  pconv_evaluate photos/ --masks masks/ --size 512 -o table/   masks from files (white = hole); writes txt, CSV and JSON
  pconv_evaluate photos/ --net runs/mine pconv_small telea mean --per-bin 100
  pconv_evaluate photos/ --net runs/mine --pairs table/pairs.json   the very pairs of an older table"""


def method_of(name: str, place: torch.device) -> Callable:
    "A classical method by its name, or else a network."
    return CLASSICAL[name]() if name in CLASSICAL else load_pretrained(name).to(place)


def masks_of(options: Namespace) -> MaskFolder | None:
    "The folder of masks. Raises `Stop` when most would be hole, unless `--hole` says that this is meant."
    if options.masks is None: return None
    with warnings.catch_warnings():
        if not options.hole: warnings.simplefilter("error", ImplausiblePolarity)
        try:
            return MaskFolder(options.masks, hole=options.hole or "white")
        except ImplausiblePolarity as error:
            raise Stop(f"{error} (here: --hole); if this is meant, say --hole white") from None


def check_words(options: Namespace):
    "Raise `Stop` for options that have no effect beside another one."
    settled = [
        f"--{name.replace('_', '-')}"
        for name in ("size", "per_bin", "border", "seed")
        if getattr(options, name) is not None
    ]
    if options.pairs and settled:
        raise Stop(f"--pairs says which pairs and which size; leave {' and '.join(settled)} out")
    if options.masks and options.seed is not None: raise Stop("--seed is for generated masks; leave it out, or --masks")
    if options.hole and not options.masks: raise Stop("--hole is the colour in mask files; give --masks, too")


def check_out(options: Namespace):
    "Make the output folder before the work. Raises `Stop` when something is there already."
    out = options.out
    if not out: return
    is_empty = out.is_dir() and not any(out.iterdir())
    if out.exists() and not is_empty and not options.overwrite:
        raise Stop(f"'{out}' is there already; --overwrite replaces its tables")
    out.mkdir(parents=True, exist_ok=True)


def measure(options: Namespace) -> int:
    "Print the tables, and write them where that was wanted."
    check_words(options)
    check_out(options)
    place = device(options.device)
    methods = {name: method_of(name, place) for name in options.net}  # all are loaded before the first one is measured
    pairs = dict(
        size=256 if options.size is None else options.size, pairs=options.pairs, per_bin=options.per_bin,
        border={"with": True, "without": False, None: None}[options.border], seed=options.seed or 0,
    )
    learned = LearnedMetrics(tuple(options.learned)) if options.learned else None
    more = dict(
        batch=options.batch, learned=learned, metrics=options.metrics, out=options.out, progress=not options.quiet
    )
    try: tables = compare(methods, options.images, masks_of(options), **pairs, **more)
    except Unfinished as error:
        show(error.tables, options.paper)
        say(f"error: {error}")
        return 1
    show(tables, options.paper)
    return 0


def show(tables: Comparison, paper: bool):
    "Print the tables; with `paper`, the paper's columns with its rows beneath."
    print(next(iter(tables.values())) if len(tables) == 1 else tables)
    for column in ("l1", "psnr", "ssim") if paper else ():
        if column in tables.columns: print(f"\n{tables.text(column, paper=True)}")


def arguments():
    columns = ", ".join(
        f"{metric.heading} ({metric.better} is better)" for metric in METRICS.values() if metric.function
    )
    made = parser(
        "pconv_evaluate",
        "Score networks and classical methods by hole ratio, over the picture and inside the hole. Columns: "
        f"{columns}.",
        EXAMPLES,
    )
    add = made.add_argument
    add("images", type=path, metavar="PHOTOS",
        help=f"a folder of pictures, or {archives()}; the middle square of each is taken")
    add("--masks", type=path, help="a folder of masks (default: generated)")
    add(
        "--hole", choices=("white", "black"),
        help="the hole's colour in the masks (default: white; refused where most would be hole)",
    )
    add("--net", nargs="+", default=["pconv_small"],
        help=f"weights, as for pconv_inpaint, or a classical method: {', '.join(CLASSICAL)} (default: pconv_small)")
    add("--size", type=int, help="pixels per side (default: 256)")
    add("--per-bin", type=int, help="pairs in each bin (default: one for each picture)")
    add(
        "--border", choices=("with", "without"),
        help="only masks with, or only masks without, holes at the border (default: as they come)",
    )
    add("--pairs", type=path, help="pairs.json of another table: the same pairs and size")
    add("--seed", type=int, help="seed of the generated masks (default: 0)")
    add("--batch", type=int, default=8, help="pictures at once (default: %(default)s)")
    add("-o", "--out", type=path, help="folder for table.txt, table.csv, table.json, pairs.json and examples.jpg")
    computed = [name for name, metric in METRICS.items() if metric.function]
    add(
        "--metrics", nargs="+", choices=computed, metavar="NAME",
        help=f"columns: any of {', '.join(computed)} (default: {', '.join(chosen_metrics())}; perceptual, judged by a "
             "SqueezeNet that ships with the package, takes about twice the time)",
    )
    add(
        "--learned", nargs="+", choices=NAMES,
        help="scores of trained networks, too (extra: metrics; their weights are downloaded)",
    )
    add("--paper", action="store_true", help="print the paper's own figures beneath, with a note on comparing")
    add("--overwrite", action="store_true", help="replace tables that are there already")
    add("--device", help="cuda, cpu, … (default: a GPU if there is one)")
    add("--quiet", action="store_true", help="no progress bar")
    return made


def main(argv: list[str] | None = None) -> int:  # exit code
    "The command."
    return run(arguments(), measure, argv)


if __name__ == "__main__": sys.exit(main())
