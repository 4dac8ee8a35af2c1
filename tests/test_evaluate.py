"""The figures of the table are those of scikit-image and of slow loops, and the same call gives the same table."""
import csv
import io
import json
import math
import sys

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn

from pconv_edu.evaluate import (COLUMNS, biharmonic_fill, compare, evaluate, fill_pairs, fit_square, interval, l1_percent, load_manifest,
                                make_pairs, mean_fill, opencv_fill, psnr, score, show_examples, ssim, ssim_map)
from pconv_edu.masks import RATIO_BINS, MaskFolder, hole_ratio, irregular_mask, rect_mask
from pconv_edu.pictures import sample_photos, save_image

torch.manual_seed(0)
A, B = torch.rand(2, 3, 24, 31), torch.rand(2, 3, 24, 31)
MASK = (torch.rand(2, 1, 24, 31) > .3).float()


def hwc(picture): return picture.double().permute(1, 2, 0).numpy()


def pixels(a, b, where):  # the slow loop: every difference of the pixels that count
    found = []
    for c in range(3):
        for y in range(a.shape[-2]):
            for x in range(a.shape[-1]):
                if where[0, y, x]: found.append(float(a[c, y, x]) - float(b[c, y, x]))
    return found


# the metrics

def test_an_mse_of_one_hundredth_is_20_decibel():
    assert psnr(torch.full((1, 3, 4, 4), .6), torch.full((1, 3, 4, 4), .5)).item() == pytest.approx(20, abs=1e-5)
    assert psnr(A, A).eq(math.inf).all()


def test_metrics_agree_with_scikit_image():
    for i in range(2):
        a, b = hwc(A[i]), hwc(B[i])
        assert psnr(A, B)[i].item() == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1), abs=1e-5)
        wanted = structural_similarity(a, b, data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        assert ssim(A, B)[i].item() == pytest.approx(wanted, abs=1e-9)


def test_ssim_map_agrees_with_scikit_image_at_every_pixel():
    _, wanted = structural_similarity(hwc(A[0]), hwc(B[0]), data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True)
    assert np.abs(ssim_map(A, B)[0].permute(1, 2, 0).numpy() - wanted[5:-5, 5:-5]).max() < 1e-12


def test_inside_the_hole_only_the_hole_s_pixels_count():
    for i in range(2):
        d = pixels(A[i], B[i], 1 - MASK[i])
        assert l1_percent(A, B, 1 - MASK)[i].item() == pytest.approx(100 * sum(map(abs, d)) / len(d), rel=1e-6)
        assert psnr(A, B, 1 - MASK)[i].item() == pytest.approx(10 * math.log10(len(d) / sum(x * x for x in d)), rel=1e-6)
    m = ssim_map(A, B)
    hole = (1 - MASK)[..., 5:-5, 5:-5].bool().expand_as(m)
    assert ssim(A, B, 1 - MASK)[1].item() == pytest.approx(m[1][hole[1]].mean().item())


def test_the_whole_composite_is_diluted_by_its_valid_pixels_and_the_hole_is_not():
    image, mask = torch.zeros(1, 3, 20, 20), rect_mask(20, 0, 0, 10, 20)[None]
    found = {name: value.item() for name, value in score(torch.full_like(image, .2), image, mask).items()}
    assert tuple(found) == COLUMNS
    assert found["hole_l1"] == pytest.approx(20) and found["l1"] == pytest.approx(10)
    assert found["hole_psnr"] == pytest.approx(-10 * math.log10(.04), abs=1e-5)
    assert found["psnr"] == pytest.approx(found["hole_psnr"] + 10 * math.log10(2), abs=1e-5)  # half the pixels are right: 3.01 dB


def test_the_output_s_valid_pixels_do_not_count_and_outputs_are_clamped():
    image, mask = torch.rand(1, 3, 20, 20), rect_mask(20, 4, 4, 8, 8)[None]
    wild = torch.where(mask > 0, torch.full_like(image, 99.), image)
    assert score(wild, image, mask)["psnr"].item() == math.inf
    bright = score(torch.full_like(image, 7.), image, mask)["hole_l1"]
    assert torch.equal(bright, score(torch.ones_like(image), image, mask)["hole_l1"])


def test_a_small_hole_near_the_edge_has_no_ssim_of_its_own():
    found = score(A[:1], B[:1], rect_mask((24, 31), 0, 0, 3, 3)[None])
    assert found["hole_ssim"].isnan().all() and found["hole_psnr"].isfinite().all()
    with pytest.raises(ValueError, match="11 × 11"): ssim(A[..., :10], B[..., :10])


def test_the_interval_is_student_s():
    values = [3., 5., 4., 8.]
    mean, half = interval([*values, math.nan])
    assert mean == 5 and half == pytest.approx(3.1824 * np.std(values, ddof=1) / 2, abs=1e-3)  # 3.1824: t for 3 degrees of freedom
    assert interval([7.])[0] == 7 and math.isnan(interval([7.])[1]) and math.isnan(interval([])[0])
    assert interval([math.inf, 20., 30.])[0] == math.inf


# the baselines

def test_mean_fill_is_the_mean_of_the_valid_pixels_of_each_picture():
    filled = mean_fill(A, MASK)
    for i in range(2):
        for c in range(3): assert filled[i, c, 0, 0].item() == pytest.approx(A[i, c][MASK[i, 0] > 0].mean().item(), rel=1e-5)
    assert torch.equal(mean_fill(A * MASK, MASK), filled)  # it saw nothing of the hole


def test_biharmonic_fill_is_scikit_image_s_and_right_on_a_slope():
    ramp = torch.linspace(.2, .8, 32).expand(1, 3, 32, 32).contiguous()
    filled = biharmonic_fill(ramp, rect_mask(32, 10, 10, 8, 8)[None])
    assert (filled - ramp).abs().max() < .004  # 8-bit levels


def test_opencv_is_asked_for_by_name_or_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match="opencv-python-headless"): opencv_fill()


