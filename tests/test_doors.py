"""One door for pictures, one for masks: the same picture gives the same result to the bit, whatever it comes as.

Wherever pictures come in: `to_tensor`, `save_image`, the data set of a training, fixed pairs, `fit` and its validation,
`evaluate`, `compare`, `inpaint`, `check_images`, the drawing widget, the commands. What has no clear levels is refused
by the name of the item.
"""
import io
import json
import sys
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pconv_edu import decoding
from pconv_edu.baselines import mean_fill
from pconv_edu.checkpoint import latest
from pconv_edu.commands.evaluate import main as evaluate_command
from pconv_edu.commands.inpaint import main as inpaint_command
from pconv_edu.commands.train import main as train_command
from pconv_edu.data import InpaintingDataset
from pconv_edu.decoding import BadImage
from pconv_edu.draw import DrawHole
from pconv_edu.evaluation import compare, evaluate
from pconv_edu.inpainting import inpaint
from pconv_edu.masks import rect_mask, to_mask
from pconv_edu.pairs import FixedPairs, make_pairs
from pconv_edu.phases import Phase
from pconv_edu.pictures import load_image, sample_photos, save_image, to_pil, to_tensor
from pconv_edu.sources import check_images
from pconv_edu.train import fit
from pconv_edu.unet import PConvUNet

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import stress_inputs

SIZE = 48
PHOTO = np.asarray(to_pil(sample_photos("coffee", size=SIZE)["coffee"]))
GREY = PHOTO[..., 1]
ALPHA = np.where(np.arange(SIZE)[:, None] + np.arange(SIZE) < 30, 0, 255).astype(np.uint8)
DEEP = (GREY.astype(np.uint16) << 8) + np.arange(SIZE, dtype=np.uint16)  # levels that 8 bits do not have
STORED = {"RGB": PHOTO, "L": GREY, "RGBA": np.dstack([PHOTO, ALPHA]), "16 bits": DEEP}


def planes(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.copy())[None] if array.ndim == 2 else torch.from_numpy(array.copy()).permute(2, 0, 1)


def in_floats(array: np.ndarray) -> torch.Tensor:
    return planes(array).float() / (65535 if array.dtype == np.uint16 else 255)


def kinds(array: np.ndarray, folder) -> dict:
    "The same picture as anything that one can hand over."
    Image.fromarray(array).save(path := folder / "a.png")
    return {
        "path": path,
        "text": str(path),
        "PIL": Image.fromarray(array),
        "PIL from a file": Image.open(path),
        "array": array,
        "tensor of levels": planes(array),
        "float tensor": in_floats(array),
        "double array": array / np.iinfo(array.dtype).max,
        "item of a data set": {"image": Image.fromarray(array), "label": 3},
    }


class Photos(torch.utils.data.Dataset):
    "A data set whose pictures have gone through a transform, as torchvision's have."
    transforms = "something"

    def __init__(self, item): self.item = item

    def __len__(self): return 1

    def __getitem__(self, i): return self.item, 7


def sources(array: np.ndarray, folder) -> dict:
    "The same picture as anything that holds pictures."
    items = kinds(array, folder)
    (folder / "in").mkdir()
    Image.fromarray(array).save(folder / "in" / "a.png")
    with tarfile.open(folder / "a.tar", "w") as tar: tar.add(folder / "in" / "a.png", "a.png")
    return {
        "folder": folder / "in", "file": folder / "in" / "a.png", "batch": planes(array)[None],
        "tar": folder / "a.tar", "list of tars": [folder / "a.tar"],
        **{f"list of {kind}": [item] for kind, item in items.items()},
        **{f"dict of {kind}": {"a": item} for kind, item in items.items()},
        **{f"data set of {kind}": Photos(item) for kind, item in items.items()},
    }


def over_white(stored: str) -> torch.Tensor:  # [3,H,W]: worked out here, with neither Pillow nor the door
    array = STORED[stored]
    levels = torch.from_numpy(array.astype(np.float64)) / np.iinfo(array.dtype).max
    if array.ndim == 2: levels = levels[..., None].expand(-1, -1, 3)
    if levels.shape[2] == 4: levels = torch.where(levels[..., 3:] > 0, levels[..., :3], 1.)  # alpha is 0 or 1 here
    return levels.permute(2, 0, 1).float()


# the same picture, the same result ------------------------------------------------------------------------------------

@pytest.mark.parametrize("stored", STORED)
def test_to_tensor(tmp_path, stored):
    items = kinds(STORED[stored], tmp_path) | {"open file": io.BytesIO((tmp_path / "a.png").read_bytes())}
    for kind, item in items.items(): assert torch.equal(to_tensor(item), over_white(stored)), kind
    assert torch.equal(load_image(tmp_path / "a.png"), over_white(stored))


