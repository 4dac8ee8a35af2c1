"""Pictures: every mode and format, turned upright, against other readers; damage; the samples; the drawing helpers."""
import importlib.util
import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from skimage import io as skimage_io

from pconv_edu import decoding, figures, pictures
from pconv_edu.decoding import BadImage, open_image, upright_rgb
from pconv_edu.figures import COLORS, Drawing
from pconv_edu.pictures import (list_images, load_image, sample_photos, save_image, show, show_numbers, show_row,
                                to_pil, to_tensor)

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data_samples"


def tool(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rgb(): return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def as_tensor(array): return torch.from_numpy(array.astype(np.float64) / 255).permute(2, 0, 1).float()


# reading ------------------------------------------------------------

@pytest.mark.parametrize(
    "name,options",
    [
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.TIFF", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_lossless_formats_read_to_the_bit(tmp_path, rgb, name, options):
    Image.fromarray(rgb).save(tmp_path / name, Image.registered_extensions()[Path(name.lower()).suffix], **options)
    got = load_image(tmp_path / name)
    assert got.dtype == torch.float32 and got.is_contiguous()
    assert torch.equal(got, as_tensor(rgb))


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "rocket.jpg"])
def test_agrees_with_another_library(name):
    import skimage
    path = Path(skimage.__file__).parent / "data" / name
    assert torch.equal(load_image(path), as_tensor(skimage_io.imread(path)[..., :3]))


def test_grey_palette_and_one_bit(tmp_path, rgb):
    grey = Image.fromarray(rgb[..., 0])
    for name, picture in {
        "grey.png": grey,
        "grey.jpg": grey,
        "one.png": grey.convert("1"),
        "palette.png": Image.fromarray(rgb).quantize(9),
    }.items():
        picture.save(tmp_path / name)
        expected = np.array(Image.open(tmp_path / name).convert("RGB"))
        assert torch.equal(load_image(tmp_path / name), as_tensor(expected)), name
    assert torch.equal(load_image(tmp_path / "grey.png"), as_tensor(rgb[..., [0, 0, 0]]))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "palette with a clear colour"])
def test_transparent_becomes_white(tmp_path, rgb, mode):
    if mode.startswith("palette"):
        picture = Image.fromarray((rgb[..., 0] > 128).astype(np.uint8)).convert("P")
        picture.putpalette([10, 20, 30, 200, 100, 50])
        picture.save(tmp_path / "a.png", transparency=0)
        expected = np.where((rgb[..., :1] > 128), [200, 100, 50], [255, 255, 255])
    else:
        alpha = (rgb[..., 2:] > 100) * np.uint8(255)
        colours = rgb if mode == "RGBA" else rgb[..., :1]
        Image.fromarray(np.concatenate([colours, alpha], axis=2)).save(tmp_path / "a.png")
        expected = np.where(alpha > 0, colours, 255) * np.ones(3)
    assert torch.allclose(load_image(tmp_path / "a.png"), as_tensor(np.asarray(expected)), atol=1e-6)


def test_half_transparent_blends_with_white(tmp_path):
    Image.fromarray(np.array([[[100, 0, 200, 51]]], np.uint8)).save(tmp_path / "a.png")
    expected = np.array([100, 0, 200]) * .2 + 255 * .8
    assert np.abs(load_image(tmp_path / "a.png").flatten().numpy() * 255 - expected).max() < 1


def test_sixteen_bits_keep_the_high_byte(tmp_path):
    deep = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    Image.fromarray(deep).save(tmp_path / "a.tif")
    for name in ("a.png", "a.tif"):
        assert torch.equal((load_image(tmp_path / name)[0] * 255).round().int(), torch.arange(256).view(16, 16).int())
    import tifffile  # big-endian, and colour
    tifffile.imwrite(tmp_path / "big.tif", deep.astype(">u2"), byteorder=">")
    tifffile.imwrite(tmp_path / "rgb.tif", np.stack([deep, deep.T, deep[::-1]], axis=2), photometric="rgb")
    assert torch.equal(load_image(tmp_path / "big.tif"), load_image(tmp_path / "a.tif"))
    assert torch.equal(load_image(tmp_path / "rgb.tif")[1] * 255, torch.arange(256.).view(16, 16).T)


