"""The commands on real files: right ones, wrong ones, half-done ones; exit codes 0, 1, 2 and 130."""
import configparser
import errno
import importlib
import io
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import unicodedata
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import binary_dilation

import pconv_edu
from pconv_edu import decoding, pictures
from pconv_edu.commands import Stop, in_all, share
from pconv_edu.commands import evaluate as evaluate_command
from pconv_edu.commands import inpaint as inpaint_command
from pconv_edu.commands import masks as masks_command
from pconv_edu.inpainting import inpaint
from pconv_edu.masks import RATIO_BINS, MaskFolder, hole_ratio
from pconv_edu.unet import PConvUNet
from pconv_edu.weights import load_pretrained, save_pretrained

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data_samples"
NAMES = ("inpaint", "masks", "evaluate")
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    return save_pretrained(PConvUNet(widths=(4, 8, 8)), tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def place(tmp_path, monkeypatch):
    "A working folder with photos/ and masks/: odd sizes, folders in folders, grey and transparent ones."
    for variable in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR"): monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    for name, mode, size in (
        ("cat.png", "RGB", (37, 21)),
        ("trip/sea.png", "RGBA", (64, 48)),
        ("trip/sky.png", "L", (51, 30)),
    ):
        for folder in ("photos", "masks"): (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (*size[::-1], 4), dtype=np.uint8)).convert(mode).save(
            tmp_path / "photos" / name
        )
        mask_file(tmp_path / "masks" / name, size)
    return tmp_path


def mask_file(path, size, hole=255):
    levels = np.full(size[::-1], 255 - hole, np.uint8)
    levels[5:12, 8:20] = hole
    Image.fromarray(levels).save(path)


def fill(weights, *words, quiet=True):
    return inpaint_command.main([*map(str, words), "--net", str(weights), "--device", "cpu", *["--quiet"] * quiet])


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


# one photo

def test_one_photo(place, weights, capsys):
    assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", "new/out.png", quiet=False) == 0
    photo, mask, out = (np.array(Image.open(p)) for p in ("photos/cat.png", "masks/cat.png", "new/out.png"))
    assert np.array_equal(photo[mask == 0], out[mask == 0]) and not np.array_equal(photo, out)
    assert np.array_equal(out, np.array(inpaint("photos/cat.png", "masks/cat.png", load_pretrained(weights))))
    assert "new/out.png: filled in" in capsys.readouterr().out and files("new") == ["out.png"]


def test_a_second_run_does_not_touch_what_is_there(place, weights, capsys):
    words = "photos/cat.png", "--mask", "masks/cat.png", "-o", "out.png"
    (place / "out.png").write_bytes(b"somebody's work")
    assert (
        fill(weights, *words) == 2
        and (place / "out.png").read_bytes() == b"somebody's work"
        and "--overwrite" in capsys.readouterr().err
    )
    assert fill(weights, *words, "--overwrite") == 0 and Image.open("out.png").size == (37, 21)


def test_the_input_is_never_overwritten(place, weights, capsys):
    for name in ("photos/cat.png", "masks/cat.png"):
        before = (place / name).read_bytes()
        assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", f"photos/../{name}", "--overwrite") == 2
        assert (place / name).read_bytes() == before and "input itself" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["jpg", "webp", "tif", "bmp"])
def test_other_endings_and_the_colour_profile(place, weights, ending, capsys):
    Image.open("photos/cat.png").save("photos/cat.png", icc_profile=b"a profile")
    assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", f"out.{ending}") == 0
    photo, mask, out = Image.open("photos/cat.png"), np.array(Image.open("masks/cat.png")), Image.open(f"out.{ending}")
    if ending != "bmp": assert out.info["icc_profile"] == b"a profile"
    if ending == "jpg": assert "as .png the pixels outside the hole stay" in capsys.readouterr().err
    else: assert np.array_equal(np.array(photo)[mask == 0], np.array(out.convert("RGB"))[mask == 0])


@pytest.mark.parametrize(
    "words, error",
    [
        (
            ["photos/none.png", "--mask", "masks/cat.png", "-o", "o.png"],
            "there is no photo or folder 'photos/none.png'",
        ),
        (["photos/cat.png", "--mask", "masks/none.png", "-o", "o.png"], "masks/none.png: there is no such file"),
        (["photos/cat.png", "--mask", "masks/trip/sea.png", "-o", "o.png"], "37 × 21"),
        (["photos/cat.png", "--mask", "masks", "-o", "o.png"], "holds many masks, and"),
        (
            ["photos/cat.png", "--mask", "masks/cat.png", "-o", "photos"],
            "is a folder; give the output's name, such as photos/cat.png",
        ),
        (["photos/cat.png", "--mask", "masks/cat.png", "-o", "o.gif"], "its ending must be one of"),
        (
            ["photos/trip/sea.png", "--mask", "masks/trip/sea.png", "-o", "o.jpg"],
            "has transparency, which a .jpg cannot hold",
        ),
        (
            ["photos/trip/sea.png", "--mask", "masks/trip/sea.png", "-o", "o.bmp"],
            "which a .bmp cannot hold; write .png",
        ),
        (["photos/cat.png", "--mask", "masks/cat.png", "-o", "photos/cat.png/o.png"], "photos/cat.png"),
        (["photos/cat.png", "--mask", "masks/cat.png", "-o", "o.png", "--window", "64"], "overlap 128"),
        (
            ["photos/cat.png", "--mask", "masks/cat.png", "-o", "o.png", "--device", "cuda:77"],
            "'cuda:77' cannot be used",
        ),
        (["photos/cat.png", "--mask", "masks/cat.png", "-o", "o.png", "--net", "no such net"], "shipped networks"),
        (["photos/cat.png", "--mask", "masks/cat.png"], "required: -o"),
        (["--wrong"], "required"),
    ],
)
def test_bad_input_is_one_line_and_2(place, weights, words, error, capsys):
    words = words if "--device" in words else [*words, "--device", "cpu"]
    assert inpaint_command.main(["--net", str(weights), *words]) == 2
    said = capsys.readouterr().err
    assert error in said and "Traceback" not in said and not (place / "o.png").exists() and not list(place.glob(".*"))


@pytest.mark.parametrize("name", ["empty.jpg", "text.jpg", "truncated.jpg", "bomb.png"])
def test_damaged_photos_are_named(place, weights, name, capsys):
    assert fill(weights, SAMPLES / "odd" / name, "--mask", "masks/cat.png", "-o", "o.png") == 2
    assert name in capsys.readouterr().err


