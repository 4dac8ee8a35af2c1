"""Fixed pairs, the table, the comparison: the same call, the same table; nothing that does not fit is scored."""
import csv
import io
import json
import math
import weakref

import numpy as np
import pytest
import torch
from torch import nn

import pconv_edu.commands.evaluate as command
import pconv_edu.evaluation as evaluation
from pconv_edu.evaluation import (
    PAPER, Unfinished, compare, evaluate, fill_pairs, fit_square, interval, load_manifest, make_pairs, mean_fill,
    save_manifest, show_examples,
)
from pconv_edu.learned_metrics import LearnedMetrics
from pconv_edu.masks import RATIO_BINS, MaskFolder, hole_ratio, irregular_mask, rect_mask
from pconv_edu.metrics import chosen_metrics
from pconv_edu.pairs import look, near_border
from pconv_edu.pictures import sample_photos, save_image
from pconv_edu.table import csv_text, printable, to_csv, to_json
from pconv_edu.unet import PConvUNet


# pairs

PHOTOS = sample_photos("chelsea", "rocket", size=32)
COLUMNS = [place + name for place in ("", "hole_") for name in chosen_metrics()]


def test_every_bin_has_its_pairs_and_their_ratios():
    pairs = make_pairs(PHOTOS, size=32, per_bin=3)
    assert [p.bin for p in pairs] == sorted(list(range(6)) * 3) and {p.picture for p in pairs} == set(PHOTOS)
    assert all(low < p.ratio <= high for p in pairs for low, high in [RATIO_BINS[p.bin]])
    assert len(make_pairs(PHOTOS, size=32)) == 12


def test_masks_of_pairs_differ():
    """Masks that are all seeded alike: the same hole in every validation picture."""
    assert len({p.digest for p in make_pairs(PHOTOS, size=32, per_bin=4)}) == 24
    assert make_pairs(PHOTOS, size=32, seed=1) != make_pairs(PHOTOS, size=32)


def noisy(image, mask): return torch.rand_like(image)


def test_the_same_call_gives_the_same_table_to_the_last_digit(tmp_path):
    """Test crops and masks drawn anew at each call: two evaluations of one model differ."""
    torch.manual_seed(1)
    first = evaluate(mean_fill, PHOTOS, size=32)
    torch.rand(3)
    again = evaluate(mean_fill, PHOTOS, size=32)
    assert first.rows == again.rows and str(first) == str(again)
    first.save(tmp_path)
    from_manifest = evaluate(mean_fill, PHOTOS, pairs=tmp_path / "pairs.json")
    assert from_manifest.rows == first.rows and from_manifest.size == 32
    assert load_manifest(tmp_path / "pairs.json") == (first.pairs, 32)


def test_the_batch_does_not_change_the_table():
    alone, together = (evaluate(mean_fill, PHOTOS, size=32, batch=batch) for batch in (1, 7))
    for a, b in zip(alone.rows, together.rows): assert a == pytest.approx(b, nan_ok=True)


def mask_files(folder, ratios):
    for i, ratio in enumerate(ratios): save_image(1 - irregular_mask(64, ratio, seed=i), folder / f"m{i}.png")
    return folder


def test_mask_files_are_sorted_into_bins_and_found_again(tmp_path):
    folder = mask_files(tmp_path / "masks", [.05, .55, .15, .9, .16])
    pairs = make_pairs(PHOTOS, folder, size=32, per_bin=2)
    assert [(p.mask, p.bin) for p in pairs] == [
        ("m0.png", 0), ("m0.png", 0), ("m2.png", 1), ("m4.png", 1), ("m1.png", 5), ("m1.png", 5),
    ]
    table = evaluate(mean_fill, PHOTOS, folder, pairs=pairs, size=32)
    assert table.bins() == [0, 1, 5]
    for _, _, mask, _ in fill_pairs(mean_fill, pairs, PHOTOS, MaskFolder(folder), 32):
        assert set(mask.unique().tolist()) == {0, 1}


