"""Pairs of picture and mask: a pure function of (seed, n) for any workers and ranks; damage is named, counted and
bounded.
"""
import gc
import itertools
import pickle
import tarfile
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from pconv_edu.data import InpaintingDataset, TooManyBadImages, batches, looks_official, sample_seconds, shuffled
from pconv_edu.masks import RATIO_BINS, MaskFolder, hole_ratio, irregular_mask, ratio_bin
from pconv_edu.pictures import sample_photos, save_image

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "Eleven pictures, each of another shade, so that a sample tells its picture."
    root = tmp_path_factory.mktemp("pictures")
    photo = sample_photos("coffee")["coffee"]
    for k in range(11): save_image(photo[:, 20 * k:20 * k + 80, :120] * .3 + k / 16, root / f"{k:02}.png")
    return root


@pytest.fixture
def mask_folder(tmp_path):
    for k in range(5): save_image(1 - irregular_mask(64, ratio=(.1, .4), seed=k), tmp_path / "masks" / f"m{k}.png")
    return tmp_path / "masks"


def same(one, other) -> bool:
    one, other = list(one), list(other)
    return len(one) == len(other) and all(torch.equal(a, b) for p, q in zip(one, other) for a, b in zip(p, q))


def damaged(folder, tmp_path, names=("02.png", "07.png")):
    "A copy of the folder in which some files are cut off, empty or forged."
    import shutil
    root = shutil.copytree(folder, tmp_path / "damaged")
    for k, name in enumerate(names):
        (root / name).write_bytes([(root / name).read_bytes()[:400], b"", b"<html>"][k % 3])
    return root


# ---- the order ----
@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 1000])
def test_every_epoch_shows_every_picture_once(length):
    for epoch in range(3): assert sorted(shuffled(i, length, 5, epoch) for i in range(length)) == list(range(length))


def test_all_orders_are_equally_likely():
    "Chi-square over the 24 orders of four pictures; 1/1000 of fair shuffles exceed 49.7."
    counts = dict.fromkeys(itertools.permutations(range(4)), 0)
    for seed in range(2400): counts[tuple(shuffled(i, 4, seed, 0) for i in range(4))] += 1
    assert sum((n - 100)**2 / 100 for n in counts.values()) < 49.7


def test_the_order_has_no_pattern():
    "Neighbours in one epoch are far apart in the pictures, and in the next epoch."
    order = np.array([[shuffled(i, 4096, 0, epoch) for i in range(4096)] for epoch in (0, 1)])
    assert abs(np.corrcoef(order[0], np.arange(4096))[0, 1]) < .06
    assert abs(np.corrcoef(order[0][1:], order[0][:-1])[0, 1]) < .06
    assert abs(np.corrcoef(order[0], order[1])[0, 1]) < .06
    assert (order[0] == order[1]).sum() < 10


def test_the_order_is_a_contract():
    "Hand-kept values: if these change, every resumed training changes."
    assert [shuffled(i, 10, 0, 0) for i in range(10)] == [9, 6, 4, 7, 0, 1, 5, 2, 8, 3] and shuffled(
        7_654_321, 8_000_000, 3, 1
    ) == 1862984


def test_a_far_position_costs_no_more_than_the_first(folder):
    ds = InpaintingDataset(folder, size=32)
    far = 11 * 10**12 + 5
    assert same([ds[far]], [ds[far]]) and ds.name(far) in {f"{k:02}.png" for k in range(11)}


# ---- purity ----
def test_sample_n_is_a_function_of_seed_and_n(folder):
    ds, other = InpaintingDataset(folder, size=32), InpaintingDataset(folder, size=32)
    torch.manual_seed(1)
    np.random.seed(1)
    forwards = [ds[n] for n in range(30)]
    torch.manual_seed(2)
    np.random.seed(2)
    assert same(forwards, reversed([other[n] for n in reversed(range(30))]))
    assert not same(forwards, [InpaintingDataset(folder, size=32, seed=1)[n] for n in range(30)])


def test_epochs_differ(folder):
    ds = InpaintingDataset(folder, size=32, zoom=(1, 2))
    pairs = [ds[n] for n in range(33)]
    assert (
        len({image.numpy().tobytes() for image, _ in pairs}) == len({mask.numpy().tobytes() for _, mask in pairs}) == 33
    )


