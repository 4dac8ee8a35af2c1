"""Hand over pictures and masks of every kind at every place that takes them: the right result or a named error.

    python tools/stress_inputs.py [count=2000] [--seed 0] [--entry fit]

Each trial draws a kind of picture (PIL of any mode, file, open file, tar member, array and tensor of any dtype and
range, NaN, inf, mapping, odd sizes), a place that takes it, a mask of some kind and polarity, and options. What is
right was worked out beside it, in this script: levels by their maximum, alpha over white, one plane as three. Anything
else, a silent wrong number as well as an error that does not name the item, is told and makes the exit status 1.
"""
import argparse
import collections
import contextlib
import io
import sys
import tarfile
import tempfile
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pconv_edu.commands import inpaint as inpaint_command
from pconv_edu.data import InpaintingDataset, TooManyBadImages
from pconv_edu.evaluation import evaluate
from pconv_edu.files import BadFile
from pconv_edu.inpainting import inpaint
from pconv_edu.losses import LossWeights, composite, hole_loss, valid_loss
from pconv_edu.phases import Phase
from pconv_edu.pictures import load_image, save_image, to_tensor
from pconv_edu.train import fit
from pconv_edu.unet import PConvUNet
from pconv_edu.weights import save_pretrained

SIZES = (1, 1), (1, 7), (5, 3), (16, 16), (24, 24), (17, 33), (40, 24)
NAME = "item 7"
NAMED = (ValueError, TypeError, BadFile, TooManyBadImages)


@dataclass
class Picture:
    item: object               # what is handed over
    truth: np.ndarray | None   # [3,H,W] in [0,1]; None: it must be refused
    kind: str
    near: float = 1e-6         # how far a right result may lie from the truth
    levels: np.ndarray | None = None  # [H,W] or [H,W,C], as stored, where something is stored
    size: tuple[int, int] = (0, 0)
    clear: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # [H,W]: fully transparent
    floats: np.ndarray | None = None  # [H,W,C], where it is floats


# pictures -------------------------------------------------------------------------------------------------------------

def over_white(levels: np.ndarray, top: float) -> np.ndarray:  # [3,H,W]
    "Slow and obvious: one pixel after the other."
    h, w, c = levels.shape
    truth = np.empty((3, h, w))
    for y in range(h):
        for x in range(w):
            values = [float(value) / top for value in levels[y, x]]
            alpha = values.pop() if c in (2, 4) else 1
            for k, value in enumerate(values * 3 if len(values) == 1 else values):
                truth[k, y, x] = value * alpha + 1 - alpha
    return truth


def colors(rng, size, channels: int, top: int, soft: bool) -> np.ndarray:  # whole numbers [H,W,C]
    levels = rng.integers(0, top + 1, (*size, channels))
    if channels in (2, 4) and not soft: levels[..., -1] = np.where(rng.random(size) < .3, 0, top)
    return levels


def in_range(values: np.ndarray) -> bool: return bool(np.all((values >= -1e-5) & (values <= 1 + 1e-5)))  # NaN is not


def numbers(rng, size) -> Picture:
    "An array or a tensor of some dtype, range and number of channels."
    channels, tensor, soft = int(rng.choice([0, 1, 2, 3, 3, 3, 4])), rng.random() < .5, rng.random() < .3
    dtype = str(rng.choice(["uint8", "uint8", "uint16", "float32", "float32", "float64", "float16", "bfloat16", "int64",
                            "int32", "int16", "bool", "complex64"]))
    if dtype == "bfloat16": tensor = True
    top = {"uint16": 65535}.get(dtype, 255)
    levels = colors(rng, size, max(channels, 1), top, soft)
    kind, right = f"{dtype}, {channels} channels", dtype in ("uint8", "uint16") or "float" in dtype
    values = torch.from_numpy(levels / 255) if "float" in dtype else torch.from_numpy(levels)
    if "float" in dtype:
        way = str(rng.choice(["right", "right", "fine", "255", "[-1,1]", "normalised", "nan", "inf", "-inf"]))
        kind += f", {way}"
        if way == "fine": values = torch.from_numpy(np.where(levels == top, 1, levels / 255 * .9 + rng.random() * .1))
        if way == "255": values = values * 255
        if way == "[-1,1]": values = values * 2 - 1
        if way == "normalised": values = (values - .45) / .22
        values = values.to(getattr(torch, dtype))
        if way in ("nan", "inf", "-inf"): values.view(-1)[rng.integers(values.numel())] = float(way)
        right = in_range(values.double().numpy())
    elif dtype == "complex64": values = values.to(torch.complex64)
    elif dtype == "bool": values = values > 99
    else: values = values.to(getattr(torch, dtype))
    plain = values.double().numpy() if dtype != "complex64" else None
    truth = over_white(plain, top if "float" not in dtype else 1) if right else None
    if channels == 0: values = values[..., 0]
    item = values.permute(2, 0, 1).contiguous() if tensor and channels else values
    if not tensor: item = values.numpy()
    blended = channels in (2, 4) and (soft or ", fine" in kind)  # in whole levels
    clear = levels[..., -1] == 0 if channels in (2, 4) else np.zeros(size, bool)
    if right and channels in (2, 4): clear = plain[..., -1] == 0
    return Picture(item, truth, f"{'tensor' if tensor else 'array'} of {kind}", 1.01 / 255 if blended else 1e-6,
                   levels, size, clear, plain if "float" in dtype else None)


