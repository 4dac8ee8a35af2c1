"""CelebA-HQ, Places2 and ImageNet as they are downloaded: miniatures of the same layout, against the unpacked files."""
import io
import pickle
import random
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pconv_edu import decoding
from pconv_edu.commands.train import main as train_main
from pconv_edu.data import InpaintingDataset
from pconv_edu.decoding import BadImage
from pconv_edu.pictures import load_image
from pconv_edu.sources import ZipImages, check_images, open_pictures
from pconv_edu.tars import BadArchive, TarImages


def encoded(seed: int, mode: str = "RGB", kind: str = "JPEG", size=(40, 32)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 5, len(mode)), dtype=np.uint8)
    few = Image.fromarray(np.squeeze(pixels), mode if mode == "CMYK" else None)
    file = io.BytesIO()
    few.resize(size, Image.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()


def tar_of(files: dict[str, bytes], **options) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", **options) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def imagenet(classes=3, each=2) -> dict[str, dict[str, bytes]]:
    "As in ILSVRC2012_img_train.tar: most in RGB, some grey, a few CMYK, and a PNG that is called .JPEG."
    kinds = [{}, {"mode": "L"}, {"mode": "CMYK"}, {"kind": "PNG"}]
    name = lambda k, i: f"n0{1440764 + k}_{10026 + i}.JPEG"
    return {f"n0{1440764 + k}.tar": {
        name(k, i): encoded(10 * k + i, **kinds[(2 * k + i) % 4]) for i in range(each)} for k in range(classes)}


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def downloads(tmp_path):
    "The files as they are downloaded, and what they hold."
    train = {f"data_large/{c[0]}/{c}/0000000{i}.jpg": encoded(i + ord(c[0]))
             for c in ("airfield", "zoo") for i in (1, 2)}
    easy = {f"places365_standard/{part}/airfield/{i:08}.jpg": encoded(i + len(part))
            for part in ("train", "val") for i in (1, 2)}
    faces = {f"CelebAMask-HQ/CelebA-HQ-img/{i}.jpg": encoded(50 + i) for i in range(4)}
    labels = {f"CelebAMask-HQ/CelebAMask-HQ-mask-anno/0/0000{i}_hair.png": encoded(i, "L", "PNG") for i in range(4)}
    (tmp_path / "train_large_places365standard.tar").write_bytes(tar_of(train))
    (tmp_path / "places365standard_easyformat.tar").write_bytes(tar_of({"places365_standard/train.txt": b"x", **easy}))
    classes = imagenet()
    inner = {name: tar_of(files) for name, files in classes.items()}
    (tmp_path / "ILSVRC2012_img_train.tar").write_bytes(tar_of(inner))
    with zipfile.ZipFile(tmp_path / "CelebAMask-HQ.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in {"CelebAMask-HQ/README.txt": b"x", **faces, **labels}.items(): file.writestr(name, data)
    nested = {f"{tar}/{name}": data for tar, files in classes.items() for name, data in files.items()}
    easy_train = {name: data for name, data in easy.items() if "/train/" in name}
    return {
        "train_large_places365standard.tar": ("", train),
        "places365standard_easyformat.tar": ("places365_standard/train", easy_train),
        "ILSVRC2012_img_train.tar": ("", nested),
        "CelebAMask-HQ.zip": ("CelebAMask-HQ/CelebA-HQ-img", faces),
    }


def test_each_download_gives_what_its_unpacked_files_give(downloads, tmp_path):
    "Names, bytes and pixels; the label maps of CelebAMask-HQ and Places2's validation part stay out."
    for archive, (under, files) in downloads.items():
        source = open_pictures(tmp_path / archive / under)
        found = {source.name(i).removeprefix(f"{archive}/"): source.read(i) for i in range(len(source))}
        assert found == files and list(found) == list(files), archive
        whole = unpacked(tmp_path / f"unpacked {archive}", files)
        assert check_images(source) == {}
        samples = InpaintingDataset(source, size=24, seed=3)
        for i, name in enumerate(files):
            wanted = InpaintingDataset([load_image(whole / n) for n in files], size=24, seed=3)[i]
            assert all(torch.equal(a, b) for a, b in zip(samples[i], wanted)), name


def test_each_download_trains_from_the_command_line(downloads, tmp_path):
    valid = tmp_path / "places365standard_easyformat.tar" / "places365_standard" / "val"
    for k, (archive, (under, files)) in enumerate(downloads.items()):
        out = tmp_path / f"run{k}"
        status = train_main([
            str(tmp_path / archive / under), "--out", str(out), "--net", "small", "--size", "32", "--batch", "2",
            "--vgg", "None", "--phases", "initial:1:1e-4", "--device", "cpu", "--no-draw", "--no-progress",
            "--valid", str(valid), "--valid-pairs", "2",
        ])
        assert status == 0 and (out / "config.yaml").exists(), archive


def test_pictures_of_one_name_in_two_inner_tars_keep_their_own_name(tmp_path):
    "And those between and after them, in another shard, too: each name leads to its own bytes."
    def inner(k):
        deep = tar_of({"0.png": data[k + 1]})
        return tar_of({"0.png": data[k], "deep.tar": deep, "1.png": data[k + 2]})
    data = [encoded(k, kind="PNG") for k in range(9)]
    (tmp_path / "a.tar").write_bytes(tar_of({
        "first.png": data[0], "x.tar": inner(1), "between.png": data[4], "y.tar": inner(5), "notes.txt": b"-",
    }))
    (tmp_path / "b.tar").write_bytes(tar_of({"last.png": data[8]}))
    tars = TarImages(tmp_path)
    wanted = [
        "a.tar/first.png", "a.tar/x.tar/0.png", "a.tar/x.tar/deep.tar/0.png", "a.tar/x.tar/1.png", "a.tar/between.png",
        "a.tar/y.tar/0.png", "a.tar/y.tar/deep.tar/0.png", "a.tar/y.tar/1.png", "b.tar/last.png",
    ]
    for again in (tars, TarImages(tmp_path), pickle.loads(pickle.dumps(tars))):
        assert [again.name(i) for i in range(9)] == wanted
        assert [again.read(i) for i in range(9)] == data


def test_a_part_has_an_index_of_its_own(tmp_path):
    files = {f"./{part}/{k}.jpg": encoded(k) for part in ("train", "train2") for k in (1, 2)}
    (tmp_path / "a.tar").write_bytes(tar_of(files))
    counts = [len(open_pictures(tmp_path / "a.tar" / part)) for part in ("train", "train2", "")]
    assert counts == [2, 2, 4] and len(list(tmp_path.glob("a.tar.*index.npy"))) == 3
    part = TarImages(tmp_path / "a.tar", under="train", index=tmp_path / "one.npy")
    assert len(part) == 2 and len(TarImages(tmp_path / "a.tar", index=tmp_path / "one.npy")) == 4


def test_a_folder_that_is_not_there_is_named_with_what_is(downloads, tmp_path):
    with pytest.raises(FileNotFoundError, match="'trian'.*first one there is 'places365_standard/train/airfield"):
        open_pictures(tmp_path / "places365standard_easyformat.tar" / "trian")
    with pytest.raises(FileNotFoundError, match="'img'.*first file there is 'CelebAMask-HQ/README.txt'"):
        open_pictures(tmp_path / "CelebAMask-HQ.zip" / "img")
    with pytest.raises(FileNotFoundError, match="no tar at .*gone.tar"): open_pictures(tmp_path / "gone.tar" / "train")


@pytest.mark.parametrize("damage", ["cut", "rubbish", "compressed", "empty"])
def test_a_damaged_inner_tar_is_named(tmp_path, damage):
    whole = tar_of({f"{k}.jpg": encoded(k) for k in range(3)})
    inner = {"cut": whole[:1500], "rubbish": b"x" * 2048, "compressed": b"\x1f\x8b" + bytes(600), "empty": b""}[damage]
    (tmp_path / "a.tar").write_bytes(tar_of({"good.tar": whole, "bad.tar": inner, "later.tar": whole}))
    with pytest.raises(BadArchive, match="compressed" if damage == "compressed" else "truncated or damaged") as error:
        TarImages(tmp_path / "a.tar")
    assert error.value.path == f"{tmp_path / 'a.tar'}/bad.tar" and not list(tmp_path.glob("*.npy"))


def packed(path: Path, **options) -> Path:
    with zipfile.ZipFile(path, "w", **options) as file:
        for k in range(3): file.writestr(f"p/{k}.jpg", encoded(k))
    return path


def test_zips_that_cannot_be_read_are_named(tmp_path):
    whole = packed(tmp_path / "a.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with pytest.raises(BadArchive, match="cut.zip.*truncated or damaged"): open_pictures(tmp_path / "cut.zip")
    lzma = packed(tmp_path / "lzma.zip", compression=zipfile.ZIP_LZMA)
    with pytest.raises(BadArchive, match="method 14"): open_pictures(lzma)
    locked = bytearray(whole)
    locked[whole.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(BadArchive, match="'p/0.jpg' in it is encrypted"): open_pictures(tmp_path / "locked.zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as file: file.writestr("a.txt", "x")
    with pytest.raises(FileNotFoundError, match="no picture in .*none.zip"): open_pictures(tmp_path / "none.zip")


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_picture_in_a_zip_is_named_and_the_others_are_read(tmp_path, kind):
    path = packed(tmp_path / "a.zip", compression=kind)
    source = open_pictures(path)
    data = bytearray(path.read_bytes())
    start = int(source.entries[1]["offset"]) + 40
    data[start:start + 60] = random.Random(0).randbytes(60)
    path.write_bytes(data)
    assert list(check_images(path)) == ["a.zip/p/1.jpg"]
    assert [source.read(i) for i in (0, 2)] == [encoded(0), encoded(2)]
    path.write_bytes(bytes(len(data)))
    with pytest.raises(BadArchive, match="changed since"): source.read(0)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    "The table's size is the most that is unpacked; a size that no picture has is refused before anything is read."
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file: file.writestr("a.png", bytes(10**6))
    source = ZipImages(tmp_path / "a.zip")
    source.entries["size"] = 100
    with pytest.raises(BadImage, match="a.zip/a.png: its bytes do not match"): source.read(0)
    source.entries["size"] = 2**40
    with pytest.raises(BadImage, match="refused"): source.read(0)


def test_several_zips_are_one_source_and_light_to_send(tmp_path):
    for k in range(2): packed(tmp_path / f"{k}.zip")
    source = open_pictures([tmp_path / f"{k}.zip" for k in range(2)])
    assert [source.name(i) for i in (0, 5)] == ["0.zip/p/0.jpg", "1.zip/p/2.jpg"]
    assert len({source.fingerprint(i) for i in range(6)}) == 3
    sent = pickle.loads(pickle.dumps(source))
    assert [sent.read(i) for i in range(6)] == [encoded(k) for k in (0, 1, 2)] * 2 and len(pickle.dumps(source)) < 3000


@pytest.mark.parametrize("ending", [".tar", ".zip"])
def test_the_limit_of_a_files_size_is_the_one_that_is_set_now(tmp_path, monkeypatch, ending):
    path, photo = tmp_path / f"a{ending}", encoded(0)
    if ending == ".tar": path.write_bytes(tar_of({"a.jpg": photo}))
    else:
        with zipfile.ZipFile(path, "w") as file: file.writestr("a.jpg", photo)
    source = open_pictures(path)
    with source.open(0) as picture: assert picture.size == (40, 32)
    monkeypatch.setattr(decoding, "MAX_BYTES", 100)
    with pytest.raises(BadImage, match="more than 100 are refused"):
        with source.open(0): pass
