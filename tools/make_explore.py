"""What the site's explorer of the loss starts from: a picture, its hole, and outputs with plain faults, as a script.

The terms that read pixels are computed in the browser. Perceptual and style need VGG-16: their values come from here.
"""
import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from pconv_edu.course.loss_lab import damages
from pconv_edu.losses import LossWeights, VGG16Features, composite, perceptual_loss
from pconv_edu.losses.style import style_losses
from pconv_edu.masks import rect_mask
from pconv_edu.pictures import sample_photos
from pconv_edu.weights import load_pretrained

ROOT = Path(__file__).resolve().parents[1]
SIDE, STEPS = 64, (0., .2, .4, .6, .8, 1.)  # pixels; how much of the fault is in the output
PAPER, FAIRER = LossWeights(), LossWeights(perceptual=.2, style=2)  # page 10's


def as_levels(picture: Tensor) -> Tensor:  # uint8
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8)


def scene() -> tuple[Tensor, Tensor, dict[str, Tensor]]:  # levels [1,3,H,W], mask [1,1,H,W], name → levels
    "The picture, the hole, and what is wrong with each output, in levels of 0 to 255: what the browser gets."
    photo = sample_photos("chelsea", size=SIDE)["chelsea"][None]
    mask = rect_mask(SIDE, SIDE // 4, SIDE // 4, SIDE // 2, SIDE // 2)[None]
    with torch.no_grad(): filled = load_pretrained("pconv_small")(photo, mask)
    mean = (photo * mask).sum((2, 3), keepdim=True) / mask.sum()
    faults = damages(photo, mask) | {"mean colour in the hole": composite(mean.expand_as(photo), photo, mask)}
    faults["the network that ships"] = filled
    return as_levels(photo), mask, {name: as_levels(fault) for name, fault in faults.items()}


def along(image: Tensor, fault: Tensor, much: float) -> Tensor:
    "The output that is `much` of the way from `image` to `fault` (both levels), in double precision."
    image, fault = image.double() / 255, fault.double() / 255
    return image + much * (fault - image)


@torch.no_grad()
def feature_terms(vgg: VGG16Features, image: Tensor, fault: Tensor, mask: Tensor) -> dict[str, list[float]]:
    "Perceptual and style for each of STEPS, in double precision."
    true, mask, found = image.double() / 255, mask.double(), {"perceptual": [], "style": []}
    truth = vgg(true)
    for much in STEPS:
        output = along(image, fault, much)
        comp = composite(output, true, mask)
        out, comp = zip(*(level.chunk(2) for level in vgg(torch.cat([output, comp]))))
        found["perceptual"].append(perceptual_loss(out, comp, truth).item())
        found["style"].append(style_losses(out, comp, truth).item())
    return found


def data(
    names: Iterable[str] | None = None,  # of the outputs; None: all
) -> dict:
    "Everything that `explore.js` needs for the loss."
    (image, mask, faults), vgg = scene(), VGG16Features("shipped").double()
    text = lambda levels: base64.b64encode(levels.to(torch.uint8).numpy().tobytes()).decode()
    fills = {
        name: {"pixels": text(faults[name])} | feature_terms(vgg, image, faults[name], mask)
        for name in names or faults
    }
    return dict(
        height=SIDE, width=SIDE, steps=STEPS, image=text(image), mask=text(mask), fills=fills,
        weights=asdict(PAPER), fairer=asdict(FAIRER),
    )


def loss_data(folder: Path) -> Path:
    "`loss_data.js` in `folder`, computed again when the code has changed since."
    sources = [Path(__file__), *sorted((ROOT / "pconv_edu/losses").glob("*.py")), ROOT / "pconv_edu/course/loss_lab.py"]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    made, mark = folder / "loss_data.js", folder / "loss_data.state"
    if made.exists() and mark.exists() and mark.read_text() == state: return made
    folder.mkdir(parents=True, exist_ok=True)
    made.write_text(f"globalThis.pconvLossData = {json.dumps(data())};\n", encoding="utf-8")
    mark.write_text(state)
    return made