def wrong_things(rng, size) -> Picture:
    "What is not a picture."
    h, w = size
    item, kind = [
        (None, "None"), ([[.1]], "list"), (7, "a number"), (torch.rand(5, h, w), "5 channels"), (b"", "bytes"),
        (np.zeros((h, 0, 3), np.uint8), "no pixels"), (torch.rand(h), "one dimension"), (object(), "object"),
        (np.array([["a"] * w] * h), "text"), (torch.zeros(1, 2, 3, h, w), "five dimensions"),
    ][rng.integers(10)]
    return Picture(item, None, kind, size=size)


MODES = "L", "RGB", "RGB", "RGBA", "LA", "1", "P", "I;16", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "PA"

def pil(rng, size) -> Picture:
    "A PIL picture of some mode."
    mode, soft = str(rng.choice(MODES)), rng.random() < .3
    channels = {"RGB": 3, "RGBA": 4, "LA": 2}.get(mode, 1)
    top = 65535 if mode == "I;16" else 255
    levels = colors(rng, size, channels, top, soft)
    whole, clear, near = levels.astype(np.uint16 if top > 255 else np.uint8), np.zeros(size, bool), 1e-6
    if channels in (2, 4): clear, near = levels[..., -1] == 0, 1.01 / 255 if soft else 1e-6
    if mode in ("L", "RGB", "RGBA", "LA", "I;16"):
        picture = Image.fromarray(whole[..., 0] if channels == 1 else whole)
        return Picture(picture, over_white(levels, top), f"PIL {mode}", near, whole, size, clear)
    rgb = colors(rng, size, 3, 255, False).astype(np.uint8)
    if mode == "1":
        levels = (levels > 127) * 255
        return Picture(Image.fromarray(levels[..., 0].astype(np.uint8)).convert("1"), over_white(levels, 255), "PIL 1",
                       size=size, clear=clear)
    if mode in ("P", "PA"):
        palette, index = rng.integers(0, 256, (16, 3)), rng.integers(0, 16, size)
        picture = Image.fromarray(index.astype(np.uint8), "P")
        picture.putpalette(palette.astype(np.uint8).tobytes())
        return Picture(picture.convert("PA") if mode == "PA" else picture, over_white(palette[index], 255),
                       f"PIL {mode}", size=size, clear=clear)
    if mode in ("I", "F"):
        return Picture(Image.fromarray(levels[..., 0].astype(np.int32 if mode == "I" else np.float32)), None,
                       f"PIL {mode}", size=size)
    if mode == "LAB":
        picture = Image.merge("LAB", [Image.fromarray(rgb[..., k]) for k in range(3)])
    else: picture = Image.fromarray(rgb).convert(mode)
    try: truth = np.asarray(picture.convert("RGB")).transpose(2, 0, 1) / 255  # Pillow's own table of these colours
    except ValueError: truth = None
    return Picture(picture, truth, f"PIL {mode}", 1.01 / 255, size=size, clear=clear)


ENDINGS = {"L": "png tif bmp", "RGB": "png tif bmp webp", "RGBA": "png tif webp", "LA": "png", "1": "png tif bmp",
           "P": "png tif bmp", "I;16": "png tif", "CMYK": "tif"}

