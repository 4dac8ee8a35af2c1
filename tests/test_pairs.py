"""One manifest for validation and evaluation: the same pairs for ever, or an error that says what changed."""
import json
import os
import shutil
import warnings

import pytest
import torch

from pconv_edu.data import InpaintingDataset, batches
from pconv_edu.masks import irregular_mask, ratio_bin, rect_mask
from pconv_edu.evaluation import evaluate, mean_fill
from pconv_edu.pairs import RIGHT, BadPairs, FixedPairs, Pair, load_manifest, make_pairs, save_manifest, save_pairs
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
    assert (
        len(fixed) == 9
        and same(first(fixed, 9), first(ds, 9))
        and [fixed.name(n) for n in range(9)] == [ds.name(n) for n in range(9)]
    )


@pytest.mark.parametrize("augment", [False, True])
def test_masks_from_files(folder, masks, tmp_path, augment):
    ds = InpaintingDataset(folder, masks, size=32, augment_masks=augment)
    save_pairs(ds, tmp_path / "pairs.json", 6)
    assert same(first(FixedPairs(tmp_path / "pairs.json", folder, masks), 6), first(ds, 6))
    assert {pair["mask"] for pair in json.loads((tmp_path / "pairs.json").read_text())["pairs"]} <= {
        f"m{k}.png" for k in range(4)
    }


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
    assert set(pairs[0]) >= {"picture", "full", "box", "mask", "bin", "ratio", "digest", "look"} and pairs[0][
        "full"
    ] == [120, 80]
    assert {pair["picture"] for pair in pairs} == {f"sub{k % 2}/{k}.png" for k in range(6)}
    assert len((tmp_path / "pairs.json").read_text().splitlines()) == 8  # a line for each pair
    assert load_manifest(tmp_path / "pairs.json")[0][0].box == tuple(pairs[0]["box"])


def test_change_is_noticed(folder, masks, tmp_path):
    save_pairs(InpaintingDataset(folder, masks, size=32), tmp_path / "pairs.json", 6)
    manifest = tmp_path / "pairs.json"
    with pytest.raises(ValueError, match=r"m\d.png' is not the mask"):
        FixedPairs(manifest, folder, masks, hole="black")[0]
    with pytest.raises(ValueError, match=r"m\d.png.*masks="): FixedPairs(manifest, folder)
    fixed = FixedPairs(manifest, folder, masks)
    with pytest.raises(ValueError, match="masks of the pairs.*m"):
        FixedPairs(manifest, folder, [irregular_mask(32, 0.2, seed=1)])
    save_image(torch.rand(3, 70, 120), folder / fixed.name(0))
    with pytest.raises(BadImage, match=r"was \(120, 80\) .* \(120, 70\) now") as error: fixed[0]
    assert error.value.path == fixed.name(0)
    save_image(torch.rand(3, 80, 120), folder / fixed.name(3))
    with pytest.raises(ValueError, match=f"{fixed.name(3)}' is not the picture"): fixed[3]
    (folder / fixed.name(1)).write_bytes(b"")
    with pytest.raises(BadImage, match=fixed.name(1)): fixed[1]
    (folder / fixed.name(2)).unlink()
    with pytest.raises(ValueError, match="1 of the 6 pictures .*" + fixed.name(2)): FixedPairs(manifest, folder, masks)


def test_bad_files_are_replaced_before_they_are_fixed(folder, tmp_path):
    (folder / "sub0" / "0.png").write_bytes(b"")
    save_pairs(InpaintingDataset(folder, size=32), tmp_path / "pairs.json", 6)
    assert len(first(FixedPairs(tmp_path / "pairs.json", folder), 6)) == 6


def test_batches_of_fixed_pairs(folder, tmp_path):
    save_pairs(InpaintingDataset(folder, size=32), tmp_path / "pairs.json", 6)
    fixed = FixedPairs(tmp_path / "pairs.json", folder)
    assert torch.equal(
        torch.cat([images for images, _ in batches(fixed, 3, stop=2, workers=2)]),
        torch.stack([image for image, _ in first(fixed, 6)]),
    )


