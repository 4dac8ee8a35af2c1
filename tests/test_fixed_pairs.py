"""Validation pairs from a manifest: the same for ever, or an error that says what changed."""
import json
import shutil
import warnings

import pytest
import torch

from pconv_edu.data import InpaintingDataset, batches
from pconv_edu.fixed_pairs import FixedPairs, save_pairs
from pconv_edu.masks import irregular_mask, rect_mask
from pconv_edu.pictures import BadImage, sample_photos, save_image


@pytest.fixture
def folder(tmp_path):
    photo = sample_photos("coffee")["coffee"]
    for k in range(6): save_image(photo[:, 20 * k:20 * k + 80, :120], tmp_path / "photos" / f"sub{k % 2}" / f"{k}.png")
    return tmp_path / "photos"


@pytest.fixture
def masks(tmp_path):
    for k in range(4): save_image(1 - irregular_mask(64, ratio=(.1, .4), seed=k), tmp_path / "masks" / f"m{k}.png")
    return tmp_path / "masks"


def same(one, other): return all(torch.equal(a, b) for p, q in zip(one, other, strict=True) for a, b in zip(p, q))


def first(ds, count): return [ds[n] for n in range(count)]


def test_generated_masks(folder, tmp_path):
    ds = InpaintingDataset(folder, size=32, seed=4, zoom=(1, 2))
    save_pairs(ds, tmp_path / "pairs.json", 9)
    fixed = FixedPairs(tmp_path / "pairs.json", folder)
    assert len(fixed) == 9 and same(first(fixed, 9), first(ds, 9)) and [fixed.name(n) for n in range(9)] == [ds.name(n) for n in range(9)]


@pytest.mark.parametrize("augment", [False, True])
def test_masks_from_files(folder, masks, tmp_path, augment):
    ds = InpaintingDataset(folder, masks, size=32, augment_masks=augment)
    save_pairs(ds, tmp_path / "pairs.json", 6)
    assert same(first(FixedPairs(tmp_path / "pairs.json", folder, masks), 6), first(ds, 6))
    assert {pair["mask"]["file"] for pair in json.loads((tmp_path / "pairs.json").read_text())["pairs"]} <= {f"m{k}.png" for k in range(4)}


def test_masks_of_one_name_in_two_folders(folder, tmp_path):
    "Masks known by the last part of their path: of two of one name the manifest found the last."
    for k in range(3): save_image(1 - rect_mask(32, k, k, 8 + k, 8), tmp_path / "bins" / str(k) / "0.png")
    ds = InpaintingDataset(folder, tmp_path / "bins", size=32)
    save_pairs(ds, tmp_path / "pairs.json", 9)
    assert same(first(FixedPairs(tmp_path / "pairs.json", folder, tmp_path / "bins"), 9), first(ds, 9))
    assert len({mask.numpy().tobytes() for _, mask in first(ds, 9)}) == 3


def test_two_evaluations_see_the_same_pairs(folder, tmp_path):
    "Bug 27: test crops and masks drawn at random. More pictures in the folder, another order or seed: the pairs stay."
    save_pairs(InpaintingDataset(folder, size=32), tmp_path / "pairs.json", 6)
    before = first(FixedPairs(tmp_path / "pairs.json", folder), 6)
    for k in range(5): shutil.copy(folder / "sub0" / "0.png", folder / f"_new{k}.png")
    assert same(before, first(FixedPairs(tmp_path / "pairs.json", folder.rename(tmp_path / "moved")), 6))


def test_the_masks_of_the_pairs_differ(folder, tmp_path):
    "Bug 13: every validation sample reseeded alike, all validation masks identical."
    save_pairs(InpaintingDataset(folder, size=32), tmp_path / "pairs.json", 6)
    assert len({mask.numpy().tobytes() for _, mask in first(FixedPairs(tmp_path / "pairs.json", folder), 6)}) == 6


def test_the_manifest_is_readable(folder, tmp_path):
    save_pairs(InpaintingDataset(folder, size=32), tmp_path / "pairs.json", 6)
    pairs = json.loads((tmp_path / "pairs.json").read_text())["pairs"]
    assert set(pairs[0]) == {"image", "full", "box", "flip", "mask"} and pairs[0]["full"] == [120, 80] and set(pairs[0]["mask"]) == {"ratio", "seed", "checksum"}
    assert {pair["image"] for pair in pairs} == {f"sub{k % 2}/{k}.png" for k in range(6)}
    assert len((tmp_path / "pairs.json").read_text().splitlines()) == 8  # a line for each pair


def test_change_is_noticed(folder, masks, tmp_path):
    save_pairs(InpaintingDataset(folder, masks, size=32), tmp_path / "pairs.json", 6)
    manifest = tmp_path / "pairs.json"
    with pytest.raises(ValueError, match="not the one that was fixed"): FixedPairs(manifest, folder, masks, hole="black")[0]
    with pytest.raises(FileNotFoundError, match="masks in the manifest"): FixedPairs(manifest, folder)
    fixed = FixedPairs(manifest, folder, masks)
    save_image(torch.rand(3, 70, 120), folder / fixed.name(0))
    with pytest.raises(BadImage, match=r"was \[120, 80\] .* now"): fixed[0]
    (folder / fixed.name(1)).write_bytes(b"")
    with pytest.raises(BadImage, match=fixed.name(1)): fixed[1]
    (folder / fixed.name(2)).unlink()
    with pytest.raises(FileNotFoundError, match="1 of the 6 pictures .* not there.*" + fixed.name(2)): FixedPairs(manifest, folder, masks)


def test_bad_files_are_replaced_before_they_are_fixed(folder, tmp_path):
    (folder / "sub0" / "0.png").write_bytes(b"")
    save_pairs(InpaintingDataset(folder, size=32), tmp_path / "pairs.json", 6)
    assert len(first(FixedPairs(tmp_path / "pairs.json", folder), 6)) == 6


def test_batches_of_fixed_pairs(folder, tmp_path):
    save_pairs(InpaintingDataset(folder, size=32), tmp_path / "pairs.json", 6)
    fixed = FixedPairs(tmp_path / "pairs.json", folder)
    assert torch.equal(torch.cat([images for images, _ in batches(fixed, 3, stop=2, workers=2)]), torch.stack([image for image, _ in first(fixed, 6)]))


def test_official_masks_are_right_here(folder, tmp_path):
    from pconv_edu.masks import RATIO_BINS
    for number in range(37, 12_000, 3000): save_image(1 - irregular_mask(64, ratio=RATIO_BINS[number // 2000], seed=number), tmp_path / "m" / f"{number:05}.png")
    with pytest.warns(UserWarning, match="test masks"): ds = InpaintingDataset(folder, tmp_path / "m", size=32)
    save_pairs(ds, tmp_path / "pairs.json", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FixedPairs(tmp_path / "pairs.json", folder, tmp_path / "m")


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"size": 32, "pairs": [{"picture": "a", "mask": "seed 1", "bin": 0}]}'])
def test_what_is_no_manifest_is_said(folder, tmp_path, text):
    "The manifest of `evaluate` looks alike: a bare KeyError."
    (tmp_path / "pairs.json").write_text(text)
    with pytest.raises(ValueError, match="pairs.json' is no manifest of fixed pairs.*save_pairs"): FixedPairs(tmp_path / "pairs.json", folder)
