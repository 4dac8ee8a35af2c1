"""The race of lesson 13: phase two with BatchNorm moving, with the encoder's frozen, and with holes left out of it.

`python -m pconv_edu.course.batchnorm_race` trains all of them with three seeds and writes what it measured into
`data_samples/experiments/batchnorm.json`, which the lesson shows.
"""
import argparse
import copy
import json
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from pconv_edu.data import InpaintingDataset, batches
from pconv_edu.files import sample_files
from pconv_edu.losses import InpaintingLoss, LossWeights
from pconv_edu.masks import irregular_mask
from pconv_edu.phases import Phase, train_phase
from pconv_edu.pictures import sample_photos
from pconv_edu.unet import PConvUNet

RESULT = sample_files("experiments") / "batchnorm.json"
SIZE, BATCH, TRAINED_ON = 64, 4, 4  # px, pairs a step, and photos for training; the others are for the test
BINS = {"small": (.1, .2), "medium": (.3, .4), "large": (.5, .6)}  # hole ratios of the test
ARMS = "moving", "frozen", "masked"


class MaskedBatchNorm2d(nn.BatchNorm2d):
    "BatchNorm that counts known pixels only: x `[B,C,H,W]` → the same. Set `mask` `[B,1,H,W]` before each call."
    mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training: return super().forward(x)
        if self.mask is None: raise ValueError("MaskedBatchNorm2d has no mask; set its `mask` before you call it")
        count = self.mask.sum().clamp(min=1)
        mean = (x * self.mask).sum((0, 2, 3), keepdim=True) / count
        variance = ((x - mean)**2 * self.mask).sum((0, 2, 3), keepdim=True) / count
        with torch.no_grad():
            unbiased = variance * count / (count - 1).clamp(min=1)  # as PyTorch keeps it
            self.running_mean.lerp_(mean.flatten(), self.momentum)
            self.running_var.lerp_(unbiased.flatten(), self.momentum)
            self.num_batches_tracked += 1
        scale, shift = (t.view(1, -1, 1, 1) for t in (self.weight, self.bias))
        return (x - mean) * (variance + self.eps).rsqrt() * scale + shift


def mask_batchnorm(net: PConvUNet) -> PConvUNet:
    "Give the encoder a `MaskedBatchNorm2d` for each BatchNorm, in place: the same numbers, and the layer's own mask."
    for block in net.encoder:
        if block.bn is None: continue
        masked = MaskedBatchNorm2d(block.bn.num_features, block.bn.eps, block.bn.momentum)
        masked.load_state_dict(block.bn.state_dict())
        masked.train(block.bn.training)
        block.bn = masked
        block.conv.register_forward_hook(lambda conv, given, result, bn=masked: setattr(bn, "mask", result[1]))
    return net


@torch.no_grad()
def hole_errors(net: nn.Module, pairs: int = 64) -> dict[str, float]:
    "l1 inside the holes for each bin of hole ratios, in levels of 255, on photos and masks that no training sees."
    photos = list(sample_photos(size=96).values())[TRAINED_ON:]
    found = {}
    for name, ratio in BINS.items():
        masks = [irregular_mask(SIZE, ratio=ratio, seed=9_000 + n) for n in range(pairs)]
        data = InpaintingDataset(photos, masks=masks, size=SIZE, seed=99, zoom=(1, 1.5))
        image = torch.stack([data[n][0] for n in range(pairs)])
        hole = 1 - torch.stack(masks)
        error = (net.eval()(image, 1 - hole) - image).abs() * hole
        found[name] = 255 * float(error.sum() / hole.sum() / 3)
    return found


def race(seeds: int, initial: int, fine_tune: int) -> dict[str, list[dict[str, float]]]:
    "Arm → its errors with each seed. The arms share photos, masks, their order, and the initial weights."
    found = {name: [] for name in ARMS}
    photos = list(sample_photos(size=96).values())[:TRAINED_ON]
    loss = InpaintingLoss(LossWeights(perceptual=0, style=0))

    def train(net: nn.Module, phase: Phase, start: int) -> nn.Module:
        for _ in train_phase(net, phase, loss, batches(data, batch=BATCH, start=start)): pass
        return net

    for seed in range(seeds):
        started = time.perf_counter()
        data = InpaintingDataset(photos, size=SIZE, seed=seed, zoom=(1, 1.5))
        torch.manual_seed(seed)
        first = PConvUNet(widths=(16, 32, 64, 64))
        masked = mask_batchnorm(copy.deepcopy(first))
        for net in (first, masked): train(net, Phase("initial", initial, 2e-3), 0)
        for name in ARMS:
            net = masked if name == "masked" else copy.deepcopy(first)
            train(net, Phase("fine-tune", fine_tune, 5e-4, freeze_encoder_bn=name == "frozen"), initial)
            found[name].append(hole_errors(net))
            print(f"seed {seed}, {name}: {found[name][-1]}, {time.perf_counter() - started:.0f} s so far", flush=True)
    return found


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(prog="python -m pconv_edu.course.batchnorm_race", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="training runs of each arm")
    parser.add_argument("--initial", type=int, default=400, help="steps of phase one")
    parser.add_argument("--fine-tune", type=int, default=200, help="steps of phase two")
    parser.add_argument("--out", type=Path, default=RESULT, help="where the result goes")
    options = parser.parse_args(arguments)
    found = race(options.seeds, options.initial, options.fine_tune)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    about = {key: getattr(options, key) for key in ("seeds", "initial", "fine_tune")}
    about |= {"command": "python -m pconv_edu.course.batchnorm_race", "torch": torch.__version__}
    options.out.write_text(json.dumps({"about": about, "l1": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
