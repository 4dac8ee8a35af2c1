"""The race of lesson 21: one small classifier with four kinds of padding, on shapes that the border cuts.

`python -m pconv_edu.course.padding_race` trains all of them with three seeds and writes what it measured into
`data_samples/experiments/padding.json`, which the lesson shows.
"""
import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pconv_edu.files import sample_files
from pconv_edu.padding import partial_padding

RESULT = sample_files("experiments") / "padding.json"
SIZE, MARGIN = 24, 12  # px: of a picture, and how far a shape may reach out of it
SHAPES = "disc", "square", "triangle", "cross"
PADDINGS = "zeros", "reflect", "replicate", "partial"
CUT = .95  # a shape with less of its area inside the picture is called cut


def make_shapes(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Grey pictures `[count,1,SIZE,SIZE]`, the index of each one's shape, and the share of the shape that is inside.

    Place, size, angle and brightness are random, and the centre may lie on the very edge.
    """
    generator = torch.Generator().manual_seed(seed)
    def draw(low: float, high: float): return torch.rand(count, 1, 1, generator=generator) * (high - low) + low
    label = torch.randint(len(SHAPES), (count,), generator=generator)
    axis = torch.arange(-MARGIN, SIZE + MARGIN).float()
    y, x = axis.view(1, -1, 1) - draw(0, SIZE - 1), axis.view(1, 1, -1) - draw(0, SIZE - 1)
    radius, angle = draw(6, 9), draw(0, 2 * torch.pi)
    u, v = (x * angle.cos() + y * angle.sin()) / radius, (y * angle.cos() - x * angle.sin()) / radius
    bars = (u.abs() < .3) & (v.abs() < 1) | (v.abs() < .3) & (u.abs() < 1)
    forms = u**2 + v**2 < .8, (u.abs() < .8) & (v.abs() < .8), (v > -.6) & (v + 3**.5 * u.abs() < .9), bars
    whole = torch.stack(forms, 1)[torch.arange(count), label].float()
    inside = whole[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    ground = draw(0, 1)
    paint = ground + draw(.3, .6) * torch.where(draw(0, 1) < .5, -1, 1)
    noise = .1 * torch.randn(count, SIZE, SIZE, generator=generator)
    return (torch.where(inside > 0, paint, ground) + noise)[:, None], label, inside.sum((1, 2)) / whole.sum((1, 2))


def classifier(padding: str, seed: int) -> nn.Module:
    "Four convolutions over the border, then an average over all positions. The same initial weights for every padding."
    torch.manual_seed(seed)
    mode = "zeros" if padding == "partial" else padding
    layers, channels = [], 1
    for width in (8, 16, 32, 32):
        if 1 < channels < 32: layers.append(nn.MaxPool2d(2))
        layers += [nn.Conv2d(channels, width, 3, padding=1, padding_mode=mode, bias=False), nn.BatchNorm2d(width),
                   nn.ReLU()]
        channels = width
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, len(SHAPES)))
    return partial_padding(net, say=lambda _: None) if padding == "partial" else net


def train(padding: str, seed: int, steps: int, batch: int = 64) -> nn.Module:
    "A trained classifier; every padding sees the same pictures in the same order."
    net = classifier(padding, seed).train()
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for step in range(steps):
        pictures, label, _ = make_shapes(batch, seed=1_000_000 * (seed + 1) + step)
        loss = F.cross_entropy(net(pictures), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def accuracy(net: nn.Module, count: int = 4000) -> dict[str, float]:
    "Percent right on test pictures that no training sees: of all, of the whole shapes, and of those that are cut."
    pictures, label, share = make_shapes(count, seed=7)
    right = torch.cat([net(part).argmax(1) for part in pictures.split(500)]) == label
    kinds = {"all": share >= 0, "whole": share >= CUT, "cut": share < CUT}
    return {kind: 100 * right[which].float().mean().item() for kind, which in kinds.items()}


def race(seeds: int = 3, steps: int = 600) -> dict[str, list[dict[str, float]]]:
    "Padding → its accuracy with each seed; `swapped` is the net trained over zeros, given partial padding afterwards."
    found = {name: [] for name in (*PADDINGS, "swapped")}
    for seed in range(seeds):
        for padding in PADDINGS:
            start, net = time.perf_counter(), train(padding, seed, steps)
            found[padding].append(accuracy(net))
            print(f"seed {seed}, {padding}: {found[padding][-1]}, {time.perf_counter() - start:.0f} s", flush=True)
            if padding == "zeros": found["swapped"].append(accuracy(partial_padding(net, say=lambda _: None)))
    return found


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(prog="python -m pconv_edu.course.padding_race", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="training runs of each padding")
    parser.add_argument("--steps", type=int, default=600, help="optimizer steps of each training")
    parser.add_argument("--out", type=Path, default=RESULT, help="where the result goes")
    options = parser.parse_args(arguments)
    found = race(options.seeds, options.steps)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    about = {"seeds": options.seeds, "steps": options.steps, "torch": torch.__version__}
    options.out.write_text(json.dumps({"about": about, "accuracy": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