def test_thirty_two_bits_are_refused_rather_than_guessed(tmp_path):
    for dtype in (np.float32, np.int32):
        Image.fromarray(np.ones((4, 4), dtype)).save(tmp_path / "a.tif")
        with pytest.raises(BadImage, match="32 bits"): load_image(tmp_path / "a.tif")


def test_cmyk_is_what_pillow_makes_of_it(tmp_path, rgb):
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "a.tif")
    assert torch.equal(load_image(tmp_path / "a.tif"), as_tensor(rgb))
    smooth = sample_photos("coffee", size=64)["coffee"]
    to_pil(smooth).convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    assert (load_image(tmp_path / "a.jpg") - smooth).abs().mean() < .02


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_exif_orientation(tmp_path, orientation, ending):
    "Bug: photos of phones read lying on their side; or, in TIFF, turned twice because Pillow has turned them already."
    blocks = np.kron(np.array([[0, 60, 120], [180, 220, 255]], np.uint8), np.ones((16, 16), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(blocks).convert("RGB").save(
        tmp_path / f"a.{ending}", exif=exif, **({"lossless": True} if ending == "webp" else {})
    )
    stored = Image.fromarray(blocks)
    stored.getexif()[0x0112] = orientation
    expected = np.array(ImageOps.exif_transpose(stored))  # Pillow's own, on the undamaged picture
    got = load_image(tmp_path / f"a.{ending}")[0].numpy() * 255
    assert got.shape == expected.shape and np.abs(got - expected).max() <= 2


def test_a_picture_is_not_turned_twice(tmp_path):
    "Turned upright once, a picture has no EXIF left that would turn it again."
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    with open_image(tmp_path / "a.jpg") as picture: once = upright_rgb(picture)
    assert once.size == upright_rgb(once).size == (8, 16)



def test_content_decides_not_the_ending(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.JPG")  # ImageNet has such a file
    assert torch.equal(load_image(tmp_path / "a.JPG"), as_tensor(rgb))


def test_grey_mode_and_draft_before_decoding(tmp_path):
    save_image(sample_photos("coffee", size=256)["coffee"], tmp_path / "a.jpg")
    with open_image(tmp_path / "a.jpg") as picture:
        picture.draft(None, (64, 64))
        assert upright_rgb(picture).size == (64, 64)
    with open_image(tmp_path / "a.jpg") as picture: assert upright_rgb(picture, "L").mode == "L"
    with open_image(io.BytesIO((tmp_path / "a.jpg").read_bytes()), name="shard.tar/a.jpg") as picture:
        assert to_tensor(picture).shape == (3, 256, 256)


# damage ------------------------------------------------------------

@pytest.mark.parametrize(
    "name,reason",
    [
        ("truncated.jpg", "truncated"),
        ("empty.jpg", "0 bytes"),
        ("text.jpg", "not a picture"),
        ("bomb.png", "9000 × 9000"),
        ("nothing.png", "no such file"),
        ("", "folder"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_reason(name, reason):
    with pytest.raises(BadImage, match=reason) as caught: load_image(SAMPLES / "odd" / name)
    assert caught.value.path == str(SAMPLES / "odd" / name) and str(caught.value.path) in str(caught.value)


def test_bad_image_survives_the_way_from_a_worker():
    error = pickle.loads(pickle.dumps(BadImage("a.jpg", "cut short")))
    assert (error.path, error.reason, str(error)) == ("a.jpg", "cut short", "a.jpg: cut short")


def test_no_permission_is_named(tmp_path, monkeypatch):
    def refuse(*args, **kwargs): raise PermissionError(13, "Permission denied")
    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(BadImage, match="Permission denied"): load_image(tmp_path / "a.png")


def test_damaged_png_is_refused(tmp_path):
    """Pillow's decoder does not look at the checksum of the pixels' chunk. It notices one wrong bit by zlib's checksum
    at the end, but where the end is damaged too, the wrong pixels would pass."""
    rng = np.random.default_rng(0)
    Image.fromarray(np.kron(rng.integers(0, 256, (6, 8), dtype=np.uint8), np.ones((8, 8), np.uint8))).save(
        tmp_path / "a.png"
    )
    whole, clean = (tmp_path / "a.png").read_bytes(), load_image(tmp_path / "a.png")
    for _ in range(600):
        data = bytearray(whole)
        for at in (rng.integers(41, len(data) - 16), rng.integers(len(data) - 30, len(data))):
            data[at] ^= 1 << rng.integers(8)
        (tmp_path / "b.png").write_bytes(data)
        try: assert torch.equal(load_image(tmp_path / "b.png"), clean)
        except BadImage: pass


def test_every_truncation_gives_the_picture_or_bad_image(tmp_path):
    for name in ("turned.JPG", "clear.webp", "deep.png"):
        whole, clean = (SAMPLES / "odd" / name).read_bytes(), load_image(SAMPLES / "odd" / name)
        for length in range(0, len(whole), 37):
            (tmp_path / name).write_bytes(whole[:length])
            try: assert torch.equal(load_image(tmp_path / name), clean), f"{name} cut to {length} bytes"
            except BadImage as error: assert error.path == str(tmp_path / name)


def test_stress_in_short():
    counts, wrong = tool("stress_images").stress(600, seed=1)
    assert not wrong, wrong[:5]
    assert sum(counts.values()) == 600 and all(
        counts[damage, "right"] + counts[damage, "refused"] for damage in ("truncate", "flip_bits", "rename")
    )


def test_stress_finds_a_reader_that_lets_truncated_files_through(monkeypatch):
    from PIL import ImageFile
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert any("truncate" in line for line in tool("stress_images").stress(1500, seed=2)[1])


def bombs() -> dict[str, bytes]:
    "Small files whose headers promise billions of pixels."
    files = {"bomb.png": (SAMPLES / "odd" / "bomb.png").read_bytes()}
    for name, kind, at, size in (("bomb.jpg", "JPEG", b"\xff\xc0", 65500), ("bomb.bmp", "BMP", b"BM", 60000)):
        file = io.BytesIO()
        Image.new("L", (16, 16)).save(file, kind)
        data = bytearray(file.getvalue())
        start = data.index(at) + (5 if kind == "JPEG" else 18)
        sides = size.to_bytes(2, "big") * 2 if kind == "JPEG" else size.to_bytes(4, "little") * 2
        data[start:start + len(sides)] = sides
        files[name] = bytes(data)
    file = io.BytesIO()
    Image.new("1", (12000, 12000)).save(file, "TIFF", compression="group4")
    return files | {"bomb.tif": file.getvalue()}


@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is POSIX")
def test_bombs_are_refused_from_their_header_below_50_mb(tmp_path):
    "Also where somebody has switched off Pillow's own limit."
    for name, data in bombs().items(): (tmp_path / name).write_bytes(data)
    script = f"""
import resource, sys, warnings
from pathlib import Path
from PIL import Image
from pconv_edu.pictures import BadImage, load_image
warnings.simplefilter("ignore")
load_image({str(SAMPLES / "odd" / "deep.png")!r})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for limit in (Image.MAX_IMAGE_PIXELS, None):
    Image.MAX_IMAGE_PIXELS = limit
    for path in sorted(Path({str(tmp_path)!r}).iterdir()):
        try: load_image(path); sys.exit(f"{{path}} was read")
        except BadImage: pass
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / (1024 if sys.platform != "darwin" else 2**20)
sys.exit(f"{{grown:.0f}} MB" if grown > 50 else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_the_pixel_limit_is_our_own_and_can_be_raised(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 6143)
    with pytest.raises(BadImage, match="6,143"): load_image(SAMPLES / "odd" / "deep.png")  # 96 × 64 = 6144
    monkeypatch.setattr(decoding, "MAX_PIXELS", 6144)
    load_image(SAMPLES / "odd" / "deep.png")


def test_a_huge_file_is_refused_by_its_size(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_BYTES", 100)
    with pytest.raises(BadImage, match="bytes"): load_image(SAMPLES / "odd" / "deep.png")


# folders, saving, converting ------------------------------------------------------------

def test_list_images(tmp_path):
    for name in (
        "b/x.JPG",
        "a/y.Png",
        "a/deep/er/z.tiff",
        "a.webp",
        "a/.hidden.png",
        ".thumbs/t.png",
        "a/notes.txt",
        "a/noending",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)] == [
        "a.webp",
        "a/deep/er/z.tiff",
        "a/y.Png",
        "b/x.JPG",
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no picture in"): list_images(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="there is no folder"): list_images(tmp_path / "elsewhere")


def test_there_and_back(rgb, tmp_path):
    picture = to_tensor(rgb)
    assert torch.equal(to_tensor(to_pil(picture)), picture)
    assert torch.equal(to_tensor(np.array(to_pil(picture))), picture)
    save_image(picture, tmp_path / "new" / "a.png")
    assert torch.equal(load_image(tmp_path / "new" / "a.png"), picture)
    assert to_pil(torch.tensor([[[0., .002, .998, 1.]]])).tobytes() == bytes([0, 1, 254, 255])
    assert to_pil(torch.zeros(1, 2, 3)).mode == "L"


def test_a_mask_is_not_saved_as_jpeg(tmp_path):
    "Bug: masks stored as JPEG come back with greys, and make seams round every hole."
    with pytest.raises(ValueError, match="png"): save_image(torch.eye(8)[None], tmp_path / "mask.jpg")
    save_image(torch.rand(1, 8, 8), tmp_path / "grey.jpg")


def test_wrong_input_is_named(rgb):
    with pytest.raises(ValueError, match="255"): to_tensor(rgb.astype(float))
    with pytest.raises(ValueError, match=r"\[2, 3, 4, 4\]"): to_pil(torch.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match="chelsea"): sample_photos("cat")
    with pytest.raises(ValueError, match=r"\[5, 4, 4\]"): show(torch.zeros(5, 4, 4))
    with pytest.raises(ValueError, match="2 grids and 1 masks"): show_numbers(torch.eye(2), torch.eye(2), mask=[None])
    with pytest.raises(ValueError, match="at least one"): show_row()


def test_sample_photos():
    photos = sample_photos(size=32)
    assert len(photos) == 6 and all(
        photo.shape == (3, 32, 32) and 0 <= photo.min() < photo.max() <= 1 for photo in photos.values()
    )


# drawing ------------------------------------------------------------

def pixels(drawing: Drawing) -> np.ndarray: return np.array(Image.open(io.BytesIO(drawing.to_bytes(72))).convert("RGB"))


def test_masks_are_painted_in_the_course_colours():
    seen = {tuple(colour) for colour in pixels(show(torch.tensor([[[0., 1.], [1., 1.]]]))).reshape(-1, 3).tolist()}
    for name in ("valid", "hole"): assert tuple(int(COLORS[name][i:i + 2], 16) for i in (1, 3, 5)) in seen


@pytest.mark.parametrize("height,width", [(64, 64), (16, 64), (32, 64), (40, 60), (60, 40)])
@pytest.mark.parametrize("titles", [(), ["one", "two", "three", "four"]])
def test_a_row_is_as_high_as_its_pictures(height, width, titles):
    "Bug: a row as high as wide, whatever the pictures, leaves white bands above and below wide ones."
    black = (pixels(show_row(*[torch.zeros(3, height, width)] * 4, titles=titles, columns=2)) < 60).all(axis=2)
    rows, columns = np.flatnonzero(black.mean(axis=1) > .4), np.flatnonzero(black.mean(axis=0) > .2)
    band = len(black) - len(rows)  # the rows of pixels with no picture in them: margins and titles
    assert band <= (56 if titles else 14) and len(columns) > .9 * black.shape[1]


def test_square_pictures_keep_their_size():
    for titles, expected in (((), (4.2, 4.2)), (["a", "b", "c"], (4.2, 4.8))):
        assert tuple(
            show_row(*[torch.rand(3, 8, 8)] * 3, titles=titles, columns=2, width=2.1).get_size_inches()
        ) == pytest.approx(expected)


@pytest.mark.parametrize("lines", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 32, 64), (3, 64, 32)])
def test_titles_of_many_lines_are_neither_clipped_nor_drawn_over_a_picture(lines, shape):
    drawing = show_row(*[torch.rand(shape)] * 4, titles=["\n".join(["Ájg"] * lines), *"abc"], columns=2, width=1.5)
    drawing.savefig(io.BytesIO(), dpi=drawing.dpi)
    over = [axes.title.get_window_extent() for axes in drawing.axes]
    assert max(box.y1 for box in over) <= drawing.bbox.height and min(box.x0 for box in over) >= 0
    assert not any(box.overlaps(axes.get_window_extent()) for box in over for axes in drawing.axes)


def test_a_tower_does_not_fill_the_page():
    assert show(torch.zeros(1, 100, 2), width=2).get_figheight() < 4.1


def test_photos_are_jpeg_the_rest_png():
    assert show(torch.rand(3, 8, 8)).to_bytes()[:2] == b"\xff\xd8"
    assert show_numbers(torch.eye(3)).to_bytes()[:4] == b"\x89PNG"
    assert show_row(torch.eye(4)[None], torch.rand(1, 4, 4), columns=1).format == "png"


def test_a_palette_keeps_every_pixel():
    drawing = show_numbers(torch.eye(3), mask=torch.eye(3))
    plain = io.BytesIO()
    drawing.savefig(plain, format="png", dpi=72)
    assert np.array_equal(pixels(drawing), np.array(Image.open(plain).convert("RGB")))


def test_still_figures_are_drawn_finer_than_moving_ones():
    drawing = show_row(torch.rand(3, 64, 64), width=2.)
    sides = [Image.open(io.BytesIO(drawing.to_bytes(*dpi))).width for dpi in ((), (figures.MOVING,))]
    assert sides == [288, 180]
    wide = show_row(*[torch.rand(3, 64, 64)] * 6, width=2.)
    assert Image.open(io.BytesIO(wide.to_bytes())).width == 1728  # bug: the wider a figure, the coarser it was drawn
    assert drawing.axes[0].images[0].get_interpolation() == "hermite"  # smooth, without ringing at a hole's edge
    assert show(torch.rand(3, 8, 8)).axes[0].images[0].get_interpolation() == "nearest"


def test_numbers_are_written():
    texts = [text.get_text() for text in show_numbers(torch.tensor([[1., .25], [.333, -2.]])).axes[0].texts]
    assert texts == ["1", "0.25", "0.33", "-2"]


# the samples ------------------------------------------------------------

def test_samples_are_small_and_each_has_its_line():
    files = [path for path in SAMPLES.rglob("*") if path.is_file() and path.name != "README.md"]
    size = {path: path.stat().st_size for path in files}
    weights = [path for path in files if path.suffix == ".safetensors"]
    assert all(size[path] <= 12 * 10**6 for path in weights), "weights ship as float16, at most 12 MB a file"
    assert sum(size.values()) - sum(size[path] for path in weights) <= 3 * 2**20
    lines = (SAMPLES / "README.md").read_text().splitlines()
    for path in files:
        row = [line for line in lines if line.startswith(f"| {path.relative_to(SAMPLES).as_posix()} |")]
        assert len(row) == 1 and row[0].count("|") == 5, (
            f"{path} needs a line of origin and licence in data_samples/README.md"
        )


def test_samples_can_be_made_again(tmp_path):
    tool("make_samples").main(tmp_path)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        shipped = SAMPLES / path.relative_to(tmp_path)
        if path.suffix == ".png" and path.name != "bomb.png":
            assert torch.equal(load_image(path), load_image(shipped)), path
        elif path.parent.name == "pictures": assert (load_image(path) - load_image(shipped)).abs().mean() < .02, path


def test_importing_the_doors_loads_neither_matplotlib_nor_torchvision():
    "A training on a server draws nothing; `show_row` loads matplotlib when it is first asked for."
    script = """
import sys
import pconv_edu.pictures, pconv_edu.masks, pconv_edu.unet, pconv_edu.inpainting, pconv_edu.weights
early = [name for name in ("matplotlib", "torchvision") if name in sys.modules]
from pconv_edu.pictures import show, show_numbers, show_row
sys.exit(f"loaded: {early}" if early or "matplotlib" not in sys.modules else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="show_rows"): _ = pictures.show_rows