def test_odd_photos_are_filled(place, weights):
    "Turned by EXIF, grey of 16 bits, a palette, transparent: each with a mask of its upright size."
    for name in ("turned.JPG", "deep.png", "palette.png", "clear.webp"):
        upright = inpaint(
            SAMPLES / "odd" / name,
            Image.new("L", Image.open(SAMPLES / "odd" / name).size[:: -1 if name == "turned.JPG" else 1]),
            lambda image, mask: image,
        )
        mask_file("mask.png", upright.size)
        assert fill(weights, SAMPLES / "odd" / name, "--mask", "mask.png", "-o", f"{name}.png") == 0
        out, mask = Image.open(f"{name}.png"), np.array(Image.open("mask.png"))
        assert out.mode == upright.mode and np.array_equal(np.array(out)[mask == 0], np.array(upright)[mask == 0])


def test_the_wrong_polarity_is_refused_unless_it_is_meant(place, weights, capsys):
    """Polarity mixed up: the whole photo would be invented from what was to be removed."""
    mask_file("black.png", (37, 21), hole=0)
    words = "photos/cat.png", "--mask", "black.png", "-o", "o.png"
    assert fill(weights, *words) == 2
    assert "89% of 'black.png' is white" in (said := capsys.readouterr().err) and "--hole black" in said
    assert fill(weights, *words, "--hole", "black") == 0
    assert (
        fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", "same.png") == 0
        and (place / "same.png").read_bytes() == (place / "o.png").read_bytes()
    )
    capsys.readouterr()
    assert (
        fill(weights, *words, "--hole", "white", "--overwrite") == 0
        and "warning: white marks the hole, and 89% of 'black.png' is white" in capsys.readouterr().err
    )


# folders

def test_two_folders(place, weights, capsys):
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 0
    assert (
        files("out") == ["cat.png", "trip/sea.png", "trip/sky.png"]
        and "out: 3 filled, 0 were there already, 0 failed" in capsys.readouterr().out
    )
    for name in files("out"):
        photo, mask, out = (np.array(Image.open(Path(folder, name))) for folder in ("photos", "masks", "out"))
        assert photo.shape == out.shape and np.array_equal(photo[mask == 0], out[mask == 0])


def test_what_fails_is_named_and_the_rest_goes_on(place, weights, capsys):
    """One damaged file ends the run elsewhere, without its name."""
    shutil.copy(SAMPLES / "odd" / "truncated.jpg", place / "photos" / "cut.jpg")
    mask_file("masks/cut.png", (37, 21))
    shutil.copy("photos/cat.png", "photos/maskless.png")
    shutil.copy("photos/cat.png", "photos/other_size.png"), mask_file("masks/other_size.png", (36, 21))
    (
        shutil.copy("photos/cat.png", "photos/two.png"),
        mask_file("masks/two.png", (37, 21)),
        mask_file("masks/two.bmp", (37, 21)),
    )
    shutil.copy("photos/cat.png", "photos/broken_mask.png"), (place / "masks/broken_mask.png").write_bytes(b"")
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 1
    said, told = capsys.readouterr()
    assert "3 filled, 0 were there already, 5 failed" in said and files("out") == [
        "cat.png",
        "trip/sea.png",
        "trip/sky.png",
    ]
    lines = sorted(line for line in told.splitlines() if line.startswith("failed: "))
    for line, words in zip(
        lines,
        [
            ("broken_mask.png", "masks/broken_mask.png"),
            ("cut.jpg", "photos/cut.jpg"),
            ("maskless.png", "no mask of that name"),
            ("other_size.png", "36 × 21"),
            ("two.png", "masks/two.bmp or masks/two.png"),
        ],
        strict=True,
    ):
        assert all(word in line for word in words), (line, words)


def test_it_goes_on_where_it_stopped(place, weights, capsys, monkeypatch):
    monkeypatch.setattr(inpaint_command, "inpaint", stopping := Stopping(inpaint, after=1))
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 130
    assert "resume" in capsys.readouterr().err and files("out") == ["cat.png"]
    first = (place / "out/cat.png").stat().st_mtime_ns
    (place / "out/trip").mkdir(exist_ok=True)
    (place / "out/trip/sea.png").write_bytes(
        (place / "out/cat.png").read_bytes()[:300]
    )  # half a file of another program
    stopping.after = 99
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 0
    assert (
        "2 filled, 1 were there already" in capsys.readouterr().out
        and (place / "out/cat.png").stat().st_mtime_ns == first
    )
    assert Image.open("out/trip/sea.png").size == (64, 48)
    assert (
        fill(weights, "photos", "--mask", "masks", "-o", "out", "--overwrite") == 0
        and "3 filled" in capsys.readouterr().out
    )


class Stopping:
    "A function that Ctrl-C stops after some calls."
    def __init__(self, function, after): self.function, self.after, self.calls = function, after, 0
    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls > self.after: raise KeyboardInterrupt
        return self.function(*args, **kwargs)


def test_one_mask_for_all(place, weights):
    for name in ("trip/sea.png", "trip/sky.png"): Path("photos", name).unlink()
    shutil.copy("photos/cat.png", "photos/dog.png")
    assert fill(weights, "photos", "--mask", "masks/cat.png", "-o", "out", "--ending", "tif") == 0 and files(
        "out"
    ) == ["cat.tif", "dog.tif"]


@pytest.mark.parametrize(
    "words, error",
    [
        (["photos", "--mask", "masks", "-o", "photos/out"], "lies in 'photos'"),
        (["photos", "--mask", "masks", "-o", "masks"], "lies in 'masks'"),
        (["photos", "--mask", "none", "-o", "out"], "no mask file or folder 'none'"),
        (["photos", "--mask", "masks", "-o", "photos/cat.png"], "lies in"),
        (["photos", "--mask", "masks", "-o", "a_file"], "'a_file' is a file"),
        (["empty", "--mask", "masks", "-o", "out"], "no picture in 'empty'"),
        (["photos", "--mask", "empty", "-o", "out"], "no picture in 'empty'"),
        (["twins", "--mask", "masks", "-o", "out"], "would both become one file"),
    ],
)
def test_folders_that_cannot_be(place, weights, words, error, capsys):
    (place / "empty").mkdir(), (place / "twins").mkdir(), (place / "a_file").touch()
    for name in ("a.png", "a.jpg"): Image.new("RGB", (8, 8)).save(place / "twins" / name)
    assert fill(weights, *words) == 2
    assert error in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["jpg", "webp", "bmp"])
