"""What stands beside the pixels never costs a sound picture; what cannot be right is refused by name."""
import io
import os
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from pconv_edu import decoding, pictures
from pconv_edu.decoding import BadImage, open_image, upright
from pconv_edu.headers import png_pixels, webp_size
from pconv_edu.pictures import list_images, load_image, save_image

RGB = np.random.default_rng(3).integers(0, 256, (12, 20, 3), dtype=np.uint8)
WANTED = torch.from_numpy(RGB).permute(2, 0, 1) / 255


def chunk(kind: bytes, data: bytes, check: int | None = None) -> bytes:
    check = zlib.crc32(kind + data) if check is None else check
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png(array: np.ndarray = RGB, **options) -> bytes:
    Image.fromarray(array).save(file := io.BytesIO(), "PNG", **options)
    return file.getvalue()


def put_in(*chunks: bytes, whole: bytes | None = None, end: bool = False) -> io.BytesIO:
    "A PNG with chunks behind its header, or before its end."
    whole = whole or png()
    at = len(whole) - 12 if end else 33
    return io.BytesIO(whole[:at] + b"".join(chunks) + whole[at:])


# notes of a PNG -------------------------------------------------------------------------------------------------------

LONG = zlib.compress(b"x" * 3_000_000)
BESIDE = {
    "a long text": chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000),
    "a packed long text": chunk(b"zTXt", b"Comment\0\0" + LONG),
    "a packed long international text": chunk(b"iTXt", b"Comment\0\1\0\0\0" + LONG),
    "packed text that is none": chunk(b"zTXt", b"Comment\0\0 no zlib at all"),
    "text with a wrong checksum": chunk(b"tEXt", b"Comment\0hello", check=7),
    "a profile that is none": chunk(b"iCCP", b"x\0\0no zlib at all"),
    "a profile in an unknown packing": chunk(b"iCCP", b"x\0\x07abc"),
    "an empty profile chunk": chunk(b"iCCP", b""),
    "broken EXIF": chunk(b"eXIf", b"II*\0garbage!!!"),
    "EXIF of nothing": chunk(b"eXIf", b""),
    "a short gamma": chunk(b"gAMA", b"\0"),
    "a resolution that is none": chunk(b"pHYs", b"\0\0"),
    "broken chromaticities": chunk(b"cHRM", b"12345"),
    "a private chunk": chunk(b"prVt", b"\xff" * 99),
    "a hundred texts": b"".join(chunk(b"tEXt", b"k\0" + bytes([65 + k % 26]) * 900_000) for k in range(100)),
}


@pytest.mark.parametrize("what", BESIDE)
@pytest.mark.parametrize("end", [False, True])
def test_a_sound_png_is_read_whatever_stands_beside_its_pixels(what, end):
    assert torch.equal(load_image(put_in(BESIDE[what], end=end)), WANTED)


def test_a_long_profile_is_kept():
    profile = bytes(16) + b"RGB " + os.urandom(2_000_000)
    file = put_in(chunk(b"iCCP", b"wide\0\0" + zlib.compress(profile)))
    with open_image(file, "a.png") as picture: assert picture.info["icc_profile"] == profile


def test_notes_on_colour_and_resolution_are_kept():
    gamma, cicp = struct.pack(">I", 100000), bytes([9, 16, 0, 1])
    file = put_in(chunk(b"gAMA", gamma), chunk(b"cICP", cicp), chunk(b"tEXt", b"Title\0cat"), whole=png(dpi=(300, 300)))
    with open_image(file, "a.png") as picture:
        assert picture.info["png_colors"] == [(b"gAMA", gamma), (b"cICP", cicp)]
        assert picture.info["gamma"] == 1 and round(picture.info["dpi"][0]) == 300 and picture.info["Title"] == "cat"


@pytest.mark.parametrize("damage, word", [(lambda b: b[:60], "truncated"), (lambda b: b[:-12], "truncated"),
                                          (lambda b: b[:50] + bytes([b[50] ^ 1]) + b[51:], "IDAT"),
                                          (lambda b: b[:20] + bytes([b[20] ^ 1]) + b[21:], "IHDR")])
def test_damage_to_the_pixels_is_refused(damage, word):
    with pytest.raises(BadImage, match=word): load_image(io.BytesIO(damage(png())))


def test_what_follows_the_end_of_a_png_does_not_matter():
    assert torch.equal(load_image(io.BytesIO(png() + b"left over" * 99)), WANTED)