@pytest.mark.parametrize("size", [SIZE, 20])
@pytest.mark.parametrize("stored", STORED)
def test_training(tmp_path, stored, size):
    "As large as the crop, and scaled down."
    results = {kind: InpaintingDataset(source, size=size, flip=False, zoom=(1, 1))[0][0]
               for kind, source in sources(STORED[stored], tmp_path).items()}
    for kind, result in results.items(): assert torch.equal(result, results["folder"]), kind
    if size == SIZE: assert torch.equal(results["folder"], over_white(stored))
    else: assert abs(results["folder"].mean() - over_white(stored).mean()) < .01


@pytest.mark.parametrize("stored", ["RGB", "L", "16 bits"])
def test_evaluate(tmp_path, stored):
    scores = {kind: evaluate(mean_fill, source, size=SIZE, per_bin=1, seed=1).rows
              for kind, source in sources(STORED[stored], tmp_path).items()}
    keep = lambda rows: [{key: value for key, value in row.items() if isinstance(value, (int, float))} for row in rows]
    for kind, rows in scores.items(): assert repr(keep(rows)) == repr(keep(scores["folder"])), kind


@pytest.mark.parametrize("stored", ["RGB", "L", "16 bits"])
def test_inpaint(tmp_path, stored):
    def fill(image, mask): return image.flip(3) * .5 + .25
    hole = rect_mask(SIZE, 10, 12, 20, 8)
    results = {kind: to_tensor(inpaint(item, hole, fill)) for kind, item in kinds(STORED[stored], tmp_path).items()}
    white = over_white(stored)
    for kind, result in results.items():
        assert torch.equal(result[:, hole[0] > 0], white[:, hole[0] > 0]), kind
        whole = 65535 if stored == "16 bits" else 255
        if "float" not in kind and "double" not in kind: assert torch.equal(result, results["path"]), kind
        assert (result - results["path"]).abs().max() <= .5 / whole + 1e-6, kind  # floats are not rounded to levels


@pytest.mark.parametrize("stored", STORED)
def test_drawing(tmp_path, stored):
    "The widget shows the same photo, and fills it as `inpaint` does."
    def fill(image, mask): return image.flip(3) * .5 + .25
    hole, shown = rect_mask(SIZE, 10, 12, 20, 8), {}
    for kind, item in kinds(STORED[stored], tmp_path).items():
        drawn = DrawHole(item, fill, mask=hole, layers=[(3, 2, 1)])
        assert torch.equal(to_tensor(drawn.filled), to_tensor(inpaint(item, hole, fill))), kind
        shown[kind] = drawn.photo, drawn.shown
    for kind, pages in shown.items(): assert pages == shown["path"], kind


@pytest.mark.parametrize("stored", ["RGB", "16 bits"])
def test_fixed_pairs(tmp_path, stored):
    "The picture of a table's pair: the whole one, and scaled down."
    for size in (SIZE, 20):
        found = {}
        (place := tmp_path / str(size)).mkdir()
        for kind, source in sources(STORED[stored], place).items():
            pairs = make_pairs(source, size=size, per_bin=1)
            found[kind] = FixedPairs(pairs, source, size=size)[0][0]
        for kind, picture in found.items(): assert torch.equal(picture, found["folder"]), kind
        if size == SIZE: assert torch.equal(found["folder"], over_white(stored))


@pytest.mark.parametrize("stored", ["RGB", "16 bits"])
def test_compare_the_check_before_a_training_and_fit(tmp_path, stored):
    "`compare` scores, `check_images` decodes and `fit` trains on what `evaluate` and the data set got above."
    found = {}
    for kind, source in sources(STORED[stored], tmp_path).items():
        assert check_images(source) == {}, kind
        table = compare({"mean": mean_fill}, source, size=SIZE, per_bin=1, seed=1)["mean"]
        torch.manual_seed(0)
        run = fit(source, out=tmp_path / "runs" / kind, net=PConvUNet(widths=(4, 8)), phases=[Phase("a", 1, 1e-3)],
                  size=16, batch=1, valid=source, valid_pairs=1, save_every=1, vgg=None, draw=False,
                  progress=False, device="cpu")
        score = json.loads((latest(tmp_path / "runs" / kind) / "manifest.json").read_text())["score"]
        found[kind] = [table.mean(0, "psnr")[0], run.history[-1]["loss"], score]
    for kind, numbers in found.items():
        assert all(np.isfinite(numbers)) and numbers == found["folder"], kind


