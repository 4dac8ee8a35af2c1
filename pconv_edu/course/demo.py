"""The whole path in a few minutes: train in both phases, fill holes in photos that training did not see, measure.

`make demo`, or `python -m pconv_edu.course.demo --help`. Everything is written to runs/demo.
"""
import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from pathlib import Path

import torch
from torch import Tensor

from pconv_edu.checkpoint import BadCheckpoint
from pconv_edu.data import InpaintingDataset
from pconv_edu.evaluation import (
    Comparison, Pair, bin_name, evaluate, fill_pairs, fit_square, interval, make_pairs, mean_fill, show_hole,
)
from pconv_edu.guards import only_run
from pconv_edu.log import curves
from pconv_edu.inpainting import load_pretrained
from pconv_edu.losses import LossWeights, composite
from pconv_edu.losses.total import used
from pconv_edu.phases import FINE_TUNE, INITIAL, Phase
from pconv_edu.figures import COLORS, Drawing
from pconv_edu.pictures import sample_photos
from pconv_edu.trainer import WRITTEN, put_aside
from pconv_edu.unet import make_net
from pconv_edu.train import Result, fit

TRAIN = ("astronaut", "rocket", "hubble", "retina")  # photos that training sees
TEST = ("chelsea", "coffee")                         # photos that it does not
VERDICT = "after phase 2"  # the row of the table that must beat `MEAN`
MEAN = "mean fill"
# In so few steps the terms that look through VGG-16 cost time and bring nothing: page 12 has measured it.
WEIGHTS = LossWeights(perceptual=0, style=0)
SCORES = {  # column of the table → its name in metrics.json
    "hole_psnr": "PSNR inside the hole, dB: mean, half of its 95 % interval",
    "perceptual": "perceptual distance: mean, half of its 95 % interval",
}