def test_pairs_that_do_not_fit_what_is_given_are_refused(tmp_path):
    folder = mask_files(tmp_path / "masks", [.05, .15])
    pairs = make_pairs(PHOTOS, folder, size=32)
    with pytest.raises(ValueError, match="'m0.png' is not the mask"):
        evaluate(mean_fill, PHOTOS, MaskFolder(folder, hole="black"), pairs=pairs, size=32)
    with pytest.raises(ValueError, match="'m0.png'.*masks="): evaluate(mean_fill, PHOTOS, pairs=pairs, size=32)
    with pytest.raises(ValueError, match="'chelsea'"):
        evaluate(mean_fill, {"rocket": PHOTOS["rocket"]}, folder, pairs=pairs, size=32)
    with pytest.raises(ValueError, match="polarity"): make_pairs(PHOTOS, mask_files(tmp_path / "full", [.95]), size=32)
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(ValueError, match="no.json"): evaluate(mean_fill, PHOTOS, pairs=tmp_path / "no.json")
    for option in ("per_bin", "border"):
        with pytest.raises(ValueError, match=option): evaluate(mean_fill, PHOTOS, pairs=pairs, size=32, **{option: 1})


def test_masks_of_one_name_in_two_folders_are_two_masks(tmp_path):
    """Masks known by the last part of their path: the six folders of `pconv_masks` hold files of the same names, and
    one hid the others.
    """
    for folder, ratio, seed in (("a", 0.05, 1), ("b", 0.25, 2), ("c", 0.25, 3)):
        save_image(1 - irregular_mask(64, ratio, seed=seed), tmp_path / folder / "0.png")
    pairs = make_pairs(PHOTOS, tmp_path, size=32, per_bin=2)
    assert [p.mask for p in pairs] == ["a/0.png", "a/0.png", "b/0.png", "c/0.png"] and len(
        {p.digest for p in pairs}
    ) == 3
    assert evaluate(mean_fill, PHOTOS, tmp_path, pairs=pairs, size=32).bins() == [0, 2]


def test_another_picture_under_an_old_name_is_refused(tmp_path):
    """Only masks were checked: two photos that had changed places were evaluated without a word."""
    pairs = make_pairs(PHOTOS, size=32, per_bin=1)
    chelsea, rocket = PHOTOS.values()
    with pytest.raises(ValueError, match="picture 'chelsea' is not the picture"):
        evaluate(mean_fill, {"chelsea": rocket, "rocket": chelsea}, pairs=pairs, size=32)
    decoded_elsewhere = {
        name: (photo + torch.randint(-1, 2, photo.shape) / 255).clamp(0, 1) for name, photo in PHOTOS.items()
    }
    assert len(evaluate(mean_fill, decoded_elsewhere, pairs=pairs, size=32).rows) == 6
    with pytest.raises(ValueError, match="same pairs"):
        evaluate(mean_fill, [chelsea, rocket], size=32).minus(evaluate(mean_fill, [rocket, chelsea], size=32))
    assert look(torch.stack([torch.arange(16.).view(4, 4) / 255] * 3)) == bytes(range(16)).hex()  # by hand


def test_pictures_come_as_folder_list_or_dict(tmp_path):
    for name, photo in PHOTOS.items(): save_image(photo, tmp_path / "sub" / f"{name}.png")
    tables = [
        evaluate(mean_fill, images, size=32, name="m")
        for images in (PHOTOS, list(PHOTOS.values()), tmp_path, [tmp_path / "sub" / f"{n}.png" for n in PHOTOS])
    ]
    assert all(t.rows == tables[0].rows for t in tables)
    assert tables[2].pairs[0].picture == "sub/chelsea.png"
    with pytest.raises(ValueError, match="empty"): evaluate(mean_fill, [])


def test_a_folder_of_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, photo in PHOTOS.items(): save_image(photo, tmp_path / "photos" / f"{name}.png")
    save_image(1 - irregular_mask(64, .15, seed=1), tmp_path / "masks" / "in" / "m.png")
    assert make_pairs("~/photos", "~/masks", size=32, per_bin=1) == make_pairs(
        tmp_path / "photos", tmp_path / "masks", size=32, per_bin=1
    )