def test_16_bits_are_not_squeezed_into_8(place, weights, ending, capsys):
    "Pillow writes 16-bit grey as WebP by cutting each level at 255: valid pixels were lost without a word."
    Image.fromarray((np.arange(24 * 24, dtype=np.uint16) * 100).reshape(24, 24)).save(place / "deep.png")
    mask_file(place / "deep_mask.png", (24, 24))
    assert (
        fill(weights, "deep.png", "--mask", "deep_mask.png", "-o", f"o.{ending}") == 2
        and "has 16 bits" in capsys.readouterr().err
        and not (place / f"o.{ending}").exists()
    )
    assert fill(weights, "deep.png", "--mask", "deep_mask.png", "-o", "o.tif") == 0


def test_a_resolution_that_is_no_number_does_not_stop_a_folder(place, weights, capsys):
    "`OverflowError` and NaN out of a TIFF's header: a traceback, and the rest of the folder was never tried."
    from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2
    for name, resolution in (("a", IFDRational(4294967295, 1)), ("b", IFDRational(0, 0))):
        about = ImageFileDirectory_v2()
        about[282] = about[283] = resolution
        about[296] = 3
        Image.new("RGB", (24, 24), (9, 99, 199)).save(place / "photos" / f"{name}.tif", tiffinfo=about)
        mask_file(place / "masks" / f"{name}.png", (24, 24))
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 0 and "0 failed" in capsys.readouterr().out


def test_a_folder_of_masks_of_the_other_polarity_is_refused(place, weights, capsys):
    for name in files("masks"): mask_file(place / "masks" / name, Image.open(place / "photos" / name).size, hole=0)
    assert (
        fill(weights, "photos", "--mask", "masks", "-o", "out") == 2
        and "--hole black" in capsys.readouterr().err
        and not files("out")
    )
    assert fill(weights, "photos", "--mask", "masks", "-o", "out", "--hole", "black") == 0


def test_no_permission_to_write(place, weights, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "out")
    assert (
        fill(weights, "photos", "--mask", "masks", "-o", "out") == 2
        and "no permission to write into 'out'" in capsys.readouterr().err
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which nobody may write, not even root")
def test_nobody_may_write_into_sys(place, weights, capsys):
    assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", "/sys/out.png") == 2
    assert "'/sys/out.png'" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_of_a_file(place, weights, capsys, monkeypatch):
    """Written in place, a file would be there in half, and a second run would take it for whole."""
    before = Image.Image.save
    def full(picture, path, *format, **options):
        before(picture, path, *format, **options)
        if picture.size == (64, 48): raise OSError(28, "No space left on device")  # trip/sea.png
    monkeypatch.setattr(Image.Image, "save", full)
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 1
    assert (
        files("out") == ["cat.png", "trip/sky.png"]
        and "trip/sea.png: [Errno 28] No space left on device: 'out/trip/sea.png'" in capsys.readouterr().err
    )


# several processes

def test_shares_are_disjoint_and_complete(place, weights, monkeypatch):
    for rank in "01":
        monkeypatch.setenv("RANK", rank), monkeypatch.setenv("WORLD_SIZE", "2")
        before = files("out") if Path("out").exists() else []
        assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 0
        assert len(files("out")) - len(before) == (2 if rank == "0" else 1)
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(Stop, match="RANK=2 and WORLD_SIZE=2"): share()
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(Stop, match="RANK='first'"): share()
    monkeypatch.delenv("RANK"), monkeypatch.delenv("WORLD_SIZE")
    assert share() == (0, 1) and in_all([1, 2]) == [1, 2]


def test_under_torchrun_a_failure_of_one_does_not_end_the_others(place, weights, capfd):
    "torchrun ends every process as soon as one fails: the first share has only a failure, the second all the work."
    (place / "masks/cat.png").unlink()
    for i in range(4):
        (
            shutil.copy("photos/trip/sea.png", f"photos/trip/wave{i}.png"),
            shutil.copy("masks/trip/sea.png", f"masks/trip/wave{i}.png"),
        )
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            "-m",
            "pconv_edu.commands.inpaint",
            "photos",
            "--mask",
            "masks",
            "-o",
            "out",
            "--net",
            str(weights),
            "--device",
            "cpu",
            "--quiet",
        ],
        capture_output=True,
        text=True,
        env=ENV,
        timeout=300,
    )
    assert run.returncode != 0 and "out: 6 filled, 0 were there already, 1 failed" in run.stdout, run.stderr
    assert len(files("out")) == 6 and run.stderr.count("failed: cat.png: 'masks' has no mask of that name") == 1


# masks

def make(*words): return masks_command.main([*map(str, words), "--quiet"])


def test_masks_by_bins(tmp_path, capsys):
    assert make(tmp_path / "m", "--per-bin", 4, "--size", "96x128") == 0
    assert "24 masks made, 0 were there already; white = hole" in capsys.readouterr().out
    assert [p.name for p in sorted((tmp_path / "m").iterdir())] == [
        f"{low:g}-{high:g}" for low, high in RATIO_BINS
    ] + ["masks.json"]
    folder = MaskFolder(tmp_path / "m", hole="white")
    for path, mask in zip(folder.paths, folder):
        low, high = map(float, path.parent.name.split("-"))
        assert mask.shape == (1, 96, 128) and low < hole_ratio(mask) <= high
        edge = 50 * 96 // 512
        if "inside" in path.name:
            assert (
                mask[:, :edge].all() and mask[:, -edge:].all() and mask[..., :edge].all() and mask[..., -edge:].all()
            )
    assert sum("inside" in path.name for path in folder.paths) == 12