# notes of other formats -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(
    "options",
    [
        dict(exif=b"Exif\0\0garbage!!"),
        dict(exif=b"II*\0\xff\xff\xff\xff"),
        dict(icc_profile=b"no profile"),
        dict(icc_profile=bytes(3_000_000)),
        dict(xmp=b'<tiff:Orientation="9"/>'),
    ],
)
@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
def test_a_sound_webp_or_jpeg_is_read_whatever_stands_beside_its_pixels(kind, options):
    save = lambda **notes: (
        Image.fromarray(RGB).save(file := io.BytesIO(), kind, **({"lossless": True} if kind == "WEBP" else {}), **notes)
        or file
    )
    assert torch.equal(load_image(save(**options)), load_image(save()))
    if kind == "WEBP": assert torch.equal(load_image(save(**options)), WANTED)


@pytest.mark.parametrize("bits, order", [(8, "<"), (8, ">"), (16, "<"), (16, ">")])
def test_a_tiff_where_zero_is_white(tmp_path, bits, order):
    "Film scans and X-rays: Pillow inverts 8 bits and forgets 16."
    levels = np.array([[0, 255, 51]], np.uint8) if bits == 8 else np.array([[0, 65535, 13107]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="miniswhite", byteorder=order)
    if (bits, order) == (16, ">"):  # Pillow cannot read it
        with pytest.raises(BadImage, match="a.tif"): load_image(tmp_path / "a.tif")
        return
    assert torch.allclose(load_image(tmp_path / "a.tif")[0, 0], torch.tensor([1, 0, .8]))
    with open_image(tmp_path / "a.tif") as picture: assert np.asarray(upright(picture))[0, 0] == 2**bits - 1


@pytest.mark.parametrize("bits, clear, scale", [(1, 1, 255), (2, 1, 85), (4, 3, 17), (8, 60, 1)])
def test_a_clear_grey_of_few_bits_is_clear(bits, clear, scale):
    "The level in tRNS counts as the pixels are stored, not as Pillow spreads them to 255."
    levels = np.full((4, 8), clear, np.uint8)
    levels[:, :4] = 0
    rows = b"".join(
        b"\0" + np.packbits(np.unpackbits(row[:, None], axis=1)[:, 8 - bits :].reshape(-1)).tobytes() for row in levels
    )
    header = struct.pack(">IIBBBBB", 8, 4, bits, 0, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"tRNS", struct.pack(">H", clear))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    with open_image(io.BytesIO(data), "a.png") as picture: assert picture.info["transparency"] == clear * scale
    got = load_image(io.BytesIO(data))
    assert (got[:, :, 4:] == 1).all() and (got[:, :, :4] == 0).all()


def test_a_clear_grey_of_16_bits_is_clear():
    levels = np.array([[300, 301, 65535]], np.uint16)
    got = load_image(put_in(chunk(b"tRNS", struct.pack(">H", 300)), whole=png(levels)))
    assert torch.equal(got[0, 0], torch.tensor([1, 301 / 65535, 1]))


# sizes ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [dict(lossless=True), dict(quality=50), dict(lossless=True, exif=b"Exif\0\0x")])
def test_a_webp_says_its_size_in_its_first_bytes(options):
    for size in ((1, 1), (37, 23), (400, 5)):
        Image.new("RGB", size).save(file := io.BytesIO(), "WEBP", **options)
        assert webp_size(file.getvalue()[:30]) == size
    assert webp_size(png()[:30]) is None and webp_size(b"RIFF") is None


def test_the_limit_can_be_raised():
    "In a process of its own: the limit holds for the whole process."
    script = """
import io, sys, warnings
from PIL import Image
from pconv_edu import decoding, pictures
warnings.simplefilter("error")
Image.new("1", (20000, 9500)).save(file := io.BytesIO(), "PNG")  # more than twice Pillow's own limit
try: pictures.load_image(file); sys.exit("read")
except decoding.BadImage as error: assert "20000 × 9500" in str(error) or "190000000" in str(error), error
decoding.set_max_pixels(190_000_000)
with decoding.open_image(file, "a.png") as picture: assert picture.size == (20000, 9500)
try: decoding.set_max_pixels(0); sys.exit("taken")
except ValueError as error: assert "0 pixels" in str(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


# frames ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, options", [("a.webp", dict(lossless=True)), ("a.png", {}), ("a.tif", {})])
def test_more_frames_or_pages_are_said_with_their_number(tmp_path, name, options):
    frames = [Image.fromarray(RGB), Image.new("RGB", (20, 12), "red"), Image.new("RGB", (20, 12), "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    with pytest.warns(UserWarning) as said: got = load_image(tmp_path / name)
    assert torch.equal(got, WANTED) and len(said) == 1
    assert "3 frames" in str(said[0].message) and name in str(said[0].message)


def test_the_preview_in_a_phones_photo_is_no_frame(tmp_path):
    picture = Image.fromarray(RGB)
    picture.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[picture.resize((8, 6))])
    picture.save(tmp_path / "plain.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(load_image(tmp_path / "a.jpg"), load_image(tmp_path / "plain.jpg"))


# folders and names ----------------------------------------------------------------------------------------------------

def test_every_ending_of_a_jpeg_is_listed(tmp_path):
    for ending in ("jpg", "jpeg", "jpe", "jfif", "JFIF"): Image.fromarray(RGB).save(tmp_path / f"a.{ending}", "JPEG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list_images(tmp_path)) == 5


def test_pictures_of_other_kinds_are_counted_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        pictures, "SUFFIXES", tuple(suffix for suffix in pictures.SUFFIXES if suffix not in pictures.HEIC)
    )
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (tmp_path / "sub").mkdir()
    for name in ("sub/c.HEIC", "d.gif", "e.avif", "notes.txt", ".hidden.gif"): (tmp_path / name).write_bytes(b"x")
    with pytest.warns(UserWarning) as said: assert len(list_images(tmp_path)) == 1
    text = str(said[0].message)
    assert len(said) == 1 and " 3 files" in text and all(name in text for name in ("c.HEIC", "d.gif", "e.avif"))
    assert "notes" not in text and "hidden" not in text and "pconv_edu[heic]" in text
    (tmp_path / "a.png").unlink()
    with pytest.warns(UserWarning, match="3 files"), pytest.raises(FileNotFoundError): list_images(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_links_to_folders_are_named_and_circles_end(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    Image.fromarray(RGB).save(tmp_path / "in" / "deep" / "a.png")
    (tmp_path / "in" / "deep" / "round").symlink_to(tmp_path / "in", target_is_directory=True)
    with pytest.warns(UserWarning) as said: assert len(list_images(tmp_path / "in")) == 1
    assert len(said) == 1 and os.path.join("deep", "round") in str(said[0].message) and "1 link" in str(said[0].message)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_folders_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (tmp_path / "closed").mkdir()
    scan = os.scandir
    def refuse(path):
        if str(path).endswith("closed"): raise PermissionError(13, "Permission denied", str(path))
        return scan(path)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.warns(UserWarning) as said: assert len(list_images(tmp_path)) == 1
    assert len(said) == 1 and "closed" in str(said[0].message)
    with pytest.raises(PermissionError, match="closed"): list_images(tmp_path / "closed")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_a_name_that_is_no_text(tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(name, "wb") as file: file.write(png())
    path, = list_images(tmp_path)
    assert torch.equal(load_image(path), WANTED)
    with open(name, "wb") as file: file.write(b"damaged")
    with pytest.raises(BadImage) as error: load_image(path)
    assert error.value.path == str(path)


def test_what_is_no_picture_says_so_before_a_heic_was_seen(monkeypatch):
    "Pillow learns of HEIF with the first HEIC; asked for it earlier it raised KeyError."
    monkeypatch.setattr(decoding, "HEIC", (".heic", ".heif"))
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(BadImage, match="not a picture in a format that is read here .*HEIF"):
        load_image(io.BytesIO(b"no picture"))


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_image(WANTED, "~/new/a.png")
    assert torch.equal(load_image("~/new/a.png"), WANTED) and torch.equal(
        load_image(tmp_path / "new" / "a.png"), WANTED
    )
    assert list_images("~") == [tmp_path / "new" / "a.png"]


# saving ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ending", ["png", "tif", "bmp", "webp", "jpg", "jpeg", "jpe", "jfif", "JPG"])
def test_a_mask_comes_back_as_it_was_or_is_refused(tmp_path, ending):
    mask = torch.ones(1, 64, 64)
    mask[:, 20:40, 11:53], mask[:, 3:5, 3:60] = 0, 0
    if ending in ("png", "tif", "bmp"):
        save_image(mask, tmp_path / f"m.{ending}")
        assert torch.equal(load_image(tmp_path / f"m.{ending}"), mask.expand(3, -1, -1))
    else:
        with pytest.raises(ValueError, match=".png"): save_image(mask, tmp_path / f"m.{ending}")
        assert not list(tmp_path.iterdir())


def test_png_pixels_keeps_the_pixels_alone():
    file, frames, profile, colors = png_pixels(put_in(BESIDE["a long text"]))
    assert frames == 1 and profile is None and colors == [] and file.getvalue() == png()