def test_large_photos_are_cut_to_their_middle_square():
    photo = torch.zeros(3, 40, 80)
    photo[:, :, 20:60] = 1
    assert fit_square(photo, 20).shape == (3, 20, 20) and fit_square(photo, 20)[:, :, 1:-1].min() > .99
    assert fit_square(PHOTOS["chelsea"], 32) is PHOTOS["chelsea"]

# holes at the border

def test_the_border_is_the_paper_s_50_of_512():
    for size, width in ((512, 50), (256, 25), (64, 6)):
        assert not near_border(rect_mask(size, width, width, size - 2 * width, size - 2 * width))
        for top, left in ((width - 1, width), (width, width - 1)): assert near_border(rect_mask(size, top, left, 2, 2))
        assert near_border(rect_mask(size, size - width, width, 1, 1)) and not near_border(
            rect_mask(size, size - width - 1, width, 1, 1)
        )


def test_pairs_with_or_without_holes_at_the_border(tmp_path):
    photos = {n: p.repeat(1, 2, 2) for n, p in PHOTOS.items()}
    for border in (False, True):
        pairs = make_pairs(photos, size=64, per_bin=3, border=border)
        assert len(pairs) == 18 and {p.border for p in pairs} == {border}
        assert evaluate(mean_fill, photos, pairs=pairs, size=64).bins() == list(range(6))  # found again by their names
    free, near = irregular_mask(64, .3, border=6, seed=1), rect_mask(64, 0, 0, 64, 20)
    for name, mask in (("a_free", free), ("b_near", near)): save_image(1 - mask, tmp_path / f"{name}.png")
    assert {p.mask for p in make_pairs(PHOTOS, tmp_path, size=64, border=True)} == {"b_near.png"}
    assert {p.mask for p in make_pairs(PHOTOS, tmp_path, size=64, border=False)} == {"a_free.png"}
    (tmp_path / "b_near.png").unlink()
    with pytest.raises(ValueError, match="border=True"): make_pairs(PHOTOS, tmp_path, size=64, border=True)


def test_few_pairs_take_masks_from_all_of_a_sorted_folder(tmp_path):
    """The official files come sorted, their first half without holes at the border: taking the first few leaves the
    other half out.
    """
    folder = mask_files(tmp_path / "masks", [.15] * 8)
    assert [p.mask for p in make_pairs(PHOTOS, folder, size=32, per_bin=4)] == ["m0.png", "m2.png", "m4.png", "m6.png"]


@pytest.mark.parametrize("files", [False, True])
def test_masks_are_looked_at_one_by_one(tmp_path, monkeypatch, files):
    """All kept until the pairs are made: 12 GB for the official 12,000 at 512 px."""
    seen, most = [], []
    def noted(mask):
        seen.append(weakref.ref(mask))
        most.append(sum(one() is not None for one in seen))
        return hole_ratio(mask)
    monkeypatch.setattr("pconv_edu.pairs.hole_ratio", noted)
    make_pairs(PHOTOS, mask_files(tmp_path / "masks", [.15] * 12) if files else None, size=32, per_bin=4)
    assert len(seen) >= 12 and max(most) <= 2


def test_a_mask_folder_is_opened_once(tmp_path, monkeypatch):
    """A folder looked through anew for every file: minutes in place of seconds."""
    class Counted(MaskFolder):
        opened = 0
        def __init__(self, *args, **options):
            Counted.opened += 1
            super().__init__(*args, **options)
    folder = mask_files(tmp_path / "masks", [.05, .15, .25])
    pairs = make_pairs(PHOTOS, folder, size=32)
    monkeypatch.setattr("pconv_edu.data_parts.MaskFolder", Counted)
    evaluate(mean_fill, PHOTOS, folder, pairs=pairs, size=32, batch=1)
    assert Counted.opened == 1


