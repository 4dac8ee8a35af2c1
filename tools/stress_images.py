"""Damage picture files in every way and read them: the right tensor or `BadImage`, nothing else.

    python tools/stress_images.py [count=10000] [--seed 0]

Fourteen small pictures (JPEG, PNG, WebP, TIFF, BMP; grey, palette, alpha, 16 bit, CMYK, turned by EXIF) are truncated,
have bits flipped, bytes zeroed, cut out, put in, headers rewritten, are joined with others, renamed. What counts as
right:
- a file whose name alone is wrong, or that only has something behind its end: the undamaged picture;
- a truncated file: the undamaged picture or `BadImage`, never a picture with a grey half;
- a damaged PNG (it carries checksums): the undamaged picture or `BadImage`;
- any other damage: what Pillow itself decodes, from a second, plain reading in this script.
Anything else is kept in a folder, named, and makes the exit status 1.
"""
import argparse
import collections
import contextlib
import io
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from pconv_edu.pictures import SUFFIXES, BadImage, load_image


def base_files() -> dict[str, bytes]:
    "The undamaged files by name; the ending is the true one."
    rng = np.random.default_rng(0)
    rgb = (np.kron(rng.random((6, 8, 3)), np.ones((8, 8, 1))) * 255).astype(np.uint8)  # 48 × 64 patches of colour
    photo, grey = Image.fromarray(rgb), Image.fromarray(rgb[..., 0])
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = photo.copy()
    clear.putalpha(grey)
    deep = Image.fromarray(rgb[..., 1].astype(np.uint16) * 257)
    kinds = {
        "plain.jpg": (photo, {}),
        "progressive.jpg": (photo, {"progressive": True}),
        "grey.jpg": (grey, {}),
        "turned.jpg": (photo, {"exif": turned}),
        "cmyk.jpg": (photo.convert("CMYK"), {}),
        "rgb.png": (photo, {}),
        "palette.png": (photo.quantize(16), {}),
        "alpha.png": (clear, {}),
        "deep.png": (deep, {}),
        "lossy.webp": (photo, {}),
        "lossless.webp": (clear, {"lossless": True}),
        "raw.tif": (photo, {}),
        "deep_lzw.tif": (deep, {"compression": "tiff_lzw"}),
        "plain.bmp": (photo, {}),
    }
    files = {}
    for name, (picture, options) in kinds.items():
        file = io.BytesIO()
        picture.save(file, Image.registered_extensions()[Path(name).suffix], **options)
        files[name] = file.getvalue()
    return files


def flip_bits(data, rng, others):
    for at in rng.integers(0, len(data), rng.integers(1, 9)): data[at] ^= 1 << rng.integers(8)

def zero_run(data, rng, others):
    at = rng.integers(len(data))
    data[at:at + rng.integers(1, 65)] = bytes(min(64, len(data) - at))

def cut_out(data, rng, others):
    at = rng.integers(len(data))
    del data[at:at + rng.integers(1, 129)]

def put_in(data, rng, others):
    at = rng.integers(len(data))
    data[at:at] = rng.bytes(rng.integers(1, 65))

def rewrite_header(data, rng, others):
    for at in rng.integers(0, min(64, len(data)), rng.integers(1, 5)): data[at] = rng.choice([0, 1, 127, 128, 255])

def join_with_another(data, rng, others):
    other = others[rng.integers(len(others))]
    data[rng.integers(len(data)):] = other[rng.integers(len(other)):]

def noise_after_header(data, rng, others):
    start = rng.integers(4, 40)
    data[start:] = rng.bytes(len(data) - start)

def truncate(data, rng, others): del data[rng.integers(len(data)):]
def empty(data, rng, others): data.clear()
def only_noise(data, rng, others): data[:] = rng.bytes(rng.integers(1, 2000))
def append(data, rng, others): data.extend(rng.bytes(rng.integers(1, 200)))
def rename(data, rng, others): "Only the ending is wrong."

DAMAGES = [
    flip_bits, zero_run, cut_out, put_in, rewrite_header, join_with_another, noise_after_header, truncate, empty,
    only_noise, append, rename,
]
HARMLESS, ALL_OR_NOTHING = {"append", "rename"}, {"truncate"}