def stored(rng, picture: Picture, folder: Path) -> Picture:
    "The same picture as a file: its path, as text, an open file, a member of a tar; or inside a mapping or a tuple."
    mode = getattr(picture.item, "mode", None)
    ways = ["as it is", "as it is", "mapping"]
    if mode in ENDINGS: ways = ["as it is", "mapping", "path", "text", "open file", "PIL from a file", "tar"]
    way = str(rng.choice(ways))
    kind = f"{picture.kind}, {way}"
    if way == "as it is": return picture
    if way == "mapping":
        return replace(picture, item={"image": picture.item, "label": 3}, kind=kind)
    ending = str(rng.choice(ENDINGS[mode].split()))
    path = folder / f"{NAME}.{ending}"
    picture.item.save(path, **({"lossless": True, "exact": True} if ending == "webp" else {}))
    item = {"path": path, "text": str(path), "tar": folder / "a.tar"}.get(way)
    if way == "open file": item = io.BytesIO(path.read_bytes())
    if way == "PIL from a file": item = Image.open(path)
    if way == "tar":
        with tarfile.open(item, "w") as tar: tar.add(path, f"{NAME}.{ending}")
    return replace(picture, item=item, kind=f"{kind} ({ending})")


def draw_picture(rng, folder: Path) -> Picture:
    size, lot = SIZES[rng.integers(len(SIZES))], rng.random()
    if lot < .06: return wrong_things(rng, size)
    return stored(rng, (numbers if lot < .55 else pil)(rng, size), folder)


# masks ----------------------------------------------------------------------------------------------------------------

def draw_mask(rng, size, folder: Path):  # the mask, `hole` for it, where it is hole [H,W] or None: refused; its kind
    spot = rng.random(size) < rng.choice([.1, .4, .4, .8])
    if rng.random() < .05: spot[:] = True
    white = (spot * 255).astype(np.uint8)
    kind = str(rng.choice([
        "float tensor", "float array", "uint8 array", "uint16 array", "uint8 tensor", "PIL L", "PIL 1", "PIL RGB",
        "path", "bool", "black PIL", "black uint8", "black path", "black bool", "white float", "0/1 uint8", "int64",
        "NaN", "255 floats", "another size", "bare bool",
    ]))
    planes, hole = torch.from_numpy(white), None
    if "black" in kind: white, hole = 255 - white, "black"
    values = {
        "float tensor": 1 - planes[None].float() / 255, "float array": 1 - spot.astype(float), "uint8 array": white,
        "uint16 array": white.astype(np.uint16) * 257, "uint8 tensor": planes[None], "PIL L": Image.fromarray(white),
        "PIL 1": Image.fromarray(white).convert("1"), "PIL RGB": Image.fromarray(white).convert("RGB"),
        "bool": spot, "black PIL": Image.fromarray(white), "black uint8": white, "black bool": ~spot,
        "white float": planes.float() / 255, "0/1 uint8": spot.astype(np.uint8), "int64": spot.astype(np.int64),
        "NaN": np.where(spot, np.nan, 1.), "255 floats": white.astype(np.float32), "bare bool": spot,
        "another size": np.zeros((size[0] + 1, size[1]), np.uint8),
    }
    if "path" in kind:
        mask = folder / "mask.png"
        Image.fromarray(white).save(mask)
    else: mask = values[kind]
    if kind in ("bool", "white float"): hole = "white"
    refused = kind in ("int64", "another size", "bare bool")
    refused |= kind in ("0/1 uint8", "NaN", "255 floats") and bool(spot.any())
    return mask, hole, None if refused else spot, kind


# places that take pictures: each returns a fault, or nothing ----------------------------------------------------------

def far(found: Tensor | np.ndarray, truth: np.ndarray, near: float) -> str | None:
    found = np.asarray(found, np.float64)
    if found.shape != truth.shape: return f"shape {found.shape} for {truth.shape}"
    off = np.abs(found - truth).max()
    return None if off <= near else f"{off:.3g} off"  # NaN is off, too


def one_tensor(picture: Picture, rng, folder):
    if picture.kind.endswith(")") and "tar" in picture.kind: return Skip
    if "open file" not in picture.kind and isinstance(picture.item, (str, Path)) and rng.random() < .3:
        return far(load_image(picture.item), picture.truth, picture.near)
    return far(to_tensor(picture.item, NAME), picture.truth, picture.near)


def images_of(picture: Picture, rng):
    "The item in something that holds pictures."
    if "tar" in picture.kind: return picture.item
    if "open file" in picture.kind: return Skip  # may be read once only
    if isinstance(picture.item, (str, Path)) and rng.random() < .5: return [picture.item]
    return {NAME: (picture.item, 7) if rng.random() < .2 else picture.item}