def test_a_manifest_without_border_notes_can_be_read(tmp_path):
    pairs = make_pairs(PHOTOS, size=32, per_bin=1)
    save_manifest(pairs, tmp_path / "pairs.json", 32)
    saved = json.loads((tmp_path / "pairs.json").read_text())
    for pair in saved["pairs"]: del pair["border"]
    (tmp_path / "old.json").write_text(json.dumps(saved))
    old, size = load_manifest(tmp_path / "old.json")
    assert (
        size == 32
        and {p.border for p in old} == {None}
        and evaluate(mean_fill, PHOTOS, pairs=old, size=32).rows
        == evaluate(mean_fill, PHOTOS, pairs=pairs, size=32).rows
    )


def test_a_method_that_returns_no_number_is_not_left_out_of_the_mean():
    """NaN dropped from a mean flatters the method that gave it."""
    pairs = make_pairs(PHOTOS, size=32)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="NaN or infinity for 'chelsea'"):
            evaluate(lambda image, mask: torch.where(mask > 0, image, bad), PHOTOS, pairs=pairs, size=32)
        with pytest.raises(ValueError, match="NaN or infinity"):
            evaluate(lambda image, mask: torch.where(mask > 0, bad, 0.5).expand_as(image), PHOTOS, pairs=pairs, size=32)
    with pytest.raises(ValueError, match=r"shape \[4, 1, 32, 32\]"):
        evaluate(lambda image, mask: mask, PHOTOS, pairs=pairs, size=32, batch=4)


# methods

def test_a_method_cannot_peek_into_the_hole():
    table = evaluate(lambda image, mask: image, PHOTOS, size=32)
    assert max(row["hole_psnr"] for row in table.rows) < 30  # it got black holes, not the answer


def test_a_network_is_scored_in_eval_mode_and_comes_back_in_its_own():
    class Net(nn.Module):
        modes = []
        def forward(self, image, mask):
            self.modes.append((self.training, torch.is_grad_enabled()))
            return mean_fill(image, mask)
    net = Net().train()
    table = evaluate(net, PHOTOS, size=32)
    assert table.method == "Net" and set(net.modes) == {(False, False)} and net.training


def test_two_methods_meet_the_same_pairs():
    tables = compare(
        {"mean": mean_fill, "black": lambda image, mask: torch.zeros_like(image)}, PHOTOS, size=32, per_bin=2
    )
    assert tables["mean"].pairs == tables["black"].pairs
    lines = tables.text("hole_psnr").splitlines()
    assert lines[0] == "hole PSNR dB ↑, by hole ratio" and lines[1].startswith("     ") and lines[1].count("(") == 6
    assert [line.split()[0] for line in lines[2:]] == ["mean", "black"]
    assert all(line.count("±") == 6 for line in lines[2:])


# the table

def test_the_interval_is_student_s():
    values = [3., 5., 4., 8.]
    mean, half = interval([*values, math.nan])
    # 3.1824: t for 3 degrees of freedom
    assert mean == 5 and half == pytest.approx(3.1824 * np.std(values, ddof=1) / 2, abs=1e-3)
    assert interval([7.])[0] == 7 and math.isnan(interval([7.])[1]) and math.isnan(interval([])[0])
    assert interval([math.inf, 20., 30.])[0] == math.inf

def test_the_interval_by_hand_and_for_few_values():
    assert interval([20., 24., 22., 26.]) == pytest.approx((23, 3.1824 * (20 / 3) ** .5 / 2), abs=1e-3)


def test_columns_that_are_not_there_are_named():
    """A bare KeyError; and IScore or FID of a half, which nobody computed."""
    learned = LearnedMetrics(("fid",), inception=stand_in)
    tables = compare({"m": mean_fill}, PHOTOS, size=32, per_bin=2, learned=learned)
    assert "FID" in tables.text("fid")
    with pytest.raises(ValueError, match="no column 'beauty'; they have l1, psnr"): tables.text("beauty")
    with pytest.raises(ValueError, match="no column 'fid' for each half"): tables.text("fid", halves=True)
    one = compare({"m": mean_fill}, PHOTOS, size=32, per_bin=1, border=True)
    assert "–/" in one.text("psnr", halves=True) and "nan" not in one.text("psnr", halves=True)