@pytest.mark.parametrize("stored", ["RGB", "16 bits"])
def test_the_command_that_trains(tmp_path, stored):
    "A folder, its file and a tar of it: the same steps."
    sources(STORED[stored], tmp_path)
    losses = {}
    for place in (tmp_path / "in", tmp_path / "in" / "a.png", tmp_path / "a.tar"):
        out = tmp_path / "runs" / place.name
        words = ["--out", out, "--size", 16, "--batch", 2, "--phases", "a:2:1e-3", "--vgg", "random", "--no-draw",
                 "--weights", "style=0,perceptual=0", "--no-progress", "--device", "cpu"]
        assert train_command([str(word) for word in (place, *words)]) == 0
        lines = (out / "log.jsonl").read_text().splitlines()
        losses[place.name] = [json.loads(line)["loss"] for line in lines]
    assert len(losses["in"]) == 2 and all(found == losses["in"] for found in losses.values())


@pytest.mark.parametrize("stored", ["RGB", "16 bits"])
def test_commands(tmp_path, capsys, stored):
    "A file, its folder and a tar of it: the same table and the same filled file."
    array = STORED[stored]
    places = [tmp_path / "in", tmp_path / "in" / "a.png", tmp_path / "a.tar"]
    sources(array, tmp_path)
    save_image(rect_mask(SIZE, 10, 12, 20, 8), tmp_path / "hole.png")
    tables, fills = [], []
    for k, place in enumerate(places):
        assert evaluate_command([str(place), "--net", "mean", "--size", str(SIZE), "--per-bin", "1", "--quiet"]) == 0
        tables.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("(")])  # a line a bin
        out = tmp_path / f"out{k}" / ("a.png" if place.suffix == ".png" else "")
        command = [str(place), "--mask", str(tmp_path / "hole.png"), "--hole", "black", "-o", str(out), "--quiet"]
        assert inpaint_command(command) == 0
        fills += [path.read_bytes() for path in (tmp_path / f"out{k}").rglob("*.png")]
    assert len(tables[0]) == 6 and tables == tables[:1] * 3
    assert len(fills) == 3 and fills == fills[:1] * 3
    filled = np.asarray(Image.open(io.BytesIO(fills[0])))
    kept = rect_mask(SIZE, 10, 12, 20, 8)[0].numpy() > 0
    assert filled.dtype == array.dtype and np.array_equal(filled[kept], array[kept]) and (filled != array).any()


# what has no clear levels is refused ----------------------------------------------------------------------------------

WHITE = in_floats(PHOTO)
WRONG = {
    "int64": planes(PHOTO).long(),
    "int32 array": PHOTO.astype(np.int32),
    "bool": planes(PHOTO) > 99,
    "up to 255": WHITE * 255,
    "[-1,1]": WHITE * 2 - 1,
    "normalised": (WHITE - 0.45) / 0.22,
    "a little above": WHITE + 0.01,
    "NaN": WHITE.where(WHITE < 0.9, torch.nan),
    "inf": WHITE.where(WHITE < 0.9, torch.inf),
    "five channels": torch.rand(5, 8, 8),
    "text": np.array([["a"]]),
    "nothing": None,
    "a list": [[0.1]],
    "another key": {"picture": PHOTO},
    "no pixels": torch.rand(3, 0, 8),
}


@pytest.mark.parametrize("kind", WRONG)
def test_to_tensor_refuses(kind):
    with pytest.raises(BadImage, match="cat 7"): to_tensor(WRONG[kind], name="cat 7")
    with pytest.raises(ValueError): to_tensor(WRONG[kind])


@pytest.mark.parametrize("kind", WRONG)
def test_training_and_evaluation_refuse(kind):
    "One bad item beside good ones; the error names it."
    images = {"good": WHITE, "cat 7": WRONG[kind], "fine": WHITE}
    with pytest.raises(Exception, match="cat 7"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = InpaintingDataset(images, size=16, max_bad=0)
        for n in range(3): data[n]
    with pytest.raises(ValueError, match="cat 7"): evaluate(mean_fill, {"cat 7": WRONG[kind]}, size=16, per_bin=1)
    with pytest.raises(ValueError, match="cat 7"):
        compare({"mean": mean_fill}, {"cat 7": WRONG[kind]}, size=16, per_bin=1)
    assert list(check_images(images)) == ["cat 7"]


@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind not in ("a little above",)])
def test_inpaint_and_the_widget_refuse(kind):
    with pytest.raises((ValueError, TypeError)): inpaint(WRONG[kind], rect_mask(SIZE, 2, 2, 4, 4), mean_fill)
    drawn = DrawHole(PHOTO, mean_fill, layers=[(3, 2, 1)])
    shown, size = drawn.photo, drawn.size
    with pytest.raises((ValueError, TypeError)): drawn.load(WRONG[kind])
    assert (drawn.photo, drawn.size) == (shown, size) and drawn._image is not WRONG[kind]  # nothing has changed
    drawn.load_mask(hole := rect_mask(SIZE, 10, 12, 20, 8))
    assert np.array_equal(drawn.filled, inpaint(PHOTO, hole, mean_fill))