def training_sample(picture: Picture, rng, folder):
    "A crop as wide as the shorter side: some square of the picture, unchanged."
    if (images := images_of(picture, rng)) is Skip: return Skip
    side = min(picture.size)
    data = InpaintingDataset(images, masks=[torch.ones(1, side, side)], size=side, flip=False, max_bad=0,
                             crop=str(rng.choice(["random", "centre"])), seed=int(rng.integers(99)))
    found, truth = data[int(rng.integers(3))][0], picture.truth
    squares = [truth[:, y:y + side, x:x + side] for y in range(truth.shape[1] - side + 1)
               for x in range(truth.shape[2] - side + 1)]
    faults = [far(found, square, picture.near) for square in squares]
    return None if None in faults else f"no square of the picture: {faults[0]}"


def grey(image, mask): return torch.full_like(image, .5)


def score(picture: Picture, rng, folder):
    if picture.size[0] != picture.size[1] or picture.size[0] < 16: return Skip
    if (images := images_of(picture, rng)) is Skip: return Skip
    options = dict(size=picture.size[0], per_bin=1, seed=int(rng.integers(9)), batch=int(rng.integers(1, 4)))
    found = evaluate(grey, images, **options).rows
    if picture.truth is None: return "scored"
    right = evaluate(grey, {NAME: torch.from_numpy(picture.truth).float()}, **options).rows
    for a, b in zip(found, right, strict=True):
        for key in ("l1", "psnr", "ssim"):
            near = max(2e-4, 60 * picture.near) * max(1, abs(b[key]))
            if not abs(a[key] - b[key]) <= near: return f"{key}: {a[key]} for {b[key]}"


def one_step(images, out, rng_options):
    torch.manual_seed(0)
    return fit(images, out=out, net=PConvUNet(widths=(4, 8)), phases=(Phase("a", 1, 2e-4),), size=16, batch=1, vgg=None,
               weights=LossWeights(perceptual=0, style=0), draw=False, progress=False, device="cpu", **rng_options)


def training(picture: Picture, rng, folder):
    if min(picture.size) < 16 or (images := images_of(picture, rng)) is Skip: return Skip
    options = dict(seed=int(rng.integers(9)), precision=str(rng.choice(["float32", "float32", "bfloat16"])))
    if rng.random() < .3: options["dry_run"] = True
    found = one_step(images, folder / "a", options)
    if picture.truth is None: return "trained"
    if options.get("dry_run"): return None if found["pictures"] == 1 else f"{found['pictures']} pictures"
    right = one_step({NAME: torch.from_numpy(picture.truth).float()}, folder / "b", options)
    a, b = found.history[0], right.history[0]
    near = max(1e-4, 40 * picture.near) if options["precision"] == "float32" else .05
    if not abs(a["loss"] - b["loss"]) <= near * abs(b["loss"]): return f"loss {a['loss']} for {b['loss']}"


def saving(picture: Picture, rng, folder):
    item = picture.item
    if not isinstance(item, Tensor): return Skip
    if item.ndim != 3 or item.shape[0] not in (1, 3): picture.truth = None
    save_image(item, folder / "saved.png")
    if picture.truth is None: return "saved"
    pixels = np.asarray(Image.open(folder / "saved.png").convert("RGB"))
    return far(pixels.transpose(2, 0, 1) / 255, np.round(picture.truth * 255) / 255, 1.01 / 255 if item.dtype in (
        torch.float16, torch.bfloat16, torch.uint16) else 1e-6)


def losses(picture: Picture, rng, folder):
    "The hole of the picture may hold anything; the mask must be floats of 0 and 1."
    if picture.truth is None: return Skip
    truth, spot = picture.truth, rng.random(picture.size) < .4
    image = torch.from_numpy(truth).float()[None]
    junk = float(rng.choice([np.nan, np.inf, -np.inf, .3]))
    image[0, :, torch.from_numpy(spot)] = junk
    output, mask = torch.full_like(image, .25), 1 - torch.from_numpy(spot)[None, None].float()
    n, known = truth.size, np.broadcast_to(~spot, truth.shape)
    held = truth.astype(np.float32).astype(np.float64)
    if far(composite(output, image, mask)[0], np.where(known, held, .25), 1e-6): return "composite"
    right = np.abs(held - .25)[known].sum() / n
    if not abs(float(valid_loss(output, image, mask)) - right) <= 1e-5: return "valid_loss"
    right = spot.sum() * 3 * abs((junk if np.isfinite(junk) else 0) - .25) / n
    if not abs(float(hole_loss(output, image, mask)) - right) <= 1e-5: return "hole_loss"