def test_masks_are_the_same_again_and_only_the_missing_are_made(tmp_path, capsys):
    words = "--per-bin", 2, "--size", 64, "--bins", 1, 4
    assert make(tmp_path / "a", *words) == 0 == make(tmp_path / "b", *words)
    names = [name for name in files(tmp_path / "a") if name.endswith(".png")]
    assert len(names) == 4 and all(
        (tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names
    )
    whole_one = (tmp_path / "a" / names[0]).read_bytes()
    (tmp_path / "a" / names[0]).unlink(), (tmp_path / "a" / names[1]).write_bytes(whole_one[:50])
    capsys.readouterr()
    assert make(tmp_path / "a", *words) == 0 and "2 masks made, 2 were there already" in capsys.readouterr().out
    assert (tmp_path / "a" / names[0]).read_bytes() == whole_one
    assert len({(tmp_path / "a" / n).read_bytes() for n in names}) == 4  # no two alike
    assert (
        make(tmp_path / "a", "--per-bin", 3, "--size", 64) == 0
        and "14 masks made, 4 were there already" in capsys.readouterr().out
    )


def test_a_border_that_cannot_be_is_said_before_anything_is_written(tmp_path, capsys):
    assert (
        make(tmp_path / "m", "--size", 64, "--border", 20, "--per-bin", 2) == 2
        and "does not fit" in capsys.readouterr().err
        and not (tmp_path / "m").exists()
    )


@pytest.mark.parametrize("text", ["", "[1, 2]", "7"])
def test_a_strange_masks_json_is_named(tmp_path, text, capsys):
    (tmp_path / "masks.json").write_text(text)
    assert make(tmp_path, "--per-bin", 1, "--size", 64) == 2 and "masks.json" in capsys.readouterr().err


def test_masks_of_either_polarity(tmp_path):
    for hole in ("white", "black"):
        assert make(tmp_path / hole, "--per-bin", 1, "--size", 64, "--bins", 2, "--hole", hole) == 0
    white, black = (MaskFolder(tmp_path / hole, hole=hole)[0] for hole in ("white", "black"))
    assert torch.equal(white, black)


@pytest.mark.parametrize(
    "words, error",
    [
        (["--seed", 1], "seed 0 → 1"),
        (["--size", "64x32"], "size"),
        (["--size", "none"], "'none': give the side"),
        (["--bins", 7], "invalid choice"),
        (["--per-bin", 0], "--per-bin 0"),
        (["--border", 40], "leaves nothing of 64 × 64"),
        (["--border", 5], "border 6 → 5"),
    ],
)
def test_masks_that_cannot_be(tmp_path, words, error, capsys):
    assert make(tmp_path / "m", "--per-bin", 1, "--size", 64, "--bins", 0) == 0
    before = files(tmp_path)
    assert make(tmp_path / "m", "--per-bin", 1, "--size", 64, "--bins", 0, *words) == 2
    assert error in capsys.readouterr().err and files(tmp_path) == before


def test_masks_do_not_mix_with_other_files(tmp_path, capsys):
    (tmp_path / "holiday.jpg").touch()
    assert (
        make(tmp_path, "--per-bin", 1, "--size", 64) == 2
        and "holds other files" in capsys.readouterr().err
        and files(tmp_path) == ["holiday.jpg"]
    )


# the table

def measure(*words):
    return evaluate_command.main(
        [
            *map(str, words),
            *(() if {"--pairs", "--size"} & set(words) else ("--size", "32")),
            "--device",
            "cpu",
            "--quiet",
        ]
    )


def test_a_table_on_screen_and_as_files(tmp_path, weights, capsys):
    words = SAMPLES / "pictures", "--per-bin", 2, "--net", weights, "mean"
    assert measure(*words, "-o", tmp_path / "t", "--paper") == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("tiny.safetensors", "mean", "(0.5, 0.6]", "hole PSNR", "paper: PConv"))
    assert {"table.txt", "table.csv", "table.json", "pairs.json", "examples.jpg"} == {
        p.name for p in (tmp_path / "t").iterdir()
    }
    assert len(json.loads((tmp_path / "t/table.json").read_text())) == 2
    assert measure(*words, "-o", tmp_path / "t") == 2 and "--overwrite" in capsys.readouterr().err
    assert (
        measure(SAMPLES / "pictures", "--net", "mean", "--pairs", tmp_path / "t/pairs.json", "-o", tmp_path / "again")
        == 0
    )
    once, again = (
        [line for line in (tmp_path / folder / "table.csv").read_text().splitlines() if line.startswith("mean,")]
        for folder in ("t", "again")
    )
    assert once == again and once


def test_masks_made_by_the_other_command(tmp_path, capsys):
    "Its six folders hold files of the same names: the evaluation stopped at the first pair."
    assert make(tmp_path / "m", "--per-bin", 2, "--size", "64") == 0
    assert measure(SAMPLES / "pictures", "--masks", tmp_path / "m", "--net", "mean", "--per-bin", 2, "--size", 64) == 0
    assert "(0.5, 0.6]" in capsys.readouterr().out


def test_masks_from_files_and_their_polarity(tmp_path, capsys):
    assert measure(SAMPLES / "pictures", "--masks", SAMPLES / "masks_white", "--net", "mean", "--per-bin", 1) == 0
    assert (
        measure(SAMPLES / "pictures", "--masks", SAMPLES / "masks_black", "--net", "mean", "--per-bin", 1) == 2
        and "--hole" in capsys.readouterr().err
    )
    assert (
        measure(
            SAMPLES / "pictures",
            "--masks",
            SAMPLES / "masks_black",
            "--net",
            "mean",
            "--per-bin",
            1,
            "--hole",
            "black",
        )
        == 0
    )


@pytest.mark.parametrize(
    "words, error",
    [
        ([SAMPLES / "none"], "no folder"),
        ([SAMPLES / "pictures", "--masks", SAMPLES / "none"], "no folder"),
        ([SAMPLES / "pictures", "--net", "no such net"], "shipped networks"),
        ([SAMPLES / "pictures", "--batch", 0], "batch=0"),
        ([SAMPLES / "pictures", "--batch", -1], "batch=-1"),
        ([SAMPLES / "pictures", "--hole", "black"], "give --masks, too"),
        ([SAMPLES / "pictures", "--masks", SAMPLES / "masks_white", "--seed", 3], "leave it out"),
    ],
)
def test_tables_that_cannot_be(words, error, capsys):
    assert measure("--net", "mean", "--per-bin", 1, *words) == 2 and error in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, error",
    [
        (["--pairs", "none.json"], "none.json"),
        (["--per-bin", 0], "per_bin=0"),
        (["--per-bin", -2, "--masks", SAMPLES / "masks_white"], "per_bin=-2"),
        (["--pairs", "p.json", "--per-bin", 1, "--border", "with"], "leave --per-bin and --border out"),
    ],
)
def test_pairs_that_cannot_be(words, error, capsys):
    "An option that another one leaves without effect was taken without a word; a table of no pairs was a success."
    assert measure(SAMPLES / "pictures", "--net", "mean", *words) == 2 and error in capsys.readouterr().err


# all of them

def test_the_installed_commands_lead_to_functions():
    settings = configparser.ConfigParser(delimiters=["="], interpolation=None)
    settings.read(ROOT / "settings.ini")
    commands = dict(line.split("=") for line in settings["DEFAULT"]["console_scripts"].split())
    assert set(commands) == {"pconv_inpaint", "pconv_masks", "pconv_train", "pconv_evaluate"}
    for target in commands.values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("name", NAMES)
def test_help_and_examples(name, capsys):
    assert importlib.import_module(f"pconv_edu.commands.{name}").main(["--help"]) == 0
    said = capsys.readouterr().out
    assert f"usage: pconv_{name}" in said and "examples:" in said and "exit codes:" in said


