"""The comparison of lesson 12: the same short training through trained features, through random ones, and without.

`python -m pconv_edu.course.eyes` trains each arm with three seeds, on the photos of `make demo`, and writes what it
measured into `data_samples/experiments/eyes.json`, which the lesson shows.
"""
import argparse
import json
from pathlib import Path

import torch

from pconv_edu.course.demo import Settings, test_photos, training_data
from pconv_edu.data import batches
from pconv_edu.evaluation import compare, make_pairs
from pconv_edu.files import sample_files
from pconv_edu.losses import InpaintingLoss, LossWeights
from pconv_edu.phases import train_phase
from pconv_edu.unet import make_net

RESULT = sample_files("experiments") / "eyes.json"
STEPS = 240  # of the first phase; the second takes a third as many
ARMS = {  # name → weights of the terms, features
    "pixel terms alone": (LossWeights(perceptual=0, style=0), "shipped"),
    "five terms, random features": (LossWeights(), "random"),
    "five terms, trained features": (LossWeights(), "shipped"),
    "the same, with weights that fit": (LossWeights(perceptual=.4, style=12), "shipped"),  # their scale is another one
}


def trained(arm: str, settings: Settings) -> torch.nn.Module:
    "A network after two phases, with the demo's rates. The same pairs and initial weights for every arm."
    weights, vgg = ARMS[arm]
    net, loss = make_net("small", settings.seed), InpaintingLoss(weights, vgg=vgg)
    phases = settings.phases()
    given = batches(training_data(settings), batch=settings.batch, stop=settings.steps)
    for phase in phases:  # the second sees the first pairs again
        for _ in train_phase(net, phase, loss, given): pass
    return net.eval()


def scores(nets: dict[str, torch.nn.Module], settings: Settings) -> dict[str, dict[str, list[float]]]:
    "Arm → PSNR and perceptual distance in each bin, on photos that no training saw."
    photos = test_photos(settings.size)
    pairs = make_pairs(photos, size=settings.size, per_bin=2 * len(photos), seed=1)
    tables = compare(nets, photos, pairs=pairs, size=settings.size, metrics=("psnr", "perceptual"))
    return {
        arm: {column: [table.mean(b, column)[0] for b in table.bins()] for column in ("psnr", "perceptual")}
        for arm, table in tables.items()
    }


def race(seed: int, steps: int = STEPS) -> dict[str, dict]:
    "Arm → its scores."
    settings = Settings(steps=steps, seed=seed)
    return scores({arm: trained(arm, settings) for arm in ARMS}, settings)


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(prog="python -m pconv_edu.course.eyes", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="training runs of each arm")
    parser.add_argument("--steps", type=int, default=STEPS, help="optimizer steps of the first phase")
    parser.add_argument("--threads", type=int, help="CPU threads; left out: as many as torch takes")
    parser.add_argument("--out", type=Path, default=RESULT, help="where the result goes")
    options = parser.parse_args(arguments)
    if options.threads: torch.set_num_threads(options.threads)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found = {"about": {"steps": options.steps, "torch": torch.__version__}, "seeds": []}
    for seed in range(options.seeds):
        found["seeds"].append(race(seed, options.steps))
        for arm, line in found["seeds"][-1].items():
            means = ", ".join(f"{name} {sum(line[name]) / 6:.3f}" for name in ("psnr", "perceptual"))
            print(f"seed {seed}, {arm}: {means}", flush=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