def test_halves_and_differences():
    photos = {n: p.repeat(1, 2, 2) for n, p in PHOTOS.items()}
    pairs = make_pairs(photos, size=64, per_bin=2, border=False) + make_pairs(photos, size=64, per_bin=2, border=True)
    tables = compare({"mean": mean_fill, "other": lambda image, mask: image + .4}, photos, pairs=pairs, size=64)
    free, near = tables["mean"].part(False), tables["mean"].part(True)
    assert len(free.rows) == len(near.rows) == 12 and free.rows + near.rows == tables["mean"].rows
    cell = tables.text("psnr", halves=True).splitlines()[2].split()[1]
    assert cell == "/".join(f"{np.mean(half.values(0, 'psnr')):.2f}" for half in (free, near))
    gain = tables["other"].minus(tables["mean"])
    assert gain.mean(3, "l1")[0] == pytest.approx(tables["other"].mean(3, "l1")[0] - tables["mean"].mean(3, "l1")[0])
    with pytest.raises(ValueError, match=r"not run on the same pairs; pass the other's pairs to evaluate\(pairs="):
        free.minus(near)


def test_the_paper_s_rows_stand_beside_with_their_marks_and_what_to_mind():
    """Figures of another data set set beside one's own without a word."""
    tables = compare({"mean": mean_fill}, PHOTOS, size=32)
    text = tables.text("psnr", paper=True)
    assert "paper: PConv" in text and "27.71/28.32*" in text and "not confirmed" in text and "Places2" in text
    with pytest.raises(ValueError, match="no column 'hole_psnr'"): tables.text("hole_psnr", paper=True)
    marked = {cell for rows in PAPER.values() for line in rows.values() for cell in line.split() if "*" in cell}
    assert marked == {
        "1.18/1.09*",
        "2.07/1.88*",
        "3.19/2.84*",
        "27.71/28.32*",
        "24.54/25.25*",
        "22.01/22.89*",
        ".867/.870*",
        ".775/.779*",
        ".681/.689*",
    }
    assert all(len(line.split()) == 6 for rows in PAPER.values() for line in rows.values())


def test_everything_is_written_where_asked(tmp_path):
    tables = compare(
        {"mean": mean_fill, "black": lambda image, mask: torch.zeros_like(image)}, PHOTOS, size=32, out=tmp_path / "two"
    )
    assert sorted(p.name for p in (tmp_path / "two").iterdir()) == [
        "examples.jpg", "pairs.json", "table.csv", "table.json", "table.txt",
    ]
    lines = list(csv.DictReader((tmp_path / "two" / "table.csv").open()))
    assert [line["method"] for line in lines] == ["mean"] * 6 + ["black"] * 6
    assert float(lines[7]["hole_psnr"]) == tables["black"].mean(1, "hole_psnr")[0]
    assert set(json.loads((tmp_path / "two" / "table.json").read_text())) == {"mean", "black"}
    one = evaluate(mean_fill, PHOTOS, pairs=tmp_path / "two" / "pairs.json", out=tmp_path / "one")
    assert (
        json.loads((tmp_path / "one" / "table.json").read_text())["method"] == "mean_fill"
        and one.rows == tables["mean"].rows
    )
    assert (tmp_path / "one" / "examples.jpg").stat().st_size > 2000


def test_old_names_are_offered_from_evaluate():
    import pconv_edu.evaluation as module

    for name in (
        "evaluate compare mean_fill biharmonic_fill opencv_fill Pair Table Comparison bin_name fill_pairs fit_square "
        "interval l1_percent "
        "load_manifest make_pairs psnr save_manifest score show_hole ssim ssim_map show_examples METRICS FixedPairs"
    ).split(): assert hasattr(module, name), name


# output