def filling(picture: Picture, rng, folder):
    "Valid pixels and alpha stay to the bit, the hole becomes what the network says, and it has seen the right picture."
    if "tar" in picture.kind: return Skip
    mask, hole, spot, kind = draw_mask(rng, picture.size, folder)
    picture.kind += f" + mask: {kind}"
    if picture.floats is not None and spot is not None: forget_hole(picture, spot)
    nothing_seen = spot is not None and picture.clear.size and bool((spot | picture.clear).all())
    if spot is None or nothing_seen or spot.all(): picture.truth = None
    seen = []
    def net(image, mask):
        seen.append((image.clone(), mask.clone()))
        return torch.full_like(image, .25)
    held = np.array(picture.item) if isinstance(picture.item, (np.ndarray, Image.Image)) else None
    found = inpaint(picture.item, mask, net, hole=hole)
    if picture.truth is None: return "filled"
    if isinstance(picture.item, dict):
        if found["label"] != 3: return "the rest of the mapping is lost"
        found, original = found["image"], picture.item["image"]
    else: original = picture.item
    if held is not None and not np.array_equal(held, np.array(picture.item), equal_nan=held.dtype.kind == "f"):
        return "the picture that was handed over was changed"
    if spot.any():
        image, known = seen[0]
        opaque = ~(spot | picture.clear) if picture.clear.size else ~spot
        if image.shape[-2:] == spot.shape:
            if not np.array_equal(known[0, 0].numpy() > 0, opaque): return "the network saw another mask"
            if picture.near < .001:
                fault = far(image[0].numpy()[:, opaque], picture.truth[:, opaque], picture.near)
                if fault: return f"the network saw another picture: {fault}"
    return filled(found, original, picture, spot)


def forget_hole(picture: Picture, spot: np.ndarray):
    "What is in the hole does not count, not even NaN; transparency does."
    values = picture.floats.copy()
    count = values.shape[2] - (values.shape[2] in (2, 4))
    values[spot, :count] = 0
    picture.truth = over_white(values, 1) if in_range(values) else None
    if count < values.shape[2]: picture.clear = values[..., -1] == 0


def filled(found, original, picture: Picture, spot: np.ndarray) -> str | None:
    if isinstance(original, (np.ndarray, Tensor)):
        if type(found) is not type(original) or found.dtype != original.dtype or found.shape != original.shape:
            return f"came back as {type(found).__name__} {getattr(found, 'dtype', '')}"
        top = {"uint8": 255, "uint16": 65535}.get(str(original.dtype).replace("torch.", ""))
        tensor = isinstance(original, Tensor)
        as_array = lambda t: np.atleast_3d(t.double().numpy() if not tensor else (
            t.double().permute(1, 2, 0) if t.ndim == 3 else t.double()).numpy())
        a, b = (as_array(t if tensor else torch.from_numpy(t.astype(np.float64))) for t in (found, original))
    else:
        if picture.levels is None:  # another mode comes back
            a, b = (np.asarray(p.convert("RGB")).astype(np.float64) for p in (found, picture.pil()))
            top = 255
        else:
            a, b = np.atleast_3d(np.asarray(found)).astype(np.float64), np.atleast_3d(picture.levels).astype(np.float64)
            top = 65535 if picture.levels.dtype == np.uint16 else 255
    if a.shape != b.shape: return f"shape {a.shape} for {b.shape}"
    count = a.shape[2] - (a.shape[2] in (2, 4))
    if not np.array_equal(a[~spot], b[~spot]): return "a valid pixel was changed"
    if not np.array_equal(a[..., count:], b[..., count:]): return "the alpha was changed"
    want = round(.25 * top) if top else .25
    return None if not spot.any() or np.abs(a[spot][:, :count] - want).max() <= (1e-2 if top is None else 0) else (
        f"the fill is {a[spot][:, :count].ravel()[:3]} for {want}")


def as_read(picture: Picture) -> Image.Image:
    "The PIL picture itself, from wherever it is."
    item = picture.item["image"] if isinstance(picture.item, dict) else picture.item
    if isinstance(item, Image.Image): return item
    return Image.open(item)

Picture.pil = as_read