@dataclass(frozen=True)
class Settings:
    "What decides the result. A run is resumed, or reported, only with the settings that it was started with."
    steps: int = 900        # of the initial phase; fine-tuning takes a third as many
    size: int = 64          # pixels per side
    batch: int = 6          # as in the paper
    lr: float = 4e-3        # 20 times the paper's: the run takes minutes and not ten days
    fine_tune_lr: float = 1e-3  # a quarter of it, as in the paper
    seed: int = 0

    def phases(self) -> tuple[Phase, Phase]:
        return (
            replace(INITIAL, steps=self.steps, lr=self.lr),
            replace(FINE_TUNE, steps=max(1, self.steps // 3), lr=self.fine_tune_lr),
        )


def training_data(settings: Settings) -> InpaintingDataset:
    """Random crops of the training photos, from half of each side to all of it, under irregular masks of all six bins.

    Each photo comes with its colour channels in all six orders: four photos alone would teach too few colours.
    """
    photos = sample_photos(*TRAIN, size=2 * settings.size).values()
    recoloured = [photo[list(order)] for photo in photos for order in permutations(range(3))]
    return InpaintingDataset(recoloured, size=settings.size, seed=settings.seed, zoom=(1, 2))


def test_photos(size: int) -> dict[str, Tensor]:  # name → [3,size,size]
    "Each test photo's middle square, and four squares from its corners."
    found = {}
    for name, photo in sample_photos(*TEST).items():
        height, width = photo.shape[-2:]
        side = 2 * min(height, width) // 3
        found[name] = fit_square(photo, size)
        for corner, y, x in (
            ("top left", 0, 0), ("top right", 0, width - side), ("bottom left", height - side, 0),
            ("bottom right", height - side, width - side),
        ):
            found[f"{name}, {corner}"] = fit_square(photo[:, y:y + side, x:x + side], size)
    return found


def compare_all(settings: Settings, out: Path) -> Comparison:
    "Mean fill, the net before training, after the first phase and after the second, on the same pairs."
    photos = test_photos(settings.size)
    pairs = make_pairs(photos, size=settings.size, per_bin=2 * len(photos), seed=settings.seed)
    methods = {
        MEAN: mean_fill,
        "untrained net": make_net("small", settings.seed),
        "after phase 1": load_pretrained(out / f"step_{settings.steps:08}"),
        VERDICT: load_pretrained(out),
    }
    metrics = ("l1", "psnr", "ssim", "perceptual")
    return Comparison({
        name: evaluate(method, photos, pairs=pairs, size=settings.size, name=name, metrics=metrics)
        for name, method in methods.items()
    })


def table_text(rows: dict[str, dict[str, list[float]]]) -> str:
    "The table of `metrics.json` for people: a row for each method, a column for each bin."
    bins = list(rows[MEAN])
    lines = [f"{'hole-to-image ratio':20}" + "".join(f"{b:>12}" for b in bins)]
    return "\n".join(lines + [f"{name:20}" + "".join(f"{row[b][0]:12.2f}" for b in bins) for name, row in rows.items()])


def lost_bins(rows: dict[str, dict[str, list[float]]]) -> list[str]:
    "The bins in which the trained net is not better than the mean fill."
    return [b for b, (psnr, _) in rows[MEAN].items() if not rows[VERDICT][b][0] > psnr]


def before_after(net, photos: dict[str, Tensor], pairs: list[Pair], size: int) -> Drawing:
    "One row for each bin: photo, hole, output, composite, difference."
    _, image, mask, output = next(fill_pairs(net, pairs, photos, None, size, len(pairs)))
    comp = composite(output, image, mask).clamp(0, 1)
    difference = (comp - image).abs().mean(1, keepdim=True)
    columns = {
        "photo": image,
        "hole": show_hole(image, mask),
        "output": output.clamp(0, 1),
        "composite": comp,
        "difference": difference,
    }
    drawing = Drawing(figsize=(10, 1.77 * len(pairs) + .8))
    drawing.suptitle(
        "Holes in photos that training did not see. Composite: the photo where it is valid, the output in the hole.",
        fontsize=12,
    )
    grid = drawing.subplots(len(pairs), len(columns), squeeze=False)
    for axes, title in zip(grid[0], columns): axes.set_title(title, fontsize=13)
    for row, pair, *pictures in zip(grid, pairs, *columns.values()):
        for axes, picture in zip(row, pictures): paint(axes, picture)
        row[0].set_ylabel(f"{pair.picture}\nhole {pair.ratio:.0%}", fontsize=11)
    scale = drawing.colorbar(grid[0, -1].images[0], ax=grid[:, -1], shrink=.4, aspect=30)
    scale.set_label("difference from the photo (1 = black against white)", fontsize=10)
    return drawing


def paint(axes, picture: Tensor):
    "A colour picture, or a map of differences."
    axes.set_xticks([]), axes.set_yticks([])
    for side in axes.spines.values(): side.set_visible(False)
    if len(picture) == 3: axes.imshow(picture.permute(1, 2, 0).numpy(), interpolation="bicubic")
    else: axes.imshow(picture[0].numpy(), cmap="magma", vmin=0, vmax=.5, interpolation="nearest")


def draw_curves(history: list[dict]) -> Drawing:
    "Each term of the loss, with its weight in the title and the phases' names over the curve."
    drawing, weights = curves(history, smooth=max(1, len(history) // 25)), used(WEIGHTS)
    ends = [b["step"] for a, b in zip(history, history[1:]) if a["phase"] != b["phase"]]
    bounds = [0, *ends, len(history)]
    for axes, term in zip(drawing.axes, ("loss", *weights)):
        axes.set_title(f"{term}, weight {weights[term]:g}" if term in weights else "total loss", fontsize=12)
        for start, end in zip(bounds, bounds[1:]):
            axes.text(
                (start + end) / 2, 0.97, history[start]["phase"], transform=axes.get_xaxis_transform(), ha="center",
                va="top", fontsize=9, color=COLORS["ink"],
            )
    return drawing


def write_report(settings: Settings, result: Result, seconds: float) -> dict:
    "Measure, draw, and write metrics.json last: if it exists, the run is complete."
    out = result.folder
    tables = compare_all(settings, out)
    first = tables[MEAN]
    scores = {
        title: {
            name: {bin_name(b): list(interval(table.values(b, column))) for b in first.bins()}
            for name, table in tables.items()
        }
        for column, title in SCORES.items()
    }
    metrics = {
        "settings": asdict(settings),
        "train": TRAIN,
        "test": TEST,
        "pairs in each bin": len(first.pairs) // 6,
        "seconds of training in the last call": round(seconds, 1),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        **scores,
        "better than the mean fill in every bin": not lost_bins(scores[SCORES["hole_psnr"]]),
    }
    # the two photos by turns
    examples = [[p for p in first.pairs if p.bin == b][b // 2 + 5 * (b % 2)] for b in first.bins()]
    before_after(result.net, test_photos(settings.size), examples, settings.size).savefig(
        out / "before_after.png", dpi=110
    )
    draw_curves(result.history).savefig(out / "curves.png", dpi=110)
    tables[VERDICT].save(out / "table")
    tidy(settings, out)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return metrics


def tidy(settings: Settings, out: Path):
    "Keep only the two checkpoints that end the phases: each holds the optimizer's state and is large."
    ends = {settings.steps, sum(phase.steps for phase in settings.phases())}
    for path in out.glob("step_*"):
        if int(path.name.removeprefix("step_")) not in ends: shutil.rmtree(path)


def finished(settings: Settings, out: Path) -> dict | None:
    "The metrics of a whole run with just these settings, if there is one."
    try: metrics = json.loads((out / "metrics.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError): return None
    return metrics if metrics.get("settings") == asdict(settings) else None


def say(metrics: dict, out: Path) -> int:
    "Print the table, what it means, and what to do next; returns the exit status."
    rows, seen = (metrics[title] for title in SCORES.values())
    print(
        f"\nPSNR inside the hole in dB, on photos that training did not see ({' and '.join(metrics['test'])}; "
        f"{metrics['pairs in each bin']} pairs for each bin):\n"
    )
    print(table_text(rows))
    print(
        "\nHigher is better; 6 dB more is half the error. Only the hole's pixels count. Mean fill: the mean colour "
        "of the valid pixels."
    )
    print("\nHow different it looks to a trained network, SqueezeNet 1.1, which trained none of them (page 16):\n")
    print(table_text(seen))
    print("\nLower is better. Six columns in both tables: the paper's six bins of hole size.\n")
    for name, what in (
        ("before_after.png", "photo, hole, output, composite, difference"),
        ("curves.png", "each term of the loss over both phases"), ("metrics.json", "the table, with intervals"),
        ("table/", "all metrics of the trained net, and the pairs"), ("step_…/", "checkpoints, resumable"),
    ):
        print(f"  {str(out / name):30} {what}")
    lost = lost_bins(rows)
    if lost:
        print(
            f"\nFAILED: the trained net is not better than the mean fill at hole ratio {', '.join(lost)}. Train "
            "longer: make demo ARGS='--fresh --steps 3000'"
        )
    print(f"""
Next:
  make lab                                      the lessons, from nbs/00_start_here.ipynb
  python -m pconv_edu.train --help              train on your own folder of photos; in a script:
      from pconv_edu.train import fit
      fit("my_photos", out="runs/mine")
  from pconv_edu.inpainting import inpaint, load_pretrained
      inpaint("photo.jpg", "mask.png", load_pretrained("{out}")).save("filled.png")""")
    return 1 if lost else 0


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pconv_edu.course.demo", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="With make: make demo ARGS='--fresh --steps 3000'. Exit status 1: the net did not beat the mean fill "
               "everywhere.",
    )
    parser.add_argument(
        "--steps", type=int,
        help=f"steps of the initial phase; fine-tuning takes a third as many (default: {Settings.steps})",
    )
    parser.add_argument(
        "--fresh", action="store_true",
        help="start over; what is in the folder is put aside, into earlier_1, earlier_2, ...",
    )
    parser.add_argument("--seed", type=int,
                        help=f"seed of the initial weights, crops and masks (default: {Settings.seed})")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/demo"), help="where everything is written (default: %(default)s)"
    )
    asked = parser.parse_args(argv)
    if asked.steps is not None and asked.steps < 1: parser.error(f"--steps {asked.steps}: give 1 or more")
    return asked


def train(settings: Settings, out: Path, fresh: bool) -> tuple[Result, float]:
    "Both phases; returns the result and the seconds."
    start = time.perf_counter()
    data, phases = training_data(settings), settings.phases()
    total = sum(phase.steps for phase in phases)
    if fresh:
        # the report goes with its run
        with only_run(out): put_aside(out, (*WRITTEN, "metrics.json", "table", "before_after.png"))
    result = fit(
        data,
        out=out,
        net="small",
        phases=phases,
        size=settings.size,
        batch=settings.batch,
        vgg=None,
        weights=WEIGHTS,
        seed=settings.seed,
        resume=not fresh,
        save_every=max(50, total // 5),
        keep=total,
        draw=False,  # all are kept until the report is written
        channels_last=True,
    )  # a tenth faster on a CPU
    return result, time.perf_counter() - start


def main(argv: list[str] | None = None, settings: Settings = Settings()) -> int:
    "Run the demo; returns the exit status."
    asked = arguments(argv)
    settings = replace(
        settings, **{name: value for name in ("steps", "seed") if (value := getattr(asked, name)) is not None}
    )
    done = None if asked.fresh else finished(settings, asked.out)
    if done:
        print(
            f"This demo has run before, with the same settings: its result in {asked.out} is shown again. To start "
            "over: make demo ARGS=--fresh"
        )
        return say(done, asked.out)
    first, second = settings.phases()
    print(
        f"A small PConvUNet learns to fill holes, from random crops of {len(TRAIN)} photos ({', '.join(TRAIN)}) at "
        f"{settings.size} × {settings.size} px.\n"
        f"  1. {first.name}: {first.steps} steps, learning rate {first.lr:g}\n"
        f"  2. {second.name}: {second.steps} steps, learning rate {second.lr:g}, the encoder's BatchNorm frozen\n"
        "The loss is the paper's without its two terms that look through VGG-16: in so few steps they bring nothing "
        "(page 12 has the table).\n"
        f"The paper's learning rates are {INITIAL.lr:g} and {FINE_TUNE.lr:g}, for ten days on a GPU; these are for a "
        "few minutes on a laptop.\n",
        flush=True,
    )
    try:
        result, seconds = train(settings, asked.out, asked.fresh)
    except KeyboardInterrupt:
        return stop("interrupted. The same command resumes where it stopped; make demo ARGS=--fresh starts over", 130)
    except (ValueError, BadCheckpoint, RuntimeError, OSError) as error:
        return stop(f"{error}\nTo start over: make demo ARGS=--fresh", 2)
    print(f"Training took {seconds:.0f} s. Now filling holes in {' and '.join(TEST)}.", flush=True)
    return say(write_report(settings, result, seconds), asked.out)


def stop(sentence: str, status: int) -> int:
    print(f"\npconv_edu: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