def test_official_masks_are_right_here(folder, tmp_path):
    from pconv_edu.masks import RATIO_BINS

    for number in range(37, 12_000, 3000):
        save_image(
            1 - irregular_mask(64, ratio=RATIO_BINS[number // 2000], seed=number), tmp_path / "m" / f"{number:05}.png"
        )
    with pytest.warns(UserWarning, match="test masks"): ds = InpaintingDataset(folder, tmp_path / "m", size=32)
    save_pairs(ds, tmp_path / "pairs.json", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FixedPairs(tmp_path / "pairs.json", folder, tmp_path / "m")


# ---- one format ----
def test_pairs_of_a_training_are_evaluated_and_the_other_way_round(folder, masks, tmp_path):
    "Two kinds of manifest refused each other's files."
    ds = InpaintingDataset(folder, masks, size=32, zoom=(1, 2))
    save_pairs(ds, tmp_path / "crops.json", 6)
    table = evaluate(mean_fill, folder, masks, pairs=tmp_path / "crops.json")
    assert [pair.picture for pair in table.pairs] == [ds.name(n) for n in range(6)] and None not in table.bins()
    for n, row in enumerate(table.rows):
        image, mask = ds[n]
        hole = (1 - mask).expand_as(image) > 0
        mse = (mean_fill(image[None], mask[None])[0] - image)[hole].double().square().mean()
        assert row["hole_psnr"] == pytest.approx(-10 * mse.log10().item(), abs=1e-4)
    table.save(tmp_path / "table")
    assert same(first(FixedPairs(tmp_path / "table" / "pairs.json", folder, masks), 6), first(ds, 6))
    pairs = make_pairs(folder, masks, size=32, per_bin=2)
    assert len(FixedPairs(pairs, folder, masks, size=32)) == len(pairs)
    for n, pair in enumerate(pairs):
        assert FixedPairs(pairs, folder, masks, size=32)[n][1].mean().item() == pytest.approx(1 - pair.ratio)


OLD_CROPS = """{"size": 32, "pairs": [
{"image": "sub1/3.png", "full": [120, 80], "box": [40, 37, 81.17225424967043, 78.17225424967043], "flip": true, \
"mask": {"ratio": [0.3, 0.4], "seed": [4, 0, 0, 1], "checksum": 4112936538}},
{"image": "sub0/4.png", "full": [120, 80], "box": [4, 5, 68.80188264546753, 69.80188264546753], "flip": true, \
"mask": {"ratio": [0.3, 0.4], "seed": [4, 0, 1, 1], "checksum": 3629324243}}
]}
"""
OLD_AUGMENTED = """{"size": 32, "pairs": [
{"image": "sub1/3.png", "full": [120, 80], "box": [20, 0, 100.0, 80.0], "flip": true, \
"mask": {"file": "m2.png", "seed": [4, 0, 0, 1], "checksum": 2429911770}},
{"image": "sub0/4.png", "full": [120, 80], "box": [2, 0, 82.0, 80.0], "flip": true, \
"mask": {"file": "m2.png", "seed": [4, 0, 1, 1], "checksum": 1364212200}}
]}
"""
OLD_FILES = """{"size": 32, "pairs": [
{"image": "sub1/3.png", "full": [120, 80], "box": [20, 0, 100.0, 80.0], "flip": true, "mask": {"file": "m2.png", "checksum": 1277388330}}
]}
"""
OLD_TABLE = """{"size": 32, "pairs": [
{"picture": "chelsea", "mask": "seed 0", "bin": 0, "ratio": 0.0419921875, "digest": "611c75cbc072901c", "border": true, \
"look": "74655e7a6e51837170696c738b7a6184"},
{"picture": "chelsea", "mask": "seed 300000", "bin": 3, "ratio": 0.3359375, "digest": "31a80be70e05c745", "border": true, \
"look": "74655e7a6e51837170696c738b7a6184"}
]}
"""
OLD_LIST = """{"size": 32, "pairs": [
{"picture": "00000", "mask": "m0.png", "bin": 1, "ratio": 0.19921875, "digest": "8c8126ee44d63045", "border": true, \
"look": "74655e7a6e51837170696c738b7a6184"}
]}
"""


@pytest.mark.parametrize(
    "text, zoom, augment, files",
    [(OLD_CROPS, (1, 2), False, False), (OLD_AUGMENTED, (1, 1), True, True), (OLD_FILES, (1, 1), False, True)],
)
def test_older_manifests_of_crops_are_opened(folder, masks, tmp_path, text, zoom, augment, files):
    (tmp_path / "old.json").write_text(text)
    given = masks if files else None
    fixed = FixedPairs(tmp_path / "old.json", folder, given)
    assert same(
        first(fixed, len(fixed)),
        first(InpaintingDataset(folder, given, size=32, seed=4, zoom=zoom, augment_masks=augment), len(fixed)),
    )
    table = evaluate(mean_fill, folder, given, pairs=tmp_path / "old.json")
    for n, pair in enumerate(table.pairs):  # what the old file did not note
        assert pair.ratio == pytest.approx(1 - fixed[n][1].mean().item()) and pair.bin == ratio_bin(pair.ratio)
    (tmp_path / "changed.json").write_text(text.replace('"checksum": ', '"checksum": 1'))
    with pytest.raises(ValueError, match=f"{fixed.pairs[0].mask}' is not the mask"):
        FixedPairs(tmp_path / "changed.json", folder, given)[0]


def test_older_manifests_of_tables_are_opened(masks, tmp_path):
    "With the scores that the older version gave."
    photos = sample_photos("chelsea", "rocket", size=32)
    (tmp_path / "old.json").write_text(OLD_TABLE)
    rows = evaluate(mean_fill, photos, pairs=tmp_path / "old.json").rows
    assert [row["psnr"] for row in rows] == pytest.approx([35.33042091654808, 22.184711299129912], abs=1e-6)
    (tmp_path / "list.json").write_text(OLD_LIST)  # pictures of a list were numbered
    assert evaluate(mean_fill, list(photos.values()), masks, pairs=tmp_path / "list.json").bins() == [1]


# ---- rubbish ----
GOOD = {"picture": "a", "mask": "seed 5", "bin": 1, "ratio": .1, "digest": "0"}

@pytest.mark.parametrize(
    "text",
    [
        "{}", "[]", "no json", "5", '"x"', "null", '{"size": 32}', '{"size": 32, "pairs": []}',
        '{"size": 32, "pairs": 5}', '{"size": 32, "pairs": [7]}', '{"size": 32, "pairs": ["x"]}',
        '{"size": 32, "pairs": [{"image": 5}]}',
        '{"size": 32, "pairs": [{"picture": "a", "mask": "seed 1", "bin": 0}]}', "[" * 100_000, "\udcff",
    ],
)
def test_what_is_no_manifest_is_said(folder, tmp_path, text):
    (tmp_path / "pairs.json").write_text(text, errors="surrogateescape")
    with pytest.raises(BadPairs) as error: FixedPairs(tmp_path / "pairs.json", folder)
    assert error.value.path == str(tmp_path / "pairs.json")
    with pytest.raises(BadPairs): evaluate(mean_fill, folder, pairs=tmp_path / "pairs.json")


@pytest.mark.parametrize(
    "field, values",
    [
        ("picture", [5, None, ["a"]]), ("mask", [5, None]), ("bin", [6, -1, "x", 1.5, True]),
        ("ratio", ["x", -1, 2, float("nan"), [1]]), ("digest", [0, None]), ("border", [1, "yes"]),
        ("look", ["zz", "0" * 31, 5]), ("full", [5, [1], [1, -2], "ab"]),
        ("box", [[0, 0, 1], [0, 0, 0, 9], [0, 0, float("inf"), 9], 5]), ("flip", [1, None, "x"]),
        ("augment", [5, "x", [-1], [1.5]]), ("size", [0, -1, 1.5, "32", None, 10**9, True]), ("colour", ["red"]),
    ],
)
def test_a_wrong_field_is_named(tmp_path, field, values):
    for value in values:
        manifest = {"size": 32, "pairs": [GOOD]} | (
            {"size": value} if field == "size" else {"pairs": [GOOD | {field: value}]}
        )
        (tmp_path / "pairs.json").write_text(json.dumps(manifest))
        with pytest.raises(BadPairs) as error: load_manifest(tmp_path / "pairs.json")
        assert field in error.value.reason, (value, error.value)
    assert field in {*RIGHT, "size", "colour"}


def test_mask_files_may_be_called_like_seeds(folder, tmp_path):
    "A name that began with 'seed ' was taken for a generated mask."
    for name in ("seed x.png", "seed 5.png"): save_image(1 - rect_mask(32, 4, 4, 8, 8), tmp_path / "m" / name)
    pairs = make_pairs(folder, tmp_path / "m", size=32, per_bin=2)
    assert {pair.mask for pair in pairs} == {"seed x.png", "seed 5.png"}
    save_manifest(pairs, tmp_path / "pairs.json", 32)
    assert len(FixedPairs(tmp_path / "pairs.json", folder, tmp_path / "m")[1]) == 2
    (tmp_path / "x.json").write_text(json.dumps({"size": 32, "pairs": [GOOD | {"mask": "seed x"}]}))
    with pytest.raises(ValueError, match="seed x"): FixedPairs(tmp_path / "x.json", folder)


def test_a_name_that_is_no_unicode_comes_back(folder, tmp_path):
    (folder / "sub0" / "0.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    pairs = make_pairs(folder, size=32, per_bin=6)
    save_manifest(pairs, tmp_path / "pairs.json", 32)
    assert load_manifest(tmp_path / "pairs.json") == (pairs, 32) and os.fsdecode(b"caf\xe9.png") in {
        pair.picture for pair in pairs
    }
    assert len(evaluate(mean_fill, folder, pairs=tmp_path / "pairs.json").rows) == 36


def test_a_pair_keeps_what_is_noted(tmp_path):
    pair = Pair("a", "m.png", None, None, "0", None, None, (4, 5), (0, 0, 2.5, 2.5), True, (1, 2))
    save_manifest([pair], tmp_path / "pairs.json", 8)
    assert load_manifest(tmp_path / "pairs.json") == ([pair], 8)