def test_csv_and_json_hold_the_same_numbers():
    table = evaluate(mean_fill, PHOTOS, size=32)
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    saved = json.loads(json.dumps(to_json(table), allow_nan=False))
    assert [line["bin"] for line in lines] == ["({}, {}]".format(*b) for b in RATIO_BINS]
    for line, row in zip(lines, saved["summary"]):
        mean, half = row["psnr"]
        assert float(line["psnr"]) == mean and float(line["psnr_high"]) == pytest.approx(mean + half)
        values = [r["psnr"] for r in saved["rows"] if "({}, {}]".format(*RATIO_BINS[r["bin"]]) == row["bin"]]
        assert mean == pytest.approx(sum(values) / len(values))


def test_a_perfect_method_is_saved_too():
    table = evaluate(lambda image, mask: PERFECT[: len(image)], {"a": PERFECT[0]}, size=32, batch=1)
    assert table.rows[0]["psnr"] == math.inf
    json.dumps(to_json(table), allow_nan=False)


PERFECT = PHOTOS["chelsea"][None]


def test_text_is_for_people():
    text = str(evaluate(mean_fill, PHOTOS, size=32))
    assert (
        text.startswith("mean_fill, 32 × 32 pixels")
        and "hole PSNR" in text
        and len({len(line) for line in text.splitlines()[1:]}) == 1
    )


def test_examples_have_a_row_for_each_bin():
    pairs = make_pairs(PHOTOS, size=32)
    drawing = show_examples({"mean": mean_fill, "noise": noisy}, pairs, PHOTOS, size=32)
    assert len(drawing.axes) == 24
    shown = drawing.axes[2].images[0].get_array()
    mask = next(fill_pairs(mean_fill, pairs, PHOTOS, None, 32))[2][0, 0].numpy() > 0
    assert np.allclose(shown[mask], PHOTOS["chelsea"].permute(1, 2, 0).numpy()[mask], atol=1e-6)
    assert hole_ratio(torch.from_numpy(mask).float()) == pytest.approx(pairs[0].ratio)


# scores of trained networks, with stand-ins

def stand_in(levels):
    return (
        torch.stack(
            [levels.float().mean((1, 2, 3)), levels.float().std((1, 2, 3)), levels[:, 0].float().mean((1, 2))], 1
        )
        / 50
    )


def test_learned_scores_are_columns_of_the_table():
    pytest.importorskip("torchmetrics")
    learned = LearnedMetrics(inception=stand_in, alexnet=lambda a, b: (a - b).abs().mean((1, 2, 3)), splits=2)
    pairs = make_pairs(PHOTOS, size=32, per_bin=4)
    tables = [evaluate(mean_fill, PHOTOS, pairs=order, size=32, batch=3, learned=learned) for order in (pairs, pairs)]
    assert tables[0].columns == [*COLUMNS, "lpips", "iscore", "fid"] and tables[0].sets == tables[1].sets
    table = tables[0]
    assert table.mean(2, "lpips")[0] == pytest.approx(table.mean(2, "l1")[0] / 100, rel=1e-5)
    assert table.mean(2, "fid")[0] > 0 and math.isnan(table.mean(2, "fid")[1]) and 1 <= table.mean(2, "iscore")[0] < 3
    assert "FID" in str(table) and "fid_low" in to_csv(table) and to_json(table)["summary"][0]["fid"][1] is None
    whole = evaluate(
        lambda image, mask: PERFECT.expand_as(image), {"a": PERFECT[0]}, size=32, per_bin=2,
        learned=LearnedMetrics(("fid",), inception=stand_in),
    )
    assert whole.mean(0, "fid")[0] == pytest.approx(0, abs=1e-5)


def test_too_few_pictures_are_noticed_before_any_work_is_done():
    """An evaluation of hours that ends in an error at its last line."""
    def never(image, mask): raise AssertionError("work was done")
    for names, options, least in ((("iscore",), {}, 20), (("fid", "iscore"), {"splits": 1}, 2)):
        with pytest.raises(ValueError, match=f"1 pictures, and at least {least}"):
            evaluate(never, PHOTOS, size=32, per_bin=1, learned=LearnedMetrics(names, inception=stand_in, **options))