def test_the_global_generators_are_left_alone(folder):
    "A sample that drew from them would change what else the training draws, and the other way round."
    torch.manual_seed(0)
    np.random.seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    list(batches(InpaintingDataset(folder, size=32), 2, stop=2, workers=1))
    list(batches(InpaintingDataset(folder, size=32), 2, stop=2))
    assert torch.equal(before[0], torch.get_rng_state()) and (before[1] == np.random.get_state()[1]).all()


# one spawn: each new Python imports torch anew
@pytest.mark.parametrize("method, workers", [("fork", 1), ("fork", 4), ("spawn", 4)])
def test_the_same_bytes_for_any_workers(folder, mask_folder, tmp_path, method, workers):
    with tarfile.open(tmp_path / "p.tar", "w") as tar: tar.add(folder, "p")
    for images, options in (
        (tmp_path / "p.tar", {}),
        (folder, {"masks": mask_folder, "augment_masks": True, "zoom": (1, 2)}),
    )[: 1 if method == "spawn" else 2]:
        ds = InpaintingDataset(images, size=32, seed=3, **options)
        assert same(batches(ds, 4, stop=4), batches(ds, 4, stop=4, workers=workers, start_method=method))


@pytest.mark.parametrize("world", [1, 2, 4])
def test_the_same_global_batches_for_any_ranks(folder, world):
    ds = InpaintingDataset(folder, size=32)
    shares = [list(batches(ds, 8, start=1, stop=4, rank=rank, world=world)) for rank in range(world)]
    together = [[torch.cat(parts) for parts in zip(*ranks)] for ranks in zip(*shares)]
    assert same(together, [[torch.stack(t) for t in zip(*[ds[n] for n in range(8 * k, 8 * k + 8)])] for k in (1, 2, 3)])


def test_resuming_in_mid_epoch_goes_on_as_if_nothing_had_happened(folder):
    ds = InpaintingDataset(folder, size=32)
    assert same(list(batches(ds, 3, stop=9))[5:], batches(ds, 3, start=5, stop=9))


def test_any_loader_may_read_it(folder):
    "Not only `batches`: a plain DataLoader gives epoch 0."
    ds = InpaintingDataset(folder, size=32)
    assert same(
        [[torch.cat(t) for t in zip(*DataLoader(ds, batch_size=1))]],
        [[torch.stack(t) for t in zip(*[ds[n] for n in range(11)])]],
    )


def test_endless_batches(folder):
    loader = batches(InpaintingDataset(folder, size=32), 4)
    assert len(list(itertools.islice(loader, 12))) == 12
    with pytest.raises(TypeError, match="no length"): len(loader)
    assert len(batches(InpaintingDataset(folder, size=32), 4, start=3, stop=10)) == 7


def test_it_is_light_to_send(folder):
    assert len(pickle.dumps(InpaintingDataset(folder))) < 3000


# ---- what a sample is ----
def test_shapes_and_ranges(folder):
    image, mask = InpaintingDataset(folder, size=48)[4]
    assert image.shape == (3, 48, 48) and mask.shape == (1, 48, 48) and image.dtype == mask.dtype == torch.float32
    assert 0 <= image.min() and image.max() <= 1 and set(mask.unique().tolist()) == {0, 1}


def test_all_six_bins_equally_often(folder):
    ds = InpaintingDataset(folder, size=32)
    bins = [ratio_bin(hole_ratio(ds.masks.make(ds.sample(n)[2]["mask"]))) for n in range(240)]
    assert all(20 <= bins.count(k) <= 62 for k in range(6)) and None not in bins


def test_half_are_mirrored_and_crops_reach_both_ends(folder):
    ds = InpaintingDataset(folder, size=32)
    abouts = [ds.sample(n)[2] for n in range(120)]
    assert 40 < sum(about["flip"] for about in abouts) < 80
    lefts = [about["box"][0] for about in abouts]
    assert min(lefts) < 4 and max(lefts) > 36 and all(about["box"][2] <= 120 for about in abouts)


def test_centre_crop_without_flip_is_the_same_in_every_epoch(folder):
    ds = InpaintingDataset(folder, size=32, crop="centre", flip=False)
    pictures = [{ds.name(n): ds[n][0] for n in range(11 * e, 11 * e + 11)} for e in (0, 1)]
    assert all(torch.equal(pictures[0][name], pictures[1][name]) for name in pictures[0])


