"""Train the weights that ship in data_samples/weights: `python tools/train_weights.py --photos FOLDER [FOLDER] --out
runs/weights`.

Crops of 128 px stand for a quarter of a 256 px picture, and so do their masks: those are cut from masks of 256 px, or
the strokes would be half as wide as where the weights are used. Stopped and started again, it resumes from its last
checkpoint. Pixel terms come first (`pconv_small_pixel`, `plain_small`); `--whole` continues from there with all terms
(`pconv_small`), and at last, in two folders beside, with holes as wide as those of 512 px.
"""
import argparse
import sys
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm

from pconv_edu import checkpoint
from pconv_edu.data import InpaintingDataset
from pconv_edu.losses import LossWeights, Term, VGG16Features, style_loss
from pconv_edu.losses.total import TERMS
from pconv_edu.masks import RATIO_BINS, MaskFolder, irregular_mask
from pconv_edu.commands.train import parse_phases
from pconv_edu.phases import Phase
from pconv_edu.pictures import list_images
from pconv_edu.train import fit
from pconv_edu.unet import PConvUNet
from pconv_edu.weights import load_pretrained

SIZE, FULL = 128, 256


@dataclass(frozen=True)
class Stage:
    "A stretch of the run with masks and weights of its own. Its phases are counted from the run's first step."
    name: str
    phases: str
    shares: tuple[float, ...]  # of the six bins among the masks
    crowds: tuple[int, ...]  # how many masks of a bin lie on each other: a thin hole teaches more where there are many
    weights: dict  # of the loss
    batch: int = 4
    size: int = SIZE  # of crops and masks
    wide: float = 0  # share of the masks that are cut from masks of twice FULL
    zoom: tuple[float, float] | None = (1.6, 2.4)  # crops are 1/zoom of the shorter side; None: `size` px
    pool: str = "max"  # in the features; see `POOLS`

    def parsed(self) -> tuple[Phase, ...]: return parse_phases(self.phases)

    def steps(self) -> int: return sum(phase.steps for phase in self.parsed())


# Pixel terms alone: VGG-16 takes most of a step's time. Small holes are where the classical methods are hard to beat,
# for there a smooth filling is nearly right; so each stage has more of them. The last one hardly asks for the valid
# pixels, which the composite keeps.
PIXELS = dict(perceptual=0, style=0)
OFTEN_SMALL = (.25, .22, .18, .14, .11, .10)
STAGES = (
    Stage("sparse", "initial:4500:1e-3", OFTEN_SMALL, (1, 1, 1, 1, 1, 1), PIXELS),
    Stage(
        "dense", "initial:7300:1e-3,settle:1600:3e-4,fine-tune:600:1e-4:frozen", OFTEN_SMALL, (4, 2, 1, 1, 1, 1), PIXELS
    ),
    Stage(
        "thin",
        "initial:17900:1e-3,settle:2200:3e-4,fine-tune:400:1e-4:frozen,settle-again:2100:3e-4,fine-tune-again:400:1e-4:frozen,"
        "long:7500:1e-3,settle-long:5000:3e-4,fine-tune-long:1000:1e-4:frozen",
        (0.6, 0.18, 0.08, 0.06, 0.04, 0.04),
        (7, 3, 2, 1, 1, 1),
        dict(valid=.02, perceptual=0, style=0, tv=0),
    ),
)