# ---- what is measured is never lost ----
class Failing:
    "Learned scores that fail at the n-th batch, or when a whole bin is scored."
    def __init__(self, batches: int): self.batches = batches
    def check(self, counts): pass
    def look(self, filled, image):
        self.batches -= 1
        if self.batches < 0: raise MemoryError("the GPU is full")
        return {"lpips": (filled - image).abs().mean((1, 2, 3))}, {"fid": (filled.flatten(1),)}
    def of_set(self, parts): raise ArithmeticError("no square root")


@pytest.mark.parametrize("batches, kind", [(0, MemoryError), (1, MemoryError), (100, ArithmeticError)])
def test_learned_scores_that_fail_cost_no_table(tmp_path, batches, kind):
    "After hours, the last bin's FID failed, and nothing was written."
    with pytest.raises(Unfinished) as error:
        evaluate(mean_fill, PHOTOS, size=32, batch=5, learned=Failing(batches), out=tmp_path, name="m")
    plain = evaluate(mean_fill, PHOTOS, size=32, batch=5, name="m")
    assert error.value.tables.rows == plain.rows and error.value.tables.columns == COLUMNS
    assert [type(why) for why in error.value.failures.values()] == [kind]
    assert (tmp_path / "table.csv").read_text() == to_csv(plain) and (tmp_path / "examples.jpg").exists()


def test_a_picture_of_examples_that_fails_costs_no_table(tmp_path, monkeypatch):
    def fail(*args, **options): raise OSError("No space left on device")
    monkeypatch.setattr(evaluation, "show_examples", fail)
    methods = {"mean": mean_fill, "black": lambda image, mask: torch.zeros_like(image)}
    with pytest.raises(Unfinished) as error: compare(methods, PHOTOS, size=32, out=tmp_path)
    assert list(error.value.failures) == ["examples.jpg"] and list(error.value.tables) == list(methods)
    assert set(json.loads((tmp_path / "table.json").read_text())) == set(methods)


def test_a_method_that_fails_takes_no_other_along(tmp_path):
    def broken(image, mask): raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        compare({"mean": mean_fill, "broken": broken}, PHOTOS, size=32, out=tmp_path)
    assert json.loads((tmp_path / "table.json").read_text())["method"] == "mean"


def test_a_folder_that_cannot_be_is_noticed_before_the_work(tmp_path):
    def never(image, mask): raise AssertionError("work was done")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError): evaluate(never, PHOTOS, size=32, out=tmp_path / "file" / "table")


def test_the_command_prints_the_table_and_says_what_failed(tmp_path, monkeypatch, capsys):
    for name, photo in PHOTOS.items(): save_image(photo, tmp_path / "photos" / f"{name}.png")
    monkeypatch.setattr(command, "LearnedMetrics", lambda names: Failing(0))
    assert (
        command.main([str(tmp_path / "photos"), "--net", "mean", "--size", "32", "--learned", "lpips", "--quiet"]) == 1
    )
    said = capsys.readouterr()
    assert "hole PSNR" in said.out and "LPIPS" not in said.out and "the GPU is full" in said.err


@pytest.mark.parametrize("batch", [1, 3])
def test_no_more_pictures_at_once_than_the_batch(tmp_path, batch):
    "The picture of examples ran all six bins at once: out of memory after the last table."
    seen = []
    def method(image, mask):
        seen.append(len(image))
        return mean_fill(image, mask)
    compare({"m": method}, PHOTOS, size=32, batch=batch, out=tmp_path)
    assert max(seen) == batch and sum(seen) == 12 + 6


# ---- networks of any precision ----
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-3), (torch.bfloat16, .2), (torch.float16, .05)])
def test_a_network_of_another_precision(dtype, tolerance):
    torch.manual_seed(0)
    net = PConvUNet(widths=(4, 8)).eval()
    right = evaluate(net, PHOTOS, size=32, per_bin=1)
    recast = evaluate(net.to(dtype), PHOTOS, size=32, per_bin=1)
    assert next(net.parameters()).dtype == dtype
    for a, b in zip(right.rows, recast.rows): assert a["hole_psnr"] == pytest.approx(b["hole_psnr"], abs=tolerance)