def plain_reading(data: bytes) -> np.ndarray:  # float [H,W,3] in [0,1]
    "Pillow's own decoding, brought to RGB in another way than `load_image` does it."
    with Image.open(io.BytesIO(data)) as picture:
        if picture.mode.startswith("I"):
            return np.repeat(
                (np.array(ImageOps.exif_transpose(picture)).astype(np.int64) >> 8)[..., None] / 255, 3, axis=2
            )
        rgba = np.array(ImageOps.exif_transpose(picture).convert("RGBA")) / 255
    return rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]


def same(tensor: torch.Tensor, expected: np.ndarray) -> bool:
    got = tensor.permute(1, 2, 0).numpy()
    return got.shape == expected.shape and np.abs(got - expected).max() <= 1.01 / 255  # blending with white rounds


def verdict(path: Path, data: bytes, damage: str, kind: str, clean: np.ndarray) -> tuple[str, str]:
    "('right' | 'refused' | 'WRONG', why)"
    try: tensor = load_image(path)
    except BadImage as error:
        named = error.path == str(path) and error.reason and str(path) in str(error)
        if not named: return "WRONG", f"BadImage without path or reason: {error!r}"
        return (
            ("WRONG", f"refused, though only harmlessly changed: {error}")
            if damage in HARMLESS and kind != "webp"
            else ("refused", "")
        )
    except BaseException as error: return "WRONG", f"{type(error).__name__}: {error}"
    if tensor.dtype != torch.float32 or tensor.ndim != 3 or tensor.shape[0] != 3:
        return "WRONG", f"{tensor.dtype} {list(tensor.shape)}"
    if not torch.isfinite(tensor).all() or tensor.min() < 0 or tensor.max() > 1: return "WRONG", "values outside [0, 1]"
    if same(tensor, clean): return "right", ""
    if damage in HARMLESS | ALL_OR_NOTHING or kind == "png" and damage != "join_with_another":
        return "WRONG", "another picture than the undamaged one"
    try: expected = plain_reading(data)
    except Exception as error: return "WRONG", f"Pillow itself says {type(error).__name__}: {error}"
    return ("right", "") if same(tensor, expected) else ("WRONG", "another picture than Pillow reads")


@contextlib.contextmanager
def quiet():
    "libtiff complains to the process's stderr itself, past Python."
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try: yield
    finally:
        os.dup2(saved, 2)
        os.close(saved), os.close(nowhere)


def stress(count: int, seed: int = 0, keep: Path | None = None) -> tuple[collections.Counter, list[str]]:
    "Read `count` damaged files; counts of (damage, verdict), and a line for each that went wrong."
    files = base_files()
    names, contents = list(files), list(files.values())
    clean = {name: plain_reading(data) for name, data in files.items()}
    counts, wrong = collections.Counter(), []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        for n in range(count):
            rng = np.random.default_rng((seed, n))
            name, damage = names[n % len(names)], DAMAGES[n // len(names) % len(DAMAGES)]
            data = bytearray(files[name])
            damage(data, rng, contents)
            ending = rng.choice(SUFFIXES) if damage is rename else Path(name).suffix
            path = Path(folder, f"{n}{ending}")
            path.write_bytes(data)
            result, why = verdict(path, bytes(data), damage.__name__, name.split(".")[1], clean[name])
            counts[damage.__name__, result] += 1
            if result == "WRONG":
                wrong.append(f"{n} ({name}, {damage.__name__}): {why}")
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{n}_{damage.__name__}_{name}").write_bytes(data)
            path.unlink()
    return counts, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("runs/stress"), help="where files that went wrong are kept")
    args = parser.parse_args()
    start = time.perf_counter()
    counts, wrong = stress(args.count, args.seed, args.keep)
    print(f"{'damage':20}{'right':>8}{'refused':>9}{'WRONG':>7}")
    for damage in DAMAGES:
        print(
            f"{damage.__name__:20}{counts[damage.__name__, 'right']:8}"
            f"{counts[damage.__name__, 'refused']:9}{counts[damage.__name__, 'WRONG']:7}"
        )
    for line in wrong[:20]: print("WRONG", line)
    print(
        f"stress: {args.count - len(wrong)} of {args.count} files as they should be, in "
        f"{time.perf_counter() - start:.0f} s"
        + (f"; the others are in {args.keep}" if wrong else "")
    )
    sys.exit(bool(wrong))


if __name__ == "__main__": main()
