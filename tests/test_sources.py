"""Pictures from anywhere: every kind of source gives the same crop; damage is named; draft decoding changes little
and saves much.
"""
import copy
import io
import os
import pickle
import tarfile
import zipfile
from contextlib import contextmanager, suppress
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image

from pconv_edu.commands.evaluate import main
from pconv_edu.commands.inpaint import main as inpaint_main
from pconv_edu.commands.train import main as train_main
from pconv_edu.data import InpaintingDataset, TooManyBadImages
from pconv_edu.evaluation import evaluate, mean_fill
from pconv_edu.masks import rect_mask
from pconv_edu.phases import Phase
from pconv_edu.torchvision_guard import ensure_torchvision
from pconv_edu.pictures import BadImage, sample_photos, save_image, to_pil
from pconv_edu.sources import (
    SOURCES, Checked, Files, Items, Source, check_images, crop_box, cut, decode, open_pictures, read_crop,
    upright_size,
)
from pconv_edu.tars import TarImages
from pconv_edu.train import fit
from pconv_edu.unet import PConvUNet


@pytest.fixture(scope="module")
def photo(): return sample_photos("chelsea")["chelsea"]


@pytest.fixture
def folder(tmp_path, photo):
    root = tmp_path / "photos"
    for k in range(4): save_image(photo[:, k:k + 60, :90], root / f"sub{k % 2}" / f"{k}.png")
    return root


def crops(source, size=32):
    found = []
    for i in range(len(source)):
        with source.open(i) as picture: found.append(read_crop(picture, crop_box(*upright_size(picture), size), size))
    return torch.stack(found)


def test_folder_list_tensors_and_tar_give_the_same_crops(folder, tmp_path):
    files = open_pictures(folder)
    paths = [str(folder / files.name(i)) for i in range(4)]
    with tarfile.open(tmp_path / "p.tar", "w") as tar:
        for path in paths: tar.add(path, os.path.relpath(path, folder))
    tensors = []
    for i in range(4):
        with files.open(i) as picture: tensors.append(torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255)
    wanted = crops(files)
    for other in (paths, tensors, tmp_path / "p.tar", str(tmp_path / "p.tar"), TarImages(tmp_path / "p.tar")):
        source = open_pictures(other)
        assert type(source) is {
            list: Items if isinstance(other, list) and not isinstance(other[0], str) else Files
        }.get(type(other), TarImages)
        assert torch.equal(crops(source), wanted)


def test_names_are_relative_and_survive_a_move(folder):
    names = [open_pictures(folder).name(i) for i in range(4)]
    assert names == ["sub0/0.png", "sub0/2.png", "sub1/1.png", "sub1/3.png"]
    moved = folder.rename(folder.parent / "moved")
    assert [open_pictures(moved).name(i) for i in range(4)] == names


def test_any_file_name_is_kept():
    names = ["a.png", "", "ünïcödé/日本.jpg", os.fsdecode(b"not-utf8-\xff.png"), "x" * 300]
    assert [Files(names).name(i) for i in range(5)] == names


def test_a_million_names_are_one_object(tmp_path):
    "A list of a million paths takes a worker seconds to receive; a block of text does not."
    files = Files([f"train/n{i // 1000:08}/n{i // 1000:08}_{i}.JPEG" for i in range(100_000)])
    data = pickle.dumps(files)
    assert (
        len(data) < 100_000 * 45
        and pickle.loads(data).name(99_999) == files.name(99_999) == "train/n00000099/n00000099_99999.JPEG"
    )


def test_empty_and_missing_are_said(tmp_path):
    with pytest.raises(ValueError, match="empty"): open_pictures([])
    with pytest.raises(FileNotFoundError, match="no folder"): open_pictures(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="no picture"): open_pictures(tmp_path)


# ---- torchvision's datasets: made small on disk, opened by torchvision's own classes ----
def jpeg(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 50), (shade, 0, 0)).save(path)


def imagenet(root, ds):
    for k, wnid in enumerate(("n01", "n02")): jpeg(root / "train" / wnid / f"{wnid}_1.JPEG", 100 + k)
    torch.save(({"n01": ("tench",), "n02": ("goldfish",)}, ["n01"]), root / "meta.bin")
    return ds.ImageNet(root, split="train")