def test_warnings_are_lines_and_the_filter_comes_back(place, weights, capsys):
    before = warnings.showwarning
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite("photos/deep.png", RNG.integers(0, 65536, (21, 37, 3), dtype=np.uint16))
    assert fill(weights, "photos/deep.png", "--mask", "masks/cat.png", "-o", "o.png") == 0
    said = capsys.readouterr().err
    assert (
        said.startswith("warning: photos/deep.png: only 8 of the 16 bits")
        and ".py" not in said
        and warnings.showwarning is before
    )


HELD = """
import sys
from pconv_edu.commands import inpaint as command
fill, calls = command.fill, []
def held(*words, **options):
    calls.append(1)
    if len(calls) > 3:
        print("held", file=sys.__stdout__, flush=True)
        while True: sys.stdin.readline()  # until the signal comes
    return fill(*words, **options)
command.fill = held
sys.exit(command.main(sys.argv[1:]))
"""


def test_ctrl_c_in_a_process_of_its_own(place, weights):
    "A real SIGINT in the middle of a folder: 130, no traceback, only whole files."
    for i in range(5):
        for folder in ("photos", "masks"): shutil.copy(f"{folder}/trip/sea.png", f"{folder}/{i}.png")
    words = "photos --mask masks -o out --device cpu --net".split()
    default = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job's children ignore SIGINT
    with subprocess.Popen([sys.executable, "-c", HELD, *words, str(weights)], text=True, preexec_fn=default, env=ENV,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert select.select([run.stdout], [], [], 120)[0], "no word of the command within 120 s"
        assert run.stdout.readline() == "held\n"
        run.send_signal(signal.SIGINT)
        error = run.communicate(timeout=60)[1]
    assert run.returncode == 130 and "Traceback" not in error and "stopped" in error and "photo" in error
    assert files("out") == ["0.png", "1.png", "2.png"]
    for name in files("out"): Image.open(Path("out", name)).load()


# masks and photos as people have them

def masks_without_a_hole():
    "What people paint, and no pixel of it is hole: name → picture."
    spot = np.zeros((21, 37), bool)
    spot[5:12, 8:20] = True
    def painted(color): return Image.fromarray((spot[..., None] * np.array(color)).astype(np.uint8))
    clear = np.zeros((21, 37, 4), np.uint8)
    clear[spot, 3] = 255
    labels = Image.fromarray(spot.astype(np.uint8)).convert("P")
    labels.putpalette([0, 0, 0, 128, 0, 0])
    return {"red": painted((255, 0, 0)), "blue": painted((0, 0, 255)), "faint": painted((102, 102, 102)),
            "black on clear": Image.fromarray(clear), "labels": labels, "empty": Image.new("L", (37, 21))}


@pytest.mark.parametrize("kind", masks_without_a_hole())
def test_a_mask_without_a_hole_is_an_error(place, weights, kind, capsys):
    "The photo was copied, and the command said that it was filled."
    masks_without_a_hole()[kind].save("m.png")
    assert fill(weights, "photos/cat.png", "--mask", "m.png", "-o", "o.png") == 2
    assert "'m.png' has no hole" in capsys.readouterr().err and not Path("o.png").exists()
    shutil.copy("m.png", "masks/cat.png")
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 1
    said = capsys.readouterr()
    assert "failed: cat.png" in said.err and "2 filled, 0 were there already, 1 failed" in said.out
    assert files("out") == ["trip/sea.png", "trip/sky.png"]


def test_black_strokes_on_a_clear_sheet_are_a_hole_for_hole_black(place, weights):
    masks_without_a_hole()["black on clear"].save("m.png")
    assert fill(weights, "photos/cat.png", "--mask", "m.png", "-o", "o.png", "--hole", "black") == 0
    assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", "same.png") == 0
    assert Path("o.png").read_bytes() == Path("same.png").read_bytes()


def test_a_photo_given_as_the_mask_is_noticed(place, weights, capsys):
    "Exchanged, too: the command's two pictures, and the folders of `pconv_evaluate`."
    levels = np.full((21, 37), 60, np.uint8)
    levels[:, :18] = 200
    Image.fromarray(levels).save("photos/cat.png")
    assert fill(weights, "masks/cat.png", "--mask", "photos/cat.png", "-o", "o.png") == 0
    assert "'photos/cat.png': 100% of its pixels are neither black nor white; is it a photo?" in capsys.readouterr().err
    Path("grey").mkdir(), shutil.copy("photos/cat.png", "grey/cat.png")
    measure("photos", "--masks", "grey", "--net", "mean", "--per-bin", 1)
    said = capsys.readouterr().err
    assert "too much grey in 1 of those looked at; photos?" in said and "grey/cat.png" in said


def test_the_hole_grows_by_dilate_on_every_side(place, weights):
    words = "photos/cat.png", "--mask", "masks/cat.png", "--dilate", 3
    assert fill(weights, *words, "-o", "o.png") == 0
    mask = np.array(Image.open("masks/cat.png")) > 0
    grown = binary_dilation(mask, np.ones((7, 7)))
    photo, out = np.array(Image.open("photos/cat.png")), np.array(Image.open("o.png"))
    assert np.array_equal(photo[~grown], out[~grown])
    assert (photo != out).any(-1)[grown & ~mask].mean() > .9  # noise: hardly a pixel is met by chance
    assert fill(weights, *words[:-1], -1, "-o", "o.png") == 2


def test_a_mask_of_another_size_is_resized_where_that_is_asked_for(place, weights, capsys):
    mask_file("masks/cat.png", (74, 42))
    words = "photos/cat.png", "--mask", "masks/cat.png", "-o", "o.png"
    assert fill(weights, *words) == 2 and "74 × 42" in capsys.readouterr().err
    assert fill(weights, *words, "--resize-mask") == 0
    assert "masks/cat.png: 74 × 42, resized to the photo's 37 × 21" in capsys.readouterr().err
    half = np.array(Image.open("masks/cat.png").resize((37, 21), Image.Resampling.NEAREST)) > 0
    changed = (np.array(Image.open("photos/cat.png")) != np.array(Image.open("o.png"))).any(-1)
    assert not changed[~half].any() and changed[half].mean() > .9


def test_a_picture_above_the_limit_is_taken_where_that_is_asked_for(place, weights, capsys, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 37 * 21 - 1)
    words = "photos/cat.png", "--mask", "masks/cat.png", "-o", "o.png"
    assert fill(weights, *words) == 2 and "37 × 21" in capsys.readouterr().err
    assert fill(weights, *words, "--max-pixels", 37 * 21) == 0
    assert decoding.MAX_PIXELS == 37 * 21 - 1


def png_of(depth: int, color: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    "A PNG of 4 pixels a row, made by hand."

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", 4, len(rows), depth, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", head), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


CLEAR = {  # depth → a row, the level that is clear, the pixels of it
    1: (bytes([0b10110000]), 1, [1, 0, 1, 1]), 2: (bytes([0b11100100]), 2, [0, 1, 0, 0]),
    4: (bytes([0xF1, 0x2F]), 15, [1, 0, 0, 1]), 8: (bytes([9, 1, 2, 9]), 9, [1, 0, 0, 1]),
    16: (struct.pack(">4H", 65535, 300, 301, 5), 300, [0, 1, 0, 0])}


@pytest.mark.parametrize("depth", CLEAR)
def test_a_clear_colour_of_any_depth_survives(place, weights, depth):
    row, level, clear = CLEAR[depth]
    Path("p.png").write_bytes(png_of(depth, 0, [row] * 6, (b"tRNS", struct.pack(">H", level))))
    hole = np.zeros((6, 4), np.uint8)
    hole[:2] = 255
    Image.fromarray(hole).save("m.png")
    assert fill(weights, "p.png", "--mask", "m.png", "-o", "o.png") == 0
    before, after = Image.open("p.png"), Image.open("o.png")
    if depth == 16:
        assert after.mode == "I;16" and after.info["transparency"] == 300
        grey = np.array(after)
        assert np.array_equal(grey[2:], np.array(before)[2:])
        assert ((grey == 300)[2:] == np.array(clear, bool)).all() and not (grey == 300)[:2, np.array(clear) == 0].any()
    else:
        assert np.array_equal(np.array(after)[..., 1], np.tile(1 - np.array(clear), (6, 1)) * 255)
        assert np.array_equal(np.array(after)[2:, :, 0], np.array(before.convert("L"))[2:])


def test_an_alpha_that_is_opaque_does_not_stop_a_jpeg(place, weights):
    photo = Image.open("photos/cat.png")
    photo.putalpha(255)
    photo.save("p.png")
    assert fill(weights, "p.png", "--mask", "masks/cat.png", "-o", "a.jpg") == 0
    assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", "b.jpg") == 0
    assert Path("a.jpg").read_bytes() == Path("b.jpg").read_bytes()
    photo.putpixel((0, 0), (1, 2, 3, 254))
    photo.save("p.png")
    assert fill(weights, "p.png", "--mask", "masks/cat.png", "-o", "c.jpg") == 2


COLORS = {b"gAMA": struct.pack(">I", 100000), b"cHRM": struct.pack(">8I", 31270, 32900, *range(1, 7)), b"sRGB": b"\1",
          b"cICP": bytes([9, 16, 0, 1])}


@pytest.mark.parametrize("kind", COLORS)
def test_gamma_and_colours_of_a_png_survive(place, weights, kind, capsys):
    "Without its gamma of 1 the filled photo looks much darker in every viewer that heeds it."
    chunk = kind + COLORS[kind]
    Path("p.png").write_bytes(png_of(8, 0, [bytes([9, 1, 2, 9])] * 6, (kind, COLORS[kind])))
    mask_file("m.png", (4, 6)), Image.open("m.png")
    levels = np.zeros((6, 4), np.uint8)
    levels[0] = 255
    Image.fromarray(levels).save("m.png")
    assert fill(weights, "p.png", "--mask", "m.png", "-o", "o.png") == 0
    assert struct.pack(">I", len(COLORS[kind])) + chunk in Path("o.png").read_bytes()
    assert fill(weights, "p.png", "--mask", "m.png", "-o", "o.tif") == 0
    assert ("gamma" in capsys.readouterr().err) == (kind in (b"gAMA", b"cICP"))


@pytest.mark.parametrize("ending", ["png", "webp"])
@pytest.mark.parametrize("kind, data", [(b"eXIf", b"II*\0garbage!!!"), (b"iCCP", b"x\0\0no zlib at all"),
                                        (b"iCCP", b""), (b"tEXt", b"Comment\0" + b"x" * 3_000_000)])
def test_notes_that_are_broken_or_long_stop_no_fill(place, weights, kind, data, ending):
    Path("p.png").write_bytes(png_of(8, 0, [bytes([9, 1, 2, 9])] * 6, (kind, data)))
    hole = np.zeros((6, 4), np.uint8)
    hole[0] = 255
    Image.fromarray(hole).save("m.png")
    for more in ([], ["--keep-exif", "--overwrite"]):
        assert fill(weights, "p.png", "--mask", "m.png", "-o", f"o.{ending}", *more) == 0
        levels = np.array(Image.open(f"o.{ending}").convert("L"))
        assert np.array_equal(levels[1:], np.tile([9, 1, 2, 9], (5, 1)))


def test_cmyk_is_taken_as_load_image_takes_it(place, weights, capsys):
    Image.fromarray(RNG.integers(0, 256, (21, 37, 4), dtype=np.uint8), "CMYK").save("p.tif")
    assert fill(weights, "p.tif", "--mask", "masks/cat.png", "-o", "o.png") == 0
    assert "CMYK" in capsys.readouterr().err
    valid = np.array(Image.open("masks/cat.png")) == 0
    wanted = (pictures.load_image("p.tif") * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(np.array(Image.open("o.png"))[valid], wanted[valid])


@pytest.mark.parametrize("ending, options", [("webp", {"lossless": True}), ("png", {}), ("tif", {})])
def test_frames_and_pages_are_said_with_their_number(place, weights, ending, options, capsys):
    photo = Image.open("photos/cat.png")
    more = [photo.rotate(90 * i).resize(photo.size) for i in (1, 2)]
    photo.save(f"p.{ending}", save_all=True, append_images=more, **options)
    assert fill(weights, f"p.{ending}", "--mask", "masks/cat.png", "-o", "o.png") == 0
    assert f"p.{ending}: 3 " in capsys.readouterr().err
    photo.save("phone.jpg", "MPO", save_all=True, append_images=[photo.resize((8, 6))])  # its preview
    assert fill(weights, "phone.jpg", "--mask", "masks/cat.png", "-o", "phone.png") == 0
    assert not capsys.readouterr().err


@pytest.mark.parametrize("ending, longest", [("webp", 16383), ("jpg", 65500)])
def test_what_a_format_cannot_hold_is_said_before_the_work(place, weights, ending, longest, capsys, monkeypatch):
    monkeypatch.setattr(inpaint_command, "inpaint", lambda *_, **__: pytest.fail("the photo was filled first"))
    Image.new("RGB", (longest + 1, 1)).save("long.png")
    Image.new("L", (longest + 1, 1)).save("m.png")
    assert fill(weights, "long.png", "--mask", "m.png", "-o", f"o.{ending}") == 2
    said = capsys.readouterr().err
    assert str(longest) in said and f"{longest + 1} × 1" in said


def camera_file(path):
    exif = Image.Exif()
    exif[271], exif[0x0112] = "a camera", 6
    exif[0x8769] = {0x9003: "2026:11:28 12:00:00", 0x927C: b"a preview", 0xA002: 21}
    exif[0x8825] = {1: "N"}
    Image.open("photos/cat.png").transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
def test_exif_is_kept_where_that_is_asked_for(place, weights, ending):
    camera_file("p.png")
    words = "p.png", "--mask", "masks/cat.png", "-o", f"o.{ending}"
    assert fill(weights, *words) == 0
    assert 271 not in Image.open(f"o.{ending}").getexif()
    assert fill(weights, *words, "--keep-exif", "--overwrite") == 0
    out = Image.open(f"o.{ending}")
    kept, details = out.getexif(), out.getexif().get_ifd(0x8769)
    assert out.size == (37, 21) and kept[271] == "a camera" and kept.get(0x0112, 1) == 1
    assert details[0x9003] == "2026:11:28 12:00:00" and 0x927C not in details and 0xA002 not in details
    assert kept.get_ifd(0x8825)[1] == "N"


# names

@pytest.mark.parametrize("name", ["café", "Grüße", "がぎ", "각", "Köln/Straße"])
def test_names_that_look_alike_belong_together(place, weights, name):
    "macOS writes é as e and an accent, Windows and Linux as one letter."
    for folder, source, form in (("p", "photos/cat.png", "NFD"), ("m", "masks/cat.png", "NFC")):
        target = Path(folder, unicodedata.normalize(form, f"{name}.png"))
        target.parent.mkdir(parents=True)
        shutil.copy(source, target)
    assert fill(weights, "p", "--mask", "m", "-o", "out") == 0
    assert files("out") == [unicodedata.normalize("NFD", f"{name}.png")]  # the photo's own spelling


def test_the_longest_name_is_written(place, weights):
    name = "x" * 251 + ".png"
    assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", f"out/{name}") == 0
    assert files("out") == [name]


def test_a_link_is_written_through_and_stays(place, weights, capsys):
    words = "photos/cat.png", "--mask", "masks/cat.png"
    Path("disk").mkdir(), Path("o.png").symlink_to("disk/o.png")  # to nothing yet
    assert fill(weights, *words, "-o", "o.png") == 0
    Path("disk/o.png").write_bytes(b"old")
    assert fill(weights, *words, "-o", "o.png", "--overwrite") == 0
    assert Path("o.png").is_symlink() and Image.open("disk/o.png").size == (37, 21)
    before = Path("photos/cat.png").read_bytes()
    Path("back.png").symlink_to("photos/cat.png")
    assert fill(weights, *words, "-o", "back.png", "--overwrite") == 2
    assert Path("photos/cat.png").read_bytes() == before and "'back.png' is the input" in capsys.readouterr().err


def test_the_home_folder(place, weights, monkeypatch):
    monkeypatch.setenv("HOME", str(place / "home")), monkeypatch.setenv("USERPROFILE", str(place / "home"))
    assert fill(weights, "photos/cat.png", "--mask=masks/cat.png", "--out=~/o.png") == 0
    assert files("home") == ["o.png"] and not Path(str(place), "~").exists()
    assert make("~/m", "--per-bin", 1, "--size", 64, "--bins", 0) == 0 and Path("home/m/masks.json").exists()
    assert fill(weights, "photos/cat.png", "--mask=masks/cat.png", "--out=./~/o.png") == 0  # a folder of that name
    assert files("./~") == ["o.png"]
    shutil.copytree("photos", "home/photos")
    words = ["--net", "mean", "--size", "32", "--per-bin", "1", "--device", "cpu", "--quiet"]
    assert evaluate_command.main(["~/photos", "--out=~/table", *words]) == 0
    words[2:6] = ["--pairs=~/table/pairs.json"]
    assert evaluate_command.main(["~/photos", "--out=~/again", *words]) == 0
    assert Path("home/table/table.csv").read_text() == Path("home/again/table.csv").read_text()
    assert not Path(str(place), "~/table").exists()


def test_a_damaged_photo_is_named_with_its_path(place, weights, capsys):
    Path("photos/trip/sea.png").write_bytes(Path("photos/trip/sea.png").read_bytes()[:60])
    assert evaluate_command.main(["photos", "--net", "mean", "--size", "32", "--device", "cpu", "--quiet"]) == 2
    assert "photos/trip/sea.png: " in capsys.readouterr().err
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 1
    assert "photos/trip/sea.png: " in capsys.readouterr().err and files("out") == ["cat.png", "trip/sky.png"]


def packed(folder: str) -> str:
    with tarfile.open(f"{folder}.tar", "w") as tar:
        for name in files(folder): tar.add(Path(folder, name), name)
    return f"{folder}.tar"


def test_photos_and_masks_in_archives(place, weights, capsys):
    "Each photo of a folder or archive meets the mask of its name, wherever that lies."
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 0
    wanted = {name: Path("out", name).read_bytes() for name in files("out")}
    for i, (photos, masks) in enumerate([("photos", packed("masks")), (packed("photos"), "masks"),
                                         ("photos.tar", "masks.tar")]):
        assert fill(weights, photos, "--mask", masks, "-o", f"out{i}") == 0, capsys.readouterr().err
        below = Path(f"out{i}", "photos.tar") if photos.endswith(".tar") else Path(f"out{i}")
        assert {name: (below / name).read_bytes() for name in files(below)} == wanted
    Path("masks/cat.png").write_bytes(b"no picture"), Path("masks/trip/sea.png").unlink()
    assert fill(weights, "photos", "--mask", packed("masks"), "-o", "some") == 1
    said = capsys.readouterr().err
    assert "masks.tar/cat.png: not a picture" in said and "'masks.tar' has no mask of that name (trip/sea.png" in said
    assert fill(weights, "photos/cat.png", "--mask", "masks.tar", "-o", "o.png") == 2
    assert files("some") == ["trip/sky.png"]


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_photos_and_masks_in_folders_of_one_archive(place, weights, capsys, kind):
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 0
    wanted = {name: Path("out", name).read_bytes() for name in files("out")}
    for name in ("photos", "masks"): shutil.copytree(name, Path("all/set", name))
    Image.new("RGB", (3, 3)).save("all/another.png")
    shutil.make_archive("set", kind, "all")  # with './' before each member of a tar, as `tar -c .` has it
    assert fill(weights, f"set.{kind}/set/photos", "--mask", f"set.{kind}/set/masks", "-o", "new") == 0
    below = Path("new", f"set.{kind}", "set", "photos")
    assert {name: (below / name).read_bytes() for name in files(below)} == wanted == {
        name: Path("new", file).read_bytes() for name, file in zip(sorted(wanted), files("new"))}
    assert fill(weights, f"set.{kind}/set/photo", "--mask", f"set.{kind}/set/masks", "-o", "not") == 2
    assert "set/photo" in capsys.readouterr().err
    assert fill(weights, "photos", "--mask", f"sets.{kind}/set/masks", "-o", "not") == 2
    assert f"'sets.{kind}/set/masks'" in capsys.readouterr().err
    assert fill(weights, "photos/cat.png", "--mask", f"set.{kind}/set/masks", "-o", "o.png") == 2
    assert "holds many masks" in capsys.readouterr().err
    Path("all/set/masks/cat.png").write_bytes(b"no picture")
    shutil.make_archive("bad", kind, "all")
    assert fill(weights, "photos", "--mask", f"bad.{kind}/set/masks", "-o", "some") == 1
    assert f"bad.{kind}/" in (said := capsys.readouterr().err) and "set/masks/cat.png: not a picture" in said


def test_control_characters_of_names_never_reach_a_terminal(place, weights, capsys):
    bad = "\x1b]0;owned\x07\x1b[2J\x9b\u202ex\n\r.png"
    Path("photos", bad).write_bytes(b"no picture"), shutil.copy("masks/cat.png", Path("masks", bad))
    assert fill(weights, "photos", "--mask", "masks", "-o", "out\x1b") == 1
    assert fill(weights, Path("photos", bad), "--mask", "masks/cat.png", "-o", "o.png") == 2
    assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", "o.png", f"--{bad}") == 2
    said = "".join(capsys.readouterr())
    assert r"\x1b]0;owned\x07" in said and not set("\x1b\x07\x9b\u202e\r") & set(said)
    assert not any(line.startswith(".png") for line in said.splitlines())  # nor does a name end a line


# streams

class Gone(io.StringIO):
    "A pipe whose reader has gone, or a full disk."
    def __init__(self, number):
        super().__init__()
        self.number, self.null = number, open(os.devnull, "w")

    def write(self, text): raise OSError(self.number, os.strerror(self.number))
    def fileno(self): return self.null.fileno()


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("gone", [lambda: Gone(errno.EPIPE), lambda: None])
def test_a_stream_that_nobody_reads_stops_nothing(place, weights, name, gone, monkeypatch):
    monkeypatch.setattr(sys, name, gone())
    (place / "masks/cat.png").unlink()
    assert fill(weights, "photos", "--mask", "masks", "-o", "out", quiet=False) == 1
    assert files("out") == ["trip/sea.png", "trip/sky.png"]


def test_a_full_disk_under_stdout_is_an_error(place, weights, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Gone(errno.ENOSPC))
    assert fill(weights, "photos", "--mask", "masks", "-o", "out") == 2
    assert len(files("out")) == 3 and "No space left" in capsys.readouterr().err


def test_what_a_terminal_cannot_print_is_escaped(place, weights, monkeypatch):
    for encoding, shown in (("utf-8", "caf\\xe9/ü.png"), ("ascii", "caf\\xe9/\\xfc.png")):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw := io.BytesIO(), encoding))
        out = os.fsdecode(b"caf\xe9") + "/ü.png"
        assert fill(weights, "photos/cat.png", "--mask", "masks/cat.png", "-o", out, "--overwrite", quiet=False) == 0
        assert raw.getvalue().decode(encoding).startswith(f"{shown}: filled in") and Path(out).exists()