def test_small_pictures_are_enlarged_and_large_ones_reduced(folder):
    for size in (16, 200):
        for zoom in ((1, 1), None):
            assert InpaintingDataset(folder, size=size, zoom=zoom)[0][0].shape == (3, size, size)


def test_masks_from_a_folder(folder, mask_folder):
    ds = InpaintingDataset(folder, mask_folder, size=64)
    known = {mask.numpy().tobytes() for mask in MaskFolder(mask_folder)}
    assert {ds[n][1].numpy().tobytes() for n in range(40)} == known
    augmented = InpaintingDataset(folder, mask_folder, size=64, augment_masks=True)
    assert len({augmented[n][1].numpy().tobytes() for n in range(40)}) > 35


def test_masks_stay_binary_when_resized(folder, mask_folder):
    "Bug 11: masks resized bilinearly, or stored as JPEG, come out grey."
    for path in mask_folder.glob("*.png"): Image.open(path).convert("L").save(path.with_suffix(".jpg"), quality=30)
    for path in mask_folder.glob("*.png"): path.unlink()
    for masks, augment in (
        (mask_folder, False), (mask_folder, True), (MaskFolder(mask_folder), False),
        (list(MaskFolder(mask_folder)), False),
    ):
        ds = InpaintingDataset(folder, masks, size=47, augment_masks=augment)
        for n in range(10): assert set(ds[n][1].unique().tolist()) <= {0, 1}


def test_polarity_is_said_and_doubted(folder, mask_folder):
    "Bug 12: polarity mixed up: the network learns to copy holes."
    right = InpaintingDataset(folder, mask_folder, size=64, hole="white")
    assert all(hole_ratio(right[n][1]) <= .4 for n in range(10))
    with pytest.warns(UserWarning, match="hole on average"): InpaintingDataset(folder, mask_folder, hole="black")


def test_the_masks_of_one_epoch_all_differ(folder):
    "Bug 13: every sample reseeded alike: all masks identical."
    ds = InpaintingDataset(folder, size=32)
    for loader in (batches(ds, 4, stop=4), batches(ds, 4, stop=4, workers=2)):
        assert len({mask.numpy().tobytes() for _, masks in loader for mask in masks}) == 16


def test_two_evaluations_see_the_same_pairs(folder):
    "Bug 27: test crops and masks drawn at random: two evaluations of one model differ."
    first = [InpaintingDataset(folder, size=32, seed=9)[n] for n in range(11)]
    torch.rand(5), np.random.rand(5)
    assert same(first, [InpaintingDataset(folder, size=32, seed=9)[n] for n in range(11)])