def places365(root, ds, monkeypatch):
    monkeypatch.setattr(ds.places365.Places365, "_check_integrity", lambda self, file, md5, download: True)
    (root / "categories_places365.txt").write_text("/a/airfield 0\n")
    (root / "places365_val.txt").write_text("Places365_val_00000001.jpg 0\nPlaces365_val_00000002.jpg 0\n")
    for k in (1, 2): jpeg(root / "val_256" / f"Places365_val_0000000{k}.jpg", 99 + k)
    return ds.Places365(root, split="val", small=True)


def celeba(root, ds, monkeypatch):
    monkeypatch.setattr(ds.CelebA, "_check_integrity", lambda self: True)
    base = root / "celeba"
    for k in (1, 2): jpeg(base / "img_align_celeba" / f"00000{k}.jpg", 99 + k)
    rows = "".join(f"00000{k}.jpg {{}}\n" for k in (1, 2))
    (base / "list_eval_partition.txt").write_text(rows.format(0, 0))
    (base / "identity_CelebA.txt").write_text(rows.format(7, 8))
    (base / "list_bbox_celeba.txt").write_text("2\nimage_id x y w h\n" + rows.format("1 2 3 4", "1 2 3 4"))
    (base / "list_landmarks_align_celeba.txt").write_text("2\nx y\n" + rows.format("1 2", "1 2"))
    (base / "list_attr_celeba.txt").write_text("2\nYoung\n" + rows.format(1, -1))
    return ds.CelebA(root, split="train")


@pytest.mark.parametrize("name", ["ImageNet", "Places365", "CelebA", "ImageFolder"])
def test_the_papers_datasets_of_torchvision(tmp_path, monkeypatch, name):
    ds = ensure_torchvision().datasets
    make = {
        "ImageNet": lambda: imagenet(tmp_path, ds),
        "Places365": lambda: places365(tmp_path, ds, monkeypatch),
        "CelebA": lambda: celeba(tmp_path, ds, monkeypatch),
        "ImageFolder": lambda: (imagenet(tmp_path, ds), ds.ImageFolder(tmp_path / "train"))[1],
    }
    source = open_pictures(make[name]())
    assert isinstance(source, Files) and len(source) == 2
    wanted = [pixel for pixel in (100, 101)]
    assert (crops(source)[:, 0].mean((1, 2)) * 255).tolist() == pytest.approx(wanted, abs=1.5)
    with source.open(0) as picture: assert picture.size == (40, 50)


def test_a_transform_of_the_dataset_is_kept(tmp_path):
    ds = ensure_torchvision().datasets
    imagenet(tmp_path, ds)
    source = open_pictures(ds.ImageFolder(tmp_path / "train", transform=lambda picture: picture.resize((10, 10))))
    assert isinstance(source, Items) and source.name(1) == "ImageFolder[1]"
    with source.open(0) as picture: assert picture.size == (10, 10)


def test_a_bad_item_of_a_dataset_is_named(tmp_path):
    ds = ensure_torchvision().datasets
    jpeg(tmp_path / "a" / "1.jpg", 5)
    (tmp_path / "a" / "2.jpg").write_bytes(b"nothing")
    source = open_pictures(ds.ImageFolder(tmp_path, transform=lambda picture: picture))
    with pytest.raises(BadImage, match=r"ImageFolder\[1\]: not a picture"):
        with source.open(1): pass


# ---- crops ----
def test_crop_box_by_hand():
    assert crop_box(400, 200, 100) == (100, 0, 300, 200)            # the middle square
    assert crop_box(400, 200, 100, x=0) == (0, 0, 200, 200)
    assert crop_box(400, 200, 100, zoom=2, x=1, y=1) == (300, 100, 400, 200)
    assert crop_box(400, 200, 100, zoom=None, x=.5, y=.5) == (150, 50, 250, 150)
    assert crop_box(60, 50, 100, zoom=None) == (5, 0, 55, 50)       # smaller than the crop: enlarged