def command(picture: Picture, rng, folder):
    "pconv_inpaint: exit 0 and the right file, or 1 or 2 and the file's name."
    if not isinstance(picture.item, (str, Path)) or "tar" in picture.kind: return Skip
    mask, hole, spot, kind = draw_mask(rng, picture.size, folder)
    if not isinstance(mask, Path): return Skip
    picture.kind += f" + mask: {kind}"
    if hole is None and rng.random() < .5: hole = "white"
    net = folder / "net.safetensors"
    torch.manual_seed(0)
    save_pretrained(PConvUNet(widths=(4, 8)), net)
    out, said = folder / "out.png", io.StringIO()
    words = [str(picture.item), "--mask", str(mask), "-o", str(out), "--net", str(net), "--device", "cpu"]
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        status = inpaint_command.main([*words, *(["--hole", hole] if hole else [])])
    unsaid = hole is None and spot.mean() > .65  # most of it would be hole: it must be said that this is meant
    if unsaid: return None if status == 2 and "--hole" in said.getvalue() else f"exit {status} for unsaid polarity"
    impossible = picture.truth is None or not spot.any() or bool((spot | picture.clear).all())
    if impossible: return None if status in (1, 2) and "Traceback" not in said.getvalue() else f"exit {status}"
    if status != 0: return f"exit {status}: {said.getvalue()[-200:]}"
    with Image.open(out) as filled, Image.open(picture.item) as own:
        if picture.levels is not None: pixels, before = np.asarray(filled), picture.levels
        else: pixels, before = (np.asarray(each.convert("RGB")) for each in (filled, own))
    pixels, before = np.atleast_3d(pixels), np.atleast_3d(before)
    if pixels.shape != before.shape: return f"shape {pixels.shape} for {before.shape}"
    return None if np.array_equal(pixels[~spot], before[~spot]) else "a valid pixel was changed"


class Skip: "This place does not take such an item."

ENTRIES = {
    "to_tensor": one_tensor, "data set": training_sample, "evaluate": score, "fit": training, "save_image": saving,
    "losses": losses, "inpaint": filling, "command": command,
}
SHARES = dict(zip(ENTRIES, (.2, .2, .12, .08, .07, .08, .2, .05)))
UNNAMED = "inpaint", "save_image"  # they are given one picture, without a name


# trials ---------------------------------------------------------------------------------------------------------------

def trial(n: int, seed: int, only: str | None, folder: Path) -> tuple[str, str, str]:
    "(entry, 'right' | 'refused' | 'WRONG', what)"
    rng = np.random.default_rng((seed, n))
    entry = only or str(rng.choice(list(ENTRIES), p=list(SHARES.values())))
    while True:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            picture = draw_picture(rng, Path(place))
            try:
                with contextlib.redirect_stdout(io.StringIO()): fault = ENTRIES[entry](picture, rng, Path(place))
            except NAMED as error:
                if picture.truth is not None: fault = f"refused: {type(error).__name__}: {error}"
                elif not str(error): fault = f"{type(error).__name__} without a word"
                elif entry not in UNNAMED and NAME not in str(error): fault = f"an error without the name: {error}"
                else: return entry, "refused", picture.kind
            except Exception as error: fault = f"{type(error).__name__}: {error}"
            else:
                if fault is Skip: continue
                if fault is None and picture.truth is None and entry != "command":
                    fault = "taken without a word"
        return entry, "WRONG" if fault else "right", f"{picture.kind}, {picture.size}: {fault}"


def stress(count: int, seed: int = 0, only: str | None = None) -> tuple[collections.Counter, list[str]]:
    "Counts of (entry, verdict), and a line for each trial that went wrong."
    counts, wrong = collections.Counter(), []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(count):
            entry, verdict, what = trial(n, seed, only, Path(folder))
            counts[entry, verdict] += 1
            if verdict == "WRONG": wrong.append(f"{n} {entry}: {what}")
    return counts, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--entry", choices=ENTRIES, help="this place only")
    args = parser.parse_args()
    torch.set_num_threads(1)
    start = time.perf_counter()
    counts, wrong = stress(args.count, args.seed, args.entry)
    print(f"{'place':12}{'right':>8}{'refused':>9}{'WRONG':>7}")
    for entry in ENTRIES: print(f"{entry:12}" + "".join(f"{counts[entry, v]:{w}}" for v, w in (
        ("right", 8), ("refused", 9), ("WRONG", 7))))
    for line in wrong[:40]: print("WRONG", line)
    print(f"stress: {args.count - len(wrong)} of {args.count} inputs gave the right result or a named error, in "
          f"{time.perf_counter() - start:.0f} s")
    sys.exit(bool(wrong))


if __name__ == "__main__": main()