# ---- names ----
@pytest.mark.parametrize(
    "name",
    [
        "=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1+1", "a\x1b[2Jb", "a\nb", "\udcff", "5$ off_{$",
        "\u202egnp.exe",
    ],
)
def test_any_name_of_a_method(tmp_path, name):
    "Escape codes cleared the terminal, a name became a formula, and two dollar signs ended the table in a traceback."
    tables = compare({name: mean_fill, "m": mean_fill}, PHOTOS, size=32, per_bin=1, out=tmp_path)
    assert (tmp_path / "examples.jpg").exists()
    for text in (str(tables), str(tables[name]), (tmp_path / "table.txt").read_text()):
        assert all(c.isprintable() or c == "\n" for c in text)
    cells = [row[0] for row in csv.reader((tmp_path / "table.csv").open())][1:]
    assert cells[0] == csv_text(name) and cells[0][0] not in "=+-@\t\r\uff1d" and all(c.isprintable() for c in cells[0])
    assert set(json.loads((tmp_path / "table.json").read_text())) == {name, "m"}


def test_printable_by_hand():
    assert (
        printable("caf\u00e9 \u65e5\u672c − 5$") == "caf\u00e9 \u65e5\u672c − 5$"
        and printable("\x1b]0;x\x07\x9b\u2028") == r"\x1b]0;x\x07\x9b\u2028"
    )


# ---- who trained, and who judges ----
def test_the_table_says_who_judges_and_who_trained(tmp_path, capsys):
    net = PConvUNet(widths=(4, 8))
    net.trained_by = "shipped"
    columns = ("psnr", "perceptual")
    tables = compare({"mine": net, "mean": mean_fill}, PHOTOS, size=32, per_bin=1, metrics=columns, out=tmp_path)
    assert tables.columns == ["psnr", "perceptual", "hole_psnr"]
    said = "perceptual is judged by squeezenet1_1\ntrained features behind each network: mine: shipped"
    assert said in tables.text("perceptual") and said in str(tables["mine"]) and "judged" not in tables.text("psnr")
    assert "trained features" not in str(tables["mean"])
    saved = json.loads((tmp_path / "table.json").read_text())["mine"]
    assert saved["trained_by"] == "shipped" and saved["judged_by"] == {"perceptual": "squeezenet1_1"}
    assert "perceptual_low" in (tmp_path / "table.csv").read_text().splitlines()[0]
    for name, photo in PHOTOS.items(): save_image(photo, tmp_path / "photos" / f"{name}.png")
    asked = ["--size", "32", "--per-bin", "1", "--quiet", "--metrics", "perceptual"]
    assert command.main([str(tmp_path / "photos"), *asked]) == 0
    said = capsys.readouterr().out
    assert "perceptual ↓" in said and "pconv_small: " in said and "PSNR" not in said
    assert command.main([str(tmp_path / "photos"), *asked, "beauty"]) == 2 and "beauty" in capsys.readouterr().err


def test_a_judge_does_not_judge_its_own_pupils():
    def never(image, mask): raise AssertionError("work was done")
    pupil = PConvUNet(widths=(4, 8))
    pupil.trained_by = "shipped + squeezenet1_1"
    for method in (pupil, nn.DataParallel(pupil)):
        with pytest.raises(ValueError, match="'b' was trained with squeezenet1_1, which is also the judge"):
            compare({"a": never, "b": method}, PHOTOS, size=32, metrics=("perceptual",))
    with pytest.raises(ValueError, match="does not judge"):
        evaluate(pupil, PHOTOS, size=32, metrics=("perceptual",))
    assert evaluate(pupil, PHOTOS, size=32, per_bin=1).trained_by == "shipped + squeezenet1_1"  # other columns may