# pairs

PHOTOS = sample_photos("chelsea", "rocket", size=32)


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
    assert [(p.mask, p.bin) for p in pairs] == [("m0.png", 0), ("m0.png", 0), ("m2.png", 1), ("m4.png", 1), ("m1.png", 5), ("m1.png", 5)]
    table = evaluate(mean_fill, PHOTOS, folder, pairs=pairs, size=32)
    assert table.bins() == [0, 1, 5]
    for _, _, mask, _ in fill_pairs(mean_fill, pairs, PHOTOS, MaskFolder(folder), 32): assert set(mask.unique().tolist()) == {0, 1}


def test_pairs_that_do_not_fit_what_is_given_are_refused(tmp_path):
    folder = mask_files(tmp_path / "masks", [.05, .15])
    pairs = make_pairs(PHOTOS, folder, size=32)
    with pytest.raises(ValueError, match="'m0.png' is not the one"): evaluate(mean_fill, PHOTOS, MaskFolder(folder, hole="black"), pairs=pairs, size=32)
    with pytest.raises(ValueError, match="not in the mask folder"): evaluate(mean_fill, PHOTOS, pairs=pairs, size=32)
    with pytest.raises(ValueError, match="'chelsea'"): evaluate(mean_fill, {"rocket": PHOTOS["rocket"]}, folder, pairs=pairs, size=32)
    with pytest.raises(ValueError, match="polarity"): make_pairs(PHOTOS, mask_files(tmp_path / "full", [.95]), size=32)
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(ValueError, match="no manifest"): evaluate(mean_fill, PHOTOS, pairs=tmp_path / "no.json")


def test_pictures_come_as_folder_list_or_dict(tmp_path):
    for name, photo in PHOTOS.items(): save_image(photo, tmp_path / "sub" / f"{name}.png")
    tables = [evaluate(mean_fill, images, size=32, name="m") for images in (PHOTOS, list(PHOTOS.values()), tmp_path, [tmp_path / "sub" / f"{n}.png" for n in PHOTOS])]
    assert all(t.rows == tables[0].rows for t in tables)
    assert tables[2].pairs[0].picture == "sub/chelsea.png"
    with pytest.raises(ValueError, match="empty"): evaluate(mean_fill, [])


def test_large_photos_are_cut_to_their_middle_square():
    photo = torch.zeros(3, 40, 80)
    photo[:, :, 20:60] = 1
    assert fit_square(photo, 20).shape == (3, 20, 20) and fit_square(photo, 20)[:, :, 1:-1].min() > .99
    assert fit_square(PHOTOS["chelsea"], 32) is PHOTOS["chelsea"]


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
    tables = compare({"mean": mean_fill, "black": lambda image, mask: torch.zeros_like(image)}, PHOTOS, size=32, per_bin=2)
    assert tables["mean"].pairs == tables["black"].pairs
    lines = tables.text("hole_psnr").splitlines()
    assert len(lines) == 3 and lines[0].count("(") == 6 and lines[1].startswith("mean") and "±" in lines[1]


# output

def test_csv_and_json_hold_the_same_numbers():
    table = evaluate(mean_fill, PHOTOS, size=32)
    lines = list(csv.DictReader(io.StringIO(table.to_csv())))
    saved = json.loads(json.dumps(table.to_json(), allow_nan=False))
    assert [line["bin"] for line in lines] == ["({}, {}]".format(*b) for b in RATIO_BINS]
    for line, row in zip(lines, saved["summary"]):
        mean, half = row["psnr"]
        assert float(line["psnr"]) == mean and float(line["psnr_high"]) == pytest.approx(mean + half)
        values = [r["psnr"] for r in saved["rows"] if "({}, {}]".format(*RATIO_BINS[r["bin"]]) == row["bin"]]
        assert mean == pytest.approx(sum(values) / len(values))


def test_a_perfect_method_is_saved_too():
    table = evaluate(lambda image, mask: PERFECT[: len(image)], {"a": PERFECT[0]}, size=32, batch=1)
    assert table.rows[0]["psnr"] == math.inf
    json.dumps(table.to_json(), allow_nan=False)


PERFECT = PHOTOS["chelsea"][None]


def test_text_is_for_people():
    text = str(evaluate(mean_fill, PHOTOS, size=32))
    assert text.startswith("mean_fill, 32 × 32 pixels") and "hole PSNR" in text and len({len(line) for line in text.splitlines()[1:]}) == 1


def test_examples_have_a_row_for_each_bin():
    pairs = make_pairs(PHOTOS, size=32)
    drawing = show_examples({"mean": mean_fill, "noise": noisy}, pairs, PHOTOS, size=32)
    assert len(drawing.axes) == 24
    shown = drawing.axes[2].images[0].get_array()
    mask = next(fill_pairs(mean_fill, pairs, PHOTOS, None, 32))[2][0, 0].numpy() > 0
    assert np.allclose(shown[mask], PHOTOS["chelsea"].permute(1, 2, 0).numpy()[mask], atol=1e-6)
    assert hole_ratio(torch.from_numpy(mask).float()) == pytest.approx(pairs[0].ratio)