def test_boxes_stay_inside():
    rng = np.random.default_rng(0)
    for width, height, size in rng.integers(1, 700, (300, 3)):
        for zoom in (None, 1., 1.7, 9.):
            left, top, right, bottom = crop_box(int(width), int(height), int(size), zoom, *rng.random(2))
            assert (
                0 <= left < right <= width + 1e-9
                and 0 <= top < bottom <= height + 1e-9
                and right - left == pytest.approx(bottom - top)
            )


def test_an_unscaled_crop_keeps_every_pixel(tmp_path, photo):
    save_image(photo, tmp_path / "a.png")
    with Files([tmp_path / "a.png"]).open(0) as picture: crop = read_crop(picture, (30, 40, 158, 168), 128)
    assert torch.equal(crop, photo[:, 40:168, 30:158])


def test_flip_mirrors(photo):
    picture = to_pil(photo)
    box = crop_box(*picture.size, 64)
    assert torch.equal(read_crop(picture, box, 64, flip=True), read_crop(picture, box, 64).flip(2))


def test_a_crop_is_the_same_as_cutting_the_whole_resized_picture(photo):
    "Cutting and scaling in one go against the obvious way: scale all of it, then cut."
    picture = to_pil(photo)  # 451 × 300
    whole = picture.resize((226, 150), Image.Resampling.BICUBIC)
    obvious = torch.from_numpy(np.array(whole)[:, 38:188]).permute(2, 0, 1).float() / 255
    crop = read_crop(picture, crop_box(451, 300, 150), 150)
    assert (crop - obvious).abs().mean() < .01


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_before_the_crop(tmp_path, orientation):
    upright = torch.zeros(3, 96, 64)
    upright[0, :48], upright[1, :, :32] = 1, 1
    # the inverse of what EXIF asks the reader to do
    to_file = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    picture = to_pil(upright) if to_file is None else to_pil(upright).transpose(Image.Transpose(to_file))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.jpg", "a.png", "a.tif"):
        picture.save(tmp_path / name, exif=exif, **({"quality": 100, "subsampling": 0} if name == "a.jpg" else {}))
    for name, zoom in product(("a.jpg", "a.png", "a.tif"), (1., 2.)):
        with Files([tmp_path / name]).open(0) as opened:
            assert upright_size(opened) == (64, 96)
            crop = read_crop(opened, crop_box(64, 96, 16, zoom, 0, 0), 16)
        wanted = read_crop(to_pil(upright), crop_box(64, 96, 16, zoom, 0, 0), 16)
        assert (crop - wanted).abs().mean() < .03, (name, orientation)


def test_draft_decodes_less_and_changes_little(tmp_path, photo):
    save_image(
        torch.nn.functional.interpolate(photo[None], (1200, 1804), mode="bicubic").clamp(0, 1)[0], tmp_path / "a.jpg"
    )
    full = (1804, 1200)
    box = crop_box(*full, 128)
    with Files([tmp_path / "a.jpg"]).open(0) as picture: small = decode(picture, 1200 / 128)
    assert small.size == (226, 150)  # an eighth, and still at least 128
    with Files([tmp_path / "a.jpg"]).open(0) as picture: large = decode(picture)
    assert large.size == full
    quick, slow = (np.array(cut(p, box, full, 128)).astype(float) for p in (small, large))
    for shrink in (1, 1.99, 2, 3.99, 4, 7.99, 8, 30):
        with Files([tmp_path / "a.jpg"]).open(0) as picture: height = decode(picture, shrink).height
        assert max(1200 / shrink, 150) <= height < 2.01 * 1200 / min(shrink, 8), shrink
    assert 10 * np.log10(255**2 / ((quick - slow)**2).mean()) > 35


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16", "1", "LA"])
def test_any_mode_becomes_rgb(tmp_path, mode):
    picture = Image.new("RGB", (40, 40), (200, 200, 200))
    picture = Image.fromarray(np.full((40, 40), 200 * 257, np.uint16)) if mode == "I;16" else picture.convert(mode)
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    picture.save(path)
    with Files([path]).open(0) as opened: crop = read_crop(opened, crop_box(40, 40, 16), 16)
    assert crop.shape == (3, 16, 16) and (crop.mean().item() == pytest.approx(200 / 255, abs=.02))