def test_streams_of_a_process_of_its_own(place, weights):
    "Closed stderr, a reader that has gone: nothing is said at the very end either, and the file is there."
    command = [sys.executable, "-m", "pconv_edu.commands.inpaint", "photos/cat.png", "--mask", "masks/cat.png",
               "--net", str(weights), "--device", "cpu", "-o"]
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([*command, "a.png"], stdout=writer, stderr=subprocess.PIPE, env=ENV, text=True, timeout=300)
    os.close(writer)
    assert run.returncode == 0 and "Exception" not in run.stderr and Path("a.png").exists()
    closed = subprocess.run([*command, "b.png"], stdout=subprocess.PIPE, env=ENV, timeout=300,
                            preexec_fn=lambda: os.close(2))
    assert closed.returncode == 0 and Path("b.png").read_bytes() == Path("a.png").read_bytes()


def tabbed(script: str, line: str) -> list[str]:
    "What bash offers at the end of the line."
    words = line.split(" ")
    ask = f"""{script}
        COMP_WORDS=({' '.join(word or "''" for word in words)}); COMP_CWORD={len(words) - 1}
        handler=$(complete -p {words[0]} | sed 's/.*-F *\\([^ ]*\\).*/\\1/')
        $handler {words[0]} '{words[-1]}' '{words[-2]}'; printf '%s\\n' "${{COMPREPLY[@]}}" """
    run = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
    assert not run.stderr, run.stderr
    return sorted(word.strip() for word in run.stdout.splitlines())