# Then the whole loss. Perceptual and style loss look at the composite alone: nothing else is ever shown.
OF_COMPOSITE = {
    "perceptual_comp": Term(
        lambda comp, gt: sum((a - b).abs().mean() for a, b in zip(comp, gt)), ("feats_comp", "feats_gt")
    ),
    "style_comp": Term(style_loss, ("feats_comp", "feats_gt")),
}
EYES = dict(valid=.02, hole=6, perceptual=0, style=0, tv=.3, perceptual_comp=.8, style_comp=8)
# less style and more hole: the lines in large holes became fainter, though longer training had a part in that
CALM = EYES | dict(style_comp=2)
LONG = "warm:100:2e-5,rise:850:3e-4,long:6805:1e-3,settle:724:3e-4"
THIN = LONG + ",middle:3126:6e-4,settle-again:1200:2e-4"
FULL_SIZE = THIN + ",full:730:3e-4,last:300:1e-4"
LESS_STYLE = FULL_SIZE + ",less-style:1550:4e-4,settle-calm:300:1e-4"
MORE_HOLE = LESS_STYLE + ",more-hole:1250:4e-4"
THINNER = MORE_HOLE + ",thinner:5230:8e-4,settle-thinner:1700:3e-4,end:900:8e-5"
OFTEN_THIN = (.4, .22, .14, .1, .08, .06)
WHOLE = (
    Stage("whole", LONG, (.2, .2, .18, .16, .14, .12), (4, 2, 1, 1, 1, 1), EYES, batch=6),
    Stage("whole-thin", THIN, OFTEN_THIN, (7, 3, 2, 1, 1, 1), EYES, batch=6),
    Stage("whole-full", FULL_SIZE, OFTEN_THIN, (7, 3, 2, 1, 1, 1), EYES, batch=3, size=FULL, zoom=None),
    Stage("whole-calm", LESS_STYLE, OFTEN_THIN, (7, 3, 2, 1, 1, 1), CALM, batch=6),
    Stage("whole-hole", MORE_HOLE, OFTEN_THIN, (7, 3, 2, 1, 1, 1), CALM | dict(hole=9), batch=6),
    Stage("whole-thinner", THINNER, (.6, .18, .09, .06, .04, .03), (6, 3, 2, 1, 1, 1), CALM | dict(hole=9), batch=6),
)
# Holes wider than any so far, or coloured lines follow the outline of those in a photo of 512 px; and then, from
# halfway between the weights before and after that, all widths and the sharper pooling again. Each begins a run.
OF_WIDE = (.1, .15, .2, .2, .2, .15)  # shares of the bins among wide masks
WIDE = Stage(
    "whole-wide",
    "warm:50:5e-5,wide:1500:6e-4,settle:600:2e-4,end:250:5e-5",
    (.4, .2, .12, .1, .1, .08),
    (5, 3, 2, 1, 1, 1),
    CALM | dict(hole=9, style_comp=1, tv=.6),
    batch=3, size=FULL, wide=.55, zoom=(1., 2.), pool="mean",
)
MIX = Stage(
    "whole-mix",
    "warm:30:2e-5,mix:620:3e-4,end:300:8e-5",
    (.58, .22, .06, .05, .05, .04),
    (6, 3, 2, 1, 1, 1),
    CALM | dict(hole=9, style_comp=1),
    batch=3, size=FULL, wide=.3, zoom=(1., 2.),
)
# Softer once more, for longer; and last, what each hole needs: sharp where it is thin, and calm where it is wide.
SOFT = replace(MIX, name="whole-soft", phases="warm:30:2e-5,mix:3200:3e-4,settle:644:1e-4", pool="mean")
EACH = replace(MIX, name="whole-each", phases="warm:30:2e-5,mix:1100:3e-4,settle:600:1e-4,end:170:3e-5", pool="by hole")


def with_bilinear_doubling(net: PConvUNet) -> PConvUNet:
    "The same weights; nearest doubling leaves a weave in large holes once features, not pixels, are compared."
    smooth = PConvUNet(**{**net.config, "upsample": "bilinear"})
    smooth.load_state_dict(net.state_dict())
    return smooth


def thinness(
    mask: torch.Tensor,  # [B,1,H,W], 1 = valid, 0 = hole
) -> torch.Tensor:  # [B] in [0,1]
    "1 where every hole pixel has a valid one among the 17 × 17 around it, 0 where 40 % of them have none."
    hole = (mask == 0).float()
    deep = hole * (F.max_pool2d(mask, 17, 1, 8) == 0)
    return (1 - deep.sum((1, 2, 3)) / hole.sum((1, 2, 3)).clamp(min=1) / .4).clamp(0, 1)