def test_training_on_the_official_test_masks_is_noticed(folder, tmp_path):
    "Bug 28: trained on the official test masks: scores that cannot be compared. They are known by number and ratio."
    for number in range(37, 12_000, 1500):
        save_image(
            1 - irregular_mask(64, ratio=RATIO_BINS[number // 2000], seed=number),
            tmp_path / "official" / f"{number:05}.png",
        )
        save_image(
            1 - irregular_mask(64, ratio=RATIO_BINS[5 - number // 2000], seed=number),
            tmp_path / "mine" / f"{number:05}.png",
        )
    assert (
        looks_official(MaskFolder(tmp_path / "official"))
        and looks_official(MaskFolder(tmp_path / "official", size=32))
        and not looks_official(MaskFolder(tmp_path / "mine"))
    )
    with pytest.warns(UserWarning, match="test masks"): InpaintingDataset(folder, tmp_path / "official")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        InpaintingDataset(folder, tmp_path / "mine")


# ---- damage ----
def test_one_damaged_file_ends_no_run_and_is_named(folder, tmp_path):
    "Bug 29: one damaged file ends the run, without its name."
    ds = InpaintingDataset(damaged(folder, tmp_path), size=32)
    with pytest.warns(UserWarning) as caught: pairs = [ds[n] for n in range(22)]
    assert len(pairs) == 22 and set(ds.bad) == {"02.png", "07.png"} and all(ds.bad.values())
    # once each
    assert [str(w.message).split(":")[0] for w in caught] in (
        ["skipped 02.png", "skipped 07.png"],
        ["skipped 07.png", "skipped 02.png"],
    )


def test_the_replacement_is_a_function_of_seed_and_n_too(folder, tmp_path):
    ds = InpaintingDataset(damaged(folder, tmp_path), size=32)
    whole = InpaintingDataset(folder, size=32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs, again = [ds[n] for n in range(22)], [ds[n] for n in reversed(range(22))][::-1]
    assert same(pairs, again)
    for n in range(22):
        if ds.name(n) not in ds.bad: assert same([pairs[n]], [whole[n]])  # nobody else's sample changed
        else:
            after = next(m for k in range(1, 11) if ds.name(m := n - n % 11 + (n + k) % 11) not in ds.bad)
            assert ds.source.name(ds.sample(n)[2]["image"]) == ds.name(after)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_report_their_bad_files(folder, tmp_path, workers):
    root = damaged(folder, tmp_path)
    ds = InpaintingDataset(root, size=32)
    with pytest.warns(UserWarning, match="skipped 0[27].png"): found = list(batches(ds, 4, stop=6, workers=workers))
    assert set(ds.bad) == {"02.png", "07.png"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert same(found, batches(InpaintingDataset(root, size=32), 4, stop=6))


@pytest.mark.parametrize("workers", [0, 2])
def test_more_than_max_bad_is_an_error_with_the_list(folder, tmp_path, workers):
    root = damaged(folder, tmp_path, ("01.png", "04.png", "05.png", "09.png"))
    for limit in (4, 3, 0):
        ds = InpaintingDataset(root, size=32, max_bad=limit)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if limit == 4: list(batches(ds, 4, stop=6, workers=workers))
            else:
                with pytest.raises(RuntimeError, match=f"max_bad={limit}") as error:
                    list(batches(ds, 4, stop=6, workers=workers))
                assert str(error.value).count(".png: ") >= limit + 1
                del error
                gc.collect()  # the traceback holds the workers; forked again on top of them, they take 10 s to end


def test_a_folder_of_nothing_but_bad_files(tmp_path):
    for k in range(3): (tmp_path / f"{k}.jpg").write_bytes(b"")
    with pytest.raises(TooManyBadImages, match="3 files cannot be read, and there are no others") as error:
        InpaintingDataset(tmp_path)[0]
    assert "max_bad" not in str(error.value)  # more of them would not help
    assert set(pickle.loads(pickle.dumps(error.value)).bad) == {"0.jpg", "1.jpg", "2.jpg"}


def test_a_bad_mask_file_is_named_and_replaced(folder, mask_folder):
    (mask_folder / "m2.png").write_bytes(b"rubbish")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = InpaintingDataset(folder, mask_folder, size=32)
        pairs = [ds[n] for n in range(30)]
        assert set(ds.bad) == {"m2.png"} and same(
            pairs, [InpaintingDataset(folder, mask_folder, size=32)[n] for n in range(30)]
        )


# ---- questions answered with an error ----
@pytest.mark.parametrize(
    "options, words",
    [
        ({"crop": "left"}, "crop='left'"), ({"zoom": (0.5, 1)}, "1 ≤ low"), ({"zoom": (2, 1)}, "1 ≤ low"),
        ({"seed": -1}, "seed=-1"), ({"size": 0}, "size=0"),
    ],
)
def test_bad_options(folder, options, words):
    with pytest.raises(ValueError, match=words): InpaintingDataset(folder, **options)


def test_no_masks(folder):
    with pytest.raises(ValueError, match="list of masks is empty"): InpaintingDataset(folder, [])


def test_bad_batches(folder):
    ds = InpaintingDataset(folder, size=32)
    with pytest.raises(ValueError, match="multiple of 4"): batches(ds, 6, world=4)
    with pytest.raises(ValueError, match="rank 2 of 2"): batches(ds, 6, rank=2, world=2)
    with pytest.raises(IndexError, match="position -1"): ds[-1]
    with pytest.raises(ValueError, match=r"\[H,W\]|\[1,H,W\]|shape"):
        InpaintingDataset(folder, [torch.ones(32, 32)], size=32)[0]


def test_sample_seconds(folder):
    parts = sample_seconds(InpaintingDataset(folder, size=32), count=4)
    assert set(parts) == {"decode", "resize", "mask", "rest"} and all(
        parts[k] > 0 for k in ("decode", "resize", "mask")
    )


def test_switching_one_choice_off_moves_no_other(folder):
    "A random number drawn only when wanted would change all that are drawn after it."
    plain, still = InpaintingDataset(folder, size=32), InpaintingDataset(folder, size=32, flip=False)
    for n in range(11):
        (image, mask, about), (other, other_mask, other_about) = plain.sample(n), still.sample(n)
        assert (
            torch.equal(mask, other_mask)
            and about["box"] == other_about["box"]
            and torch.equal(image.flip(2) if about["flip"] else image, other)
        )


def test_a_dict_an_index_of_numpy_and_a_loop():
    "`KeyError: 0`; `OverflowError: Python int too large`; a `for` that never ended."
    photos = sample_photos("chelsea", "rocket", size=40)
    ds = InpaintingDataset(photos, size=32)
    assert same([ds[np.int64(1)], ds[torch.tensor(1)]], [ds[1]] * 2) and ds.name(np.int64(1)) == ds.name(1)
    assert same(list(ds), [ds[0], ds[1]])


def test_masks_that_are_no_tensors_are_named(tmp_path):
    with pytest.raises(ValueError, match=rf"masks\[0\] is a {type(tmp_path).__name__}"):
        InpaintingDataset(sample_photos("rocket", size=40), [tmp_path / "a.png"], size=32)[0]


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda m: (m * 255).byte(), "uint8"), (lambda m: m.bool(), "bool"), (lambda m: m * 0.5, "0.5"),
        (lambda m: m * float("nan"), "nan"), (lambda m: m * 255, "255"), (lambda m: m - 1, "-1"),
        (lambda m: m.long(), "int64"), (lambda m: m[0], r"\[32, 32\]"),
        (lambda m: m.expand(3, 32, 32), r"\[3, 32, 32\]"),
    ],
)
def test_mask_tensors_say_what_is_hole_or_are_refused(change, told):
    """Levels of 0 and 255, halves, NaN: everything became a mask, and a training of days learned nothing, or to copy
    holes.
    """
    masks = [irregular_mask(32, .2, seed=0), change(irregular_mask(32, .2, seed=1))]
    ds = InpaintingDataset(sample_photos("rocket", size=40), masks, size=32)
    with pytest.raises(ValueError, match=rf"masks\[1\].*{told}"): [ds[n] for n in range(20)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_masks_of_any_float_kind(dtype):
    mask = irregular_mask(32, .2, seed=0)
    assert torch.equal(
        InpaintingDataset(sample_photos("rocket", size=40), [mask.to(dtype)], size=32)[0][1].float(), mask
    )


def test_a_mask_of_a_folder_is_resized_once(folder, mask_folder, monkeypatch):
    "`MaskFolder` had resized it, and a tenth of a sample's time went into doing it again."
    import pconv_edu.data_parts
    def never(*args): raise AssertionError("resized again")
    ds, wanted = InpaintingDataset(folder, mask_folder, size=32), [mask for mask in MaskFolder(mask_folder, size=32)]
    monkeypatch.setattr(pconv_edu.data_parts, "resize_mask", never)
    for n in range(5): assert any(torch.equal(ds[n][1], mask) for mask in wanted)


def test_what_moved_to_page_w32_can_still_be_imported_from_data():
    from pconv_edu import data, data_parts
    moved = ["OFFICIAL", "Batches", "MaskMaker", "TooManyBadImages", "looks_official", "sample_seconds"]
    for name in moved: assert getattr(data, name) is getattr(data_parts, name)
    assert set(moved) <= set(data.__all__)


# ---- the same errors, with workers or without ----
class Unpicklable(Exception):
    def __init__(self, one, two): super().__init__(f"{one} {two}")


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_is_the_same_with_workers(folder, tmp_path, workers):
    "max_bad=0: with workers the list of bad files came as a RuntimeError with a traceback in its text, without `.bad`."
    root = damaged(folder, tmp_path, ("02.png",))
    with pytest.raises(TooManyBadImages) as error:
        list(batches(InpaintingDataset(root, size=32, max_bad=0), 4, stop=6, workers=workers))
    assert list(error.value.bad) == ["02.png"] and error.value.max_bad == 0
    masks = [irregular_mask(32, .2, seed=0) * .5]
    with pytest.raises(ValueError, match=r"masks\[0\]"):
        list(batches(InpaintingDataset(folder, masks, size=32), 4, stop=2, workers=workers))
    ds = InpaintingDataset(folder, size=32)
    ds._image = Broken(Unpicklable(1, 2))
    with pytest.raises((Unpicklable, RuntimeError), match="1 2"): list(batches(ds, 4, stop=2, workers=workers))
    del error
    gc.collect()


class Broken:
    def __init__(self, error): self.error = error
    def __call__(self, *args): raise self.error