# ---- damage, at the scan ----
def damage(folder, photo):
    "Six bad files and one that is only misnamed."
    good = io.BytesIO()
    to_pil(photo).save(good, "JPEG")
    (folder / "cut.jpg").write_bytes(good.getvalue()[:2000])
    (folder / "empty.png").write_bytes(b"")
    (folder / "forged.jpg").write_bytes(b"<html>404 not found</html>")
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "misnamed.png").write_bytes(good.getvalue())  # a JPEG named .png is no damage
    return {"cut.jpg", "empty.png", "forged.jpg", "gone.png"}


def test_the_scan_names_every_bad_file(folder, photo):
    bad = damage(folder, photo)
    found = check_images(folder)
    assert set(found) == bad and all(found.values())
    assert set(check_images(folder, workers=2)) == bad
    assert check_images([folder / "sub0" / "0.png", folder / "gone.png"]) == {
        str(folder / "gone.png"): "there is no such file"
    }


def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 9
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as picture: assert upright_size(picture) == (40, 20)


# ---- one door ----
def test_a_list_of_anything_is_the_same_picture(tmp_path, photo):
    "PIL, array, uint8 tensor, float tensor, {'image': PIL}, (picture, label), path: the same crop to the bit."
    picture = to_pil(photo)
    picture.save(tmp_path / "a.png")
    pixels = np.array(picture)
    levels = torch.from_numpy(pixels).permute(2, 0, 1)
    items = [
        picture, pixels, levels, levels / 255, (levels / 255).double(), {"image": picture}, (picture, 3),
        tmp_path / "a.png",
    ]
    wanted = crops(open_pictures([tmp_path / "a.png"]))[0]
    for item, crop in zip(items, crops(open_pictures(items))): assert torch.equal(crop, wanted), type(item)
    for batch in (torch.stack([levels] * 2), np.stack([pixels] * 2)):
        assert torch.equal(crops(open_pictures(batch))[1], wanted)


def test_fine_levels_of_a_tensor_are_kept(photo):
    "Floats were cut to 8 bits on their way into a training."
    fine = (photo * .9 + torch.linspace(0, .1, photo.shape[2])).clamp(0, 1)
    with open_pictures([fine]).open(0) as picture:
        assert torch.equal(read_crop(picture, (30, 40, 158, 168), 128), fine[:, 40:168, 30:158])
        assert torch.equal(read_crop(picture, (30, 40, 158, 168), 128, flip=True), fine[:, 40:168, 30:158].flip(2))
        small = read_crop(picture, crop_box(451, 300, 64), 64)
    rough = read_crop(to_pil(fine), crop_box(451, 300, 64), 64)
    assert 0 < (small - rough).abs().max() < 1.01 / 255 and 0 <= small.min() and small.max() <= 1


def test_names_of_a_dict_are_its_keys(photo):
    source = open_pictures({"cat": photo, 7: photo})
    assert [source.name(i) for i in range(2)] == ["cat", "7"] and open_pictures([photo]).name(0) == "list[0]"


def test_what_is_no_source_is_said(tmp_path, photo):
    for one in (photo, to_pil(photo), np.array(to_pil(photo))):
        with pytest.raises(ValueError, match=type(one).__name__): open_pictures(one)
    for other in ({1, 2}, (p for p in [photo]), 5):
        with pytest.raises(TypeError, match=type(other).__name__): open_pictures(other)
    with pytest.raises(ValueError, match="empty"): open_pictures({})
    with pytest.raises(ValueError, match=r"\.tar.*\.png"): open_pictures(["a.tar", "b.png"])


def test_one_file_is_a_source(tmp_path, photo):
    save_image(photo, tmp_path / "a.png")
    source = open_pictures(tmp_path / "a.png")
    assert len(source) == 1 and source.name(0) == "a.png" and crops(source).shape == (1, 3, 32, 32)


def test_the_home_folder_in_a_path(tmp_path, monkeypatch, photo):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_image(photo, tmp_path / "p" / "a.png")
    for images in ("~/p", "~/p/a.png", ["~/p/a.png"], {"a": "~/p/a.png"}):
        assert crops(open_pictures(images)).shape == (1, 3, 32, 32)