class PoolByHole(torch.nn.Module):
    "Max pooling where a picture's hole is thin, average pooling where it is wide, and what lies between for others."
    thin = None  # [B], of the batch that the network saw last

    def forward(self, x):
        thin = self.thin.to(x.dtype).repeat(len(x) // len(self.thin))[:, None, None, None]
        return thin * F.max_pool2d(x, 2) + (1 - thin) * F.avg_pool2d(x, 2)


# Average pooling makes fills softer, and the lines along wide holes fainter.
POOLS = {"mean": lambda: torch.nn.AvgPool2d(2), "by hole": PoolByHole}


def with_pooling(features: VGG16Features, net: torch.nn.Module, pool: str) -> VGG16Features:
    "The same features, pooled in another way. `net` is the one in training, whose masks 'by hole' looks at."
    for stage in features.stages:
        for name, layer in stage.named_children():
            if isinstance(layer, torch.nn.MaxPool2d): setattr(stage, name, POOLS[pool]())
    pools = [layer for layer in features.modules() if isinstance(layer, PoolByHole)]

    def look(_, pair):
        for layer in pools: layer.thin = thinness(pair[1])
    if pools: net.register_forward_pre_hook(look)
    return features


def halfway(one: PConvUNet, other: PConvUNet) -> PConvUNet:
    "A network with the mean of the weights of two, which works where one began as the other."
    mean, others = PConvUNet(**one.config), other.state_dict()
    mean.load_state_dict(
        {name: (t + others[name]) / 2 if t.is_floating_point() else t for name, t in one.state_dict().items()})
    return mean


def make_masks(folder: Path, number: int, stage: Stage) -> Path:
    """Squares of the stage's size cut at random out of irregular masks of FULL, or of twice that; those with hardly any
    hole, or hardly anything else, are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = len(list(folder.glob("*.png")))
    for k in tqdm(range(done, number), desc=folder.name, disable=done >= number):
        for attempt in count():
            rng = np.random.default_rng([2018, k, attempt])
            wide = stage.wide and rng.random() < stage.wide
            full, shares, crowds = (2 * FULL, OF_WIDE, 6 * [1]) if wide else (FULL, stage.shares, stage.crowds)
            bin = rng.choice(6, p=shares)
            top, left = rng.integers(0, full - stage.size + 1, 2)
            seeds = [[2018, k, attempt]] + [[2018, k, attempt, more] for more in range(1, crowds[bin])]
            masks = torch.stack([irregular_mask(full, RATIO_BINS[bin], seed=seed) for seed in seeds])
            mask = masks.amin(0)[0, top : top + stage.size, left : left + stage.size]
            if .005 < 1 - mask.mean() < .8: break
        Image.fromarray(((1 - mask.numpy()) * 255).astype(np.uint8)).convert("1").save(folder / f"{k:06}.png")
    return folder


def train(stage: Stage, net: PConvUNet, asked: argparse.Namespace, resume: bool | str, out: Path | None = None):
    "One stage, from where the run in `out`, or in the folder that was asked for, stands."
    photos = [path for folder in asked.photos for path in list_images(folder)]
    masks = MaskFolder(make_masks(asked.out.parent / f"masks_{stage.name}", asked.masks, stage), hole="white")
    data = InpaintingDataset(photos, masks, size=stage.size, seed=asked.seed, zoom=stage.zoom)
    eyes = {"vgg": None}
    if asked.whole: eyes = dict(vgg=VGG16Features(asked.whole, precision="bfloat16", shift=7), precision="bfloat16")
    if stage.pool != "max": with_pooling(eyes["vgg"], net, stage.pool)
    return fit(data, out=out or asked.out, net=net, phases=asked.phases or stage.parsed(), size=stage.size,
               batch=stage.batch, weights=LossWeights(**stage.weights), ema=.999, seed=asked.seed, channels_last=True,
               compile=not asked.whole, save_every=250, keep=2, resume=resume, **eyes)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--photos", nargs="+", type=Path, required=True, help="folders of photos, shorter side 256 px or more"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/weights"), help="the run's folder; its masks are made beside it"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--plain", action="store_true", help="train the plain twin instead")
    which.add_argument(
        "--start", help="weights or a run's folder to begin with, to try something on; left out: random weights"
    )
    parser.add_argument(
        "--phases",
        type=parse_phases,
        help="the last stage's masks and weights alone, for these phases; left out: all stages, "
        + "; ".join(f"{stage.name} {stage.phases}" for stage in STAGES),
    )
    parser.add_argument(
        "--whole",
        nargs="?",
        const="shipped",
        help="continue from --start with all terms of the loss: 'shipped', 'imagenet' or a file of VGG-16's weights; "
        + f"the stages {', '.join(stage.name for stage in WHOLE)}, in all {WHOLE[-1].phases}, then "
        + ", ".join(f"{stage.name} {stage.phases}" for stage in (WIDE, MIX, SOFT, EACH)),
    )
    parser.add_argument("--masks", type=int, default=8000, help="how many masks for each stage")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; None: as many as torch takes")
    asked = parser.parse_args()
    if asked.threads: torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)
    if asked.whole and not asked.start: parser.error("--whole continues from trained weights: give --start, too")
    net = load_pretrained(asked.start) if asked.start else PConvUNet.small(partial=not asked.plain)
    if asked.whole:
        net = with_bilinear_doubling(net)
        TERMS.update(OF_COMPOSITE)
    newest, stages = checkpoint.latest(asked.out), WHOLE if asked.whole else STAGES
    if asked.phases: stages = stages[-1:]
    step = int(newest.name.split("step_")[1]) if newest else 0
    for before, stage in zip((None, *stages), stages):
        if step >= stage.steps() and stage is not stages[-1]: continue
        # other masks and weights than the run had so far
        result = train(stage, net, asked, resume="changed" if before and step == before.steps() else True)
        step = stage.steps()
    if asked.whole and not asked.phases:
        beside = lambda stage: asked.out.with_name(f"{asked.out.name}_{stage.name}")
        before = load_pretrained(result.folder)
        wide = train(WIDE, before, asked, resume=True, out=beside(WIDE))
        after = load_pretrained(wide.folder)
        result = train(MIX, halfway(before, after), asked, resume=True, out=beside(MIX))
        for stage in (SOFT, EACH):
            result = train(stage, load_pretrained(result.folder), asked, resume=True, out=beside(stage))
    print(f"trained: {result.folder}")


if __name__ == "__main__": sys.exit(main())