@pytest.mark.parametrize("name, begun, whole", [
    ("inpaint", "--ov", ["--overlap", "--overwrite"]), ("inpaint", "--hole ", ["black", "white"]),
    ("inpaint", "photos/", ["photos/cat.png", "photos/trip"]), ("masks", "--per", ["--per-bin"]),
    ("evaluate", "--bat", ["--batch"]), ("train", "--check", ["--checkpoint-loss"]), ("train", "pho", ["photos"]),
    ("train", "--out phot", ["photos"]),
])
def test_bash_completes_options_choices_and_files(place, capsys, monkeypatch, name, begun, whole):
    pytest.importorskip("shtab")
    if not shutil.which("bash"): pytest.skip("there is no bash")
    monkeypatch.setattr(sys, "argv", [f"pconv_{name}"])
    try: assert not importlib.import_module(f"pconv_edu.commands.{name}").main(["--completion", "bash"])
    except SystemExit as left: assert not left.code
    assert tabbed(capsys.readouterr().out, f"pconv_{name} {begun}") == whole


def test_completion_without_its_library_names_the_extra(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert inpaint_command.main(["--completion", "zsh"]) == 2
    assert "pip install 'pconv_edu[completion]'" in capsys.readouterr().err



@pytest.mark.parametrize("name", NAMES)
def test_the_version(name, capsys):
    assert importlib.import_module(f"pconv_edu.commands.{name}").main(["--version"]) == 0
    assert capsys.readouterr().out == f"pconv_{name} {pconv_edu.__version__}\n"