def test_fingerprints_change_with_the_picture(folder, tmp_path, photo):
    def fingerprints(images): return [open_pictures(images).fingerprint(i) for i in range(len(open_pictures(images)))]
    with tarfile.open(tmp_path / "p.tar", "w") as tar: tar.add(folder, "p")
    arrays = [np.array(to_pil(photo[:, k:k + 60, :90])) for k in range(4)]
    paths = [folder / open_pictures(folder).name(i) for i in range(4)]
    kinds = {
        "folder": folder,
        "paths": paths,
        "tar": tmp_path / "p.tar",
        "arrays": arrays,
        "pil": [Image.fromarray(a) for a in arrays],
        "tensors": [torch.from_numpy(a).permute(2, 0, 1) for a in arrays],
        "bfloat16": [torch.from_numpy(a).bfloat16() / 255 for a in arrays],
    }
    before = {kind: fingerprints(images) for kind, images in kinds.items()}
    assert before == {kind: fingerprints(images) for kind, images in kinds.items()}
    for path in paths: path.write_bytes(path.read_bytes() + b"more")
    with tarfile.open(tmp_path / "p.tar", "w") as tar: tar.add(folder, "p")
    kinds |= {
        kind: [
            1 - item
            if isinstance(item, torch.Tensor)
            else Image.eval(item, lambda v: 255 - v)
            if kind == "pil"
            else 255 - item
            for item in kinds[kind]
        ]
        for kind in ("arrays", "pil", "tensors", "bfloat16")
    }
    for kind, images in kinds.items(): assert all(a != b for a, b in zip(before[kind], fingerprints(images))), kind
    (folder / "sub0" / "0.png").unlink()
    assert open_pictures(paths).fingerprint(0) == b"missing\n"


# ---- a source of one's own ----
class ZipImages:
    def __init__(self, path):
        self.path = path
        with zipfile.ZipFile(path) as file: self.members = file.infolist()

    def __len__(self): return len(self.members)
    def name(self, i): return self.members[i].filename
    def fingerprint(self, i): return self.members[i].CRC.to_bytes(4, "big")

    @contextmanager
    def open(self, i):
        with zipfile.ZipFile(self.path) as file, file.open(self.members[i]) as data: yield Image.open(data)


@pytest.fixture
def zipped(folder, monkeypatch):
    path = folder.parent / "photos.zip"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(4): file.write(folder / open_pictures(folder).name(i), open_pictures(folder).name(i))
    monkeypatch.setitem(SOURCES, ".zip", ZipImages)
    return path


def test_help_and_errors_name_every_kind_of_archive(zipped, capsys):
    for command in (main, inpaint_main, train_main):
        with suppress(SystemExit): command(["--help"])
        assert "archive (.tar, .zip)" in " ".join(capsys.readouterr().out.split()), command.__module__
    with pytest.raises(TypeError, match=r"archive \(\.tar, \.zip\)"): open_pictures(3)


