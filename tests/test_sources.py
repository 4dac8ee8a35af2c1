"""Pictures from anywhere: every kind of source gives the same crop; damage is named; draft decoding changes little and saves much."""
import io
import os
import pickle
import tarfile
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image

from pconv_edu.torchvision_guard import ensure_torchvision
from pconv_edu.pictures import BadImage, sample_photos, save_image, to_pil
from pconv_edu.sources import Files, Items, check_images, crop_box, cut, decode, open_pictures, read_crop, upright_size
from pconv_edu.tars import TarImages


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
        assert type(source) is {list: Items if isinstance(other, list) and not isinstance(other[0], str) else Files}.get(type(other), TarImages)
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
    assert len(data) < 100_000 * 45 and pickle.loads(data).name(99_999) == files.name(99_999) == "train/n00000099/n00000099_99999.JPEG"


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
    make = {"ImageNet": lambda: imagenet(tmp_path, ds), "Places365": lambda: places365(tmp_path, ds, monkeypatch),
            "CelebA": lambda: celeba(tmp_path, ds, monkeypatch), "ImageFolder": lambda: (imagenet(tmp_path, ds), ds.ImageFolder(tmp_path / "train"))[1]}
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
    with pytest.raises(BadImage, match=r"ImageFolder\[1\]: no picture"):
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
            assert 0 <= left < right <= width + 1e-9 and 0 <= top < bottom <= height + 1e-9 and right - left == pytest.approx(bottom - top)


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
    to_file = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # the inverse of what EXIF asks the reader to do
    picture = to_pil(upright) if to_file is None else to_pil(upright).transpose(Image.Transpose(to_file))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.jpg", "a.png", "a.tif"): picture.save(tmp_path / name, exif=exif, **({"quality": 100, "subsampling": 0} if name == "a.jpg" else {}))
    for name, zoom in product(("a.jpg", "a.png", "a.tif"), (1., 2.)):
        with Files([tmp_path / name]).open(0) as opened:
            assert upright_size(opened) == (64, 96)
            crop = read_crop(opened, crop_box(64, 96, 16, zoom, 0, 0), 16)
        wanted = read_crop(to_pil(upright), crop_box(64, 96, 16, zoom, 0, 0), 16)
        assert (crop - wanted).abs().mean() < .03, (name, orientation)


def test_draft_decodes_less_and_changes_little(tmp_path, photo):
    save_image(torch.nn.functional.interpolate(photo[None], (1200, 1804), mode="bicubic").clamp(0, 1)[0], tmp_path / "a.jpg")
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
    assert check_images([folder / "sub0" / "0.png", folder / "gone.png"]) == {str(folder / "gone.png"): "there is no such file"}


def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 9
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as picture: assert upright_size(picture) == (40, 20)