@pytest.mark.parametrize("kind", [kind for kind, item in WRONG.items() if isinstance(item, torch.Tensor)])
def test_saving_refuses(tmp_path, kind):
    with pytest.raises(ValueError): save_image(WRONG[kind], tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float", "double"])
@pytest.mark.parametrize("stored", ["RGB", "L"])
def test_saving_levels(tmp_path, stored, kind):
    array = STORED[stored]
    deep = torch.from_numpy(planes(array).numpy().astype(np.uint16) * 257)
    tensor = {"uint8": planes(array), "uint16": deep, "float": in_floats(array), "double": planes(array).double() / 255}
    save_image(tensor[kind], tmp_path / "a.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), array)
    assert np.array_equal(np.asarray(to_pil(tensor[kind])), array)


def test_what_is_no_tensor_is_not_saved(tmp_path):
    for item in (PHOTO, Image.fromarray(PHOTO), {"image": planes(PHOTO)}):
        with pytest.raises(TypeError, match=f"{type(item).__name__}.*to_tensor"): save_image(item, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_rounding_errors_are_no_fault():
    "Resizing floats may overshoot by one part in ten million."
    assert to_tensor(torch.full((3, 2, 2), 1.0000001)).max() == 1 and to_tensor(torch.full((3, 2, 2), -1e-7)).min() == 0


@pytest.mark.parametrize("entry", ["to_tensor", "data set", "inpaint", "losses", "save_image"])
def test_drawn_trials(entry):
    "Some of the 2,000 of `make stress`: picture, mask and options by chance, the right result worked out beside them."
    counts, wrong = stress_inputs.stress(30, seed=1, only=entry)
    assert not wrong and counts[entry, "right"] >= 3


def test_drawn_trials_find_a_planted_fault(monkeypatch):
    monkeypatch.setitem(decoding.TOPS, torch.uint8, 256)  # levels by a white that is not theirs
    wrong = stress_inputs.stress(40, seed=1, only="to_tensor")[1]
    assert wrong and all("uint8" in line and " off" in line for line in wrong)


# masks ----------------------------------------------------------------------------------------------------------------

SPOT = np.zeros((20, 30), np.uint8)
SPOT[5:10, 5:12] = 255


def mask_pictures() -> dict:
    flat = lambda level: Image.new("L", (30, 20), level)
    spot = Image.fromarray(SPOT)
    return {
        "L": (spot, None),
        "L, black": (Image.fromarray(255 - SPOT), "black"),
        "LA, opaque": (Image.merge("LA", (spot, flat(255))), None),
        "LA, dark and opaque": (Image.merge("LA", (flat(10), flat(255))), None),
        "RGB, green": (Image.merge("RGB", (flat(0), spot, flat(0))), None),
        "RGB, red": (Image.merge("RGB", (spot, flat(0), flat(0))), None),
        "RGBA, white strokes": (Image.merge("RGBA", (flat(255),) * 3 + (spot,)), None),
        "RGBA, black strokes": (Image.merge("RGBA", (flat(0),) * 3 + (spot,)), "black"),
    }


@pytest.mark.parametrize(
    "kind, pixels",
    [
        ("L", 35),
        ("L, black", 35),
        ("LA, opaque", 35),
        ("LA, dark and opaque", 0),
        ("RGB, green", 35),
        ("RGB, red", 0),
        ("RGBA, white strokes", 35),
        ("RGBA, black strokes", 35),
    ],
)
def test_a_mask_means_the_same_as_picture_array_and_tensor(tmp_path, kind, pixels):
    "Worked out by hand: green is brighter than half, red is not; what is clear is not painted."
    picture, hole = mask_pictures()[kind]
    picture.save(tmp_path / "m.png")
    array = np.asarray(picture)
    items = {
        "path": tmp_path / "m.png",
        "PIL": picture,
        "array": array,
        "tensor": planes(array),
        "batch": planes(array)[None],
        "16 bits": array.astype(np.uint16) * 257,
    }
    for name, item in items.items():
        mask = to_mask(item, hole)
        assert mask.shape == (1, 1, 20, 30) and int((mask == 0).sum()) == pixels, name
        if pixels: assert torch.equal(mask[0, 0] == 0, torch.from_numpy(SPOT > 0)), name