def test_a_zip_is_a_source_everywhere(folder, zipped, tmp_path, capsys):
    "One class and one line: `fit`, `evaluate` and the command take it, and get what the folder gives."
    source = open_pictures(zipped)
    assert (
        isinstance(ZipImages(zipped), Source)
        and isinstance(source, Checked)
        and torch.equal(crops(source), crops(open_pictures(folder)))
    )
    options = dict(
        net=PConvUNet(widths=(4, 8)), phases=(Phase("a", 2, 1e-3),), size=16, batch=2, vgg=None, draw=False,
        progress=False, device="cpu",
    )
    losses = [
        fit(images, out=tmp_path / f"run{k}", **{**options, "net": copy.deepcopy(options["net"])}).history[-1]["loss"]
        for k, images in enumerate((folder, zipped, ZipImages(zipped)))
    ]
    assert losses[0] == losses[1] == losses[2]
    tables = [evaluate(mean_fill, images, size=32) for images in (folder, zipped, ZipImages(zipped))]
    assert tables[0].rows == tables[1].rows == tables[2].rows and tables[0].pairs == tables[1].pairs
    assert main([str(zipped), "--net", "mean", "--size", "32", "--quiet"]) == 0
    assert str(tables[0]).splitlines()[1:] == capsys.readouterr().out.splitlines()[1:]
    save_image(1 - rect_mask((60, 90), 20, 30, 12, 12), tmp_path / "hole.png")
    for photos in (folder, zipped):
        assert (
            inpaint_main(
                [
                    str(photos), "--mask", str(tmp_path / "hole.png"), "-o", str(tmp_path / f"out {photos.name}"),
                    "--quiet",
                ]
            )
            == 0
        )
    filled = [
        {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.png")}
        for out in tmp_path.glob("out *")
    ]
    assert filled[0] == filled[1] and len(filled[0]) == 4


def test_photos_of_a_tar_are_filled_and_none_leaves_the_folder(folder, tmp_path, capsys):
    save_image(1 - rect_mask((60, 90), 20, 30, 12, 12), tmp_path / "hole.png")
    with tarfile.open(tmp_path / "p.tar", "w") as tar: tar.add(folder, "p")
    arguments = ["--mask", str(tmp_path / "hole.png"), "-o", str(tmp_path / "out"), "--quiet"]
    assert (
        inpaint_main([str(tmp_path / "p.tar"), *arguments]) == 0 and len(list((tmp_path / "out").rglob("*.png"))) == 4
    )
    with tarfile.open(tmp_path / "q.tar", "w") as tar: tar.add(folder / "sub0" / "0.png", "../../outside.png")
    assert inpaint_main([str(tmp_path / "q.tar"), *arguments]) == 2 and "outside.png" in capsys.readouterr().err
    assert not list(tmp_path.parent.glob("outside.png"))


def test_errors_of_someone_elses_source_carry_the_name(zipped):
    data = bytearray(zipped.read_bytes())
    data[60:80] = bytes(20)  # inside the first member
    zipped.write_bytes(data)
    source = open_pictures(zipped)
    with pytest.raises(BadImage) as error:
        with source.open(0) as picture: decode(picture)
    assert error.value.path == source.name(0)
    assert list(check_images(zipped)) == [source.name(0)]


def test_one_picture_in_every_form_and_every_place(tmp_path, photo):
    """File, folder, tar, PIL, array, uint8, float32 and float64 tensor, {'image':

    PIL}, dict, data set: the same sample and the same score.
    """
    picture = to_pil(photo)
    (tmp_path / "photos").mkdir()
    picture.save(tmp_path / "photos" / "a.png")
    with tarfile.open(tmp_path / "p.tar", "w") as tar: tar.add(tmp_path / "photos" / "a.png", "a.png")
    pixels = np.array(picture)
    levels = torch.from_numpy(pixels).permute(2, 0, 1)

    class Handed(torch.utils.data.Dataset):
        def __len__(self): return 1
        def __getitem__(self, i): return {"image": picture, "label": 3}

    items = [
        picture, pixels, levels, levels / 255, levels.double() / 255, {"image": picture}, {"image": pixels},
        (levels, 0), tmp_path / "photos" / "a.png",
    ]
    forms = [
        tmp_path / "photos", tmp_path / "photos" / "a.png", tmp_path / "p.tar", {"a": levels}, levels[None],
        pixels[None], Handed(), *([item] for item in items),
    ]
    samples = [InpaintingDataset(images, size=40)[0] for images in forms]
    rows = [evaluate(mean_fill, images, size=40, per_bin=1).rows for images in forms]
    for k, form in enumerate(forms):
        assert torch.equal(samples[k][0], samples[0][0]) and torch.equal(samples[k][1], samples[0][1]), k
        assert rows[k] == rows[0], k


@pytest.mark.parametrize(
    "wrong",
    [
        lambda p: (p * 255).round().long(), lambda p: p * 255, lambda p: p * 2 - 1, lambda p: p / 0,
        lambda p: p * torch.nan, lambda p: p > 0.5, lambda p: (p.permute(1, 2, 0) * 255).numpy(),
    ],
)
def test_levels_that_nothing_tells_are_refused_by_name(photo, wrong):
    "They were clamped to white, or scored at -42 dB."
    for images in ({"good": photo, "bad": wrong(photo)}, [photo, wrong(photo)]):
        name = "bad" if isinstance(images, dict) else r"list\[1\]"
        with pytest.raises((BadImage, TooManyBadImages), match=name):
            [pair for pair in InpaintingDataset(images, size=40, max_bad=0)]
        for size in (40, 300):
            with pytest.raises(BadImage, match=name): evaluate(mean_fill, images, size=size)
