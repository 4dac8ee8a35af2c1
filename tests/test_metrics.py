"""l1, PSNR and SSIM are those of scikit-image and of slow loops, over the whole and inside the hole."""
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pconv_edu.commands.evaluate import main
from pconv_edu.evaluation import evaluate
from pconv_edu.masks import rect_mask
from pconv_edu.metrics import (
    METRICS, Metric, SqueezeNetFeatures, chosen_metrics, l1_percent, perceptual_distance, psnr, score, ssim, ssim_map,
)
from pconv_edu.pictures import sample_photos, save_image
from pconv_edu.table import to_csv
from pconv_edu.weights import shipped_features

COLUMNS = [place + name for place in ("", "hole_") for name in chosen_metrics()]

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


def test_an_mse_of_one_hundredth_is_20_decibel():
    assert psnr(torch.full((1, 3, 4, 4), .6), torch.full((1, 3, 4, 4), .5)).item() == pytest.approx(20, abs=1e-5)
    assert psnr(A, A).eq(math.inf).all()


def test_metrics_agree_with_scikit_image():
    for i in range(2):
        a, b = hwc(A[i]), hwc(B[i])
        assert psnr(A, B)[i].item() == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1), abs=1e-5)
        wanted = structural_similarity(
            a, b, data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert ssim(A, B)[i].item() == pytest.approx(wanted, abs=1e-9)


def test_ssim_map_agrees_with_scikit_image_at_every_pixel():
    _, wanted = structural_similarity(
        hwc(A[0]), hwc(B[0]), data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )
    assert np.abs(ssim_map(A, B)[0].permute(1, 2, 0).numpy() - wanted[5:-5, 5:-5]).max() < 1e-12


def test_inside_the_hole_only_the_hole_s_pixels_count():
    for i in range(2):
        d = pixels(A[i], B[i], 1 - MASK[i])
        assert l1_percent(A, B, 1 - MASK)[i].item() == pytest.approx(100 * sum(map(abs, d)) / len(d), rel=1e-6)
        assert psnr(A, B, 1 - MASK)[i].item() == pytest.approx(
            10 * math.log10(len(d) / sum(x * x for x in d)), rel=1e-6
        )
    m = ssim_map(A, B)
    hole = (1 - MASK)[..., 5:-5, 5:-5].bool().expand_as(m)
    assert ssim(A, B, 1 - MASK)[1].item() == pytest.approx(m[1][hole[1]].mean().item())


def test_the_whole_composite_is_diluted_by_its_valid_pixels_and_the_hole_is_not():
    image, mask = torch.zeros(1, 3, 20, 20), rect_mask(20, 0, 0, 10, 20)[None]
    found = {name: value.item() for name, value in score(torch.full_like(image, .2), image, mask).items()}
    assert set(COLUMNS) <= set(found)
    assert found["hole_l1"] == pytest.approx(20) and found["l1"] == pytest.approx(10)
    assert found["hole_psnr"] == pytest.approx(-10 * math.log10(.04), abs=1e-5)
    # half the pixels are right: 3.01 dB
    assert found["psnr"] == pytest.approx(found["hole_psnr"] + 10 * math.log10(2), abs=1e-5)


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


def test_score_s_columns_are_the_single_metrics():
    found = score(B, A, MASK)
    filled = A * MASK + B * (1 - MASK)
    for name, metric in {"l1": l1_percent, "psnr": psnr, "ssim": ssim}.items():
        assert torch.allclose(found[name], metric(filled, A), rtol=1e-12, equal_nan=True)
        assert torch.allclose(found[f"hole_{name}"], metric(filled, A, 1 - MASK), rtol=1e-12, equal_nan=True)


def test_hole_ssim_by_a_slow_loop():
    """Windows that are half outside the hole count when their centre is inside; nothing else does."""
    filled = A * MASK + B * (1 - MASK)
    _, full = structural_similarity(
        hwc(filled[0]), hwc(A[0]), data_range=1, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )
    values = [full[y, x, c] for y in range(5, 19) for x in range(5, 26) for c in range(3) if MASK[0, 0, y, x] == 0]
    assert score(B, A, MASK)["hole_ssim"][0].item() == pytest.approx(sum(values) / len(values), abs=1e-9)


def test_half_precision_pictures_are_summed_in_float64():
    """Sums in half precision: a mean over many pixels drifts or overflows."""
    a, b = torch.full((1, 3, 300, 300), .5).half(), torch.full((1, 3, 300, 300), .25).half()
    assert l1_percent(a, b).item() == 25 and psnr(a, b).item() == pytest.approx(12.0412, abs=1e-3)


# ---- one table ----
def test_a_metric_is_one_line(monkeypatch, tmp_path, capsys):
    """Two kinds: a value at each pixel gives two columns, a number for each picture one.

    Table, CSV, command and --help show them.
    """
    monkeypatch.setitem(METRICS, "mse", Metric(lambda a, b: (a - b) ** 2, "MSE", 4, "lower"))
    monkeypatch.setitem(
        METRICS, "tint", Metric(lambda a, b: (a.mean((2, 3)) - b.mean((2, 3))).abs().sum(1), "tint", 3, "lower")
    )
    image = sample_photos("chelsea", size=32)["chelsea"]
    table = evaluate(lambda image, mask: image * 0 + .5, {"cat": image}, size=32, per_bin=1)
    assert [c for c in table.columns if c not in COLUMNS] == ["mse", "tint", "hole_mse"]
    for row in table.rows:
        assert row["psnr"] == pytest.approx(-10 * math.log10(row["mse"])) and row["hole_psnr"] == pytest.approx(
            -10 * math.log10(row["hole_mse"])
        )
    assert "MSE ↓" in str(table) and "hole MSE ↓" in str(table) and "tint ↓" in str(table) and "PSNR dB ↑" in str(table)
    assert "hole_mse_low" in to_csv(table)
    save_image(image, tmp_path / "photos" / "cat.png")
    assert (
        main([str(tmp_path / "photos"), "--net", "mean", "--size", "32", "--quiet"]) == 0
        and "hole MSE ↓" in capsys.readouterr().out
    )
    assert main(["--help"]) == 0 and "MSE (lower is better), tint (lower is better)" in " ".join(
        capsys.readouterr().out.split()
    )


def test_the_hole_column_of_a_map_that_is_smaller_than_the_picture():
    "SSIM's map begins 5 pixels inside: the hole must be cut alike, on pictures that are no squares as well."
    torch.manual_seed(0)
    image, mask = torch.rand(2, 3, 30, 40), (torch.rand(2, 1, 30, 40) > .3).float()
    found = score(torch.rand(2, 3, 30, 40), image, mask)
    torch.manual_seed(0)
    torch.rand(2, 3, 30, 40)
    torch.rand(2, 1, 30, 40)
    filled = torch.where(mask > 0, image, torch.rand(2, 3, 30, 40))
    for name, function in {"l1": l1_percent, "psnr": psnr, "ssim": ssim}.items():
        assert torch.equal(found[name], function(filled, image)) and torch.equal(
            found[f"hole_{name}"], function(filled, image, 1 - mask)
        )


# ---- the distance that a trained network sees ----
def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int) -> np.ndarray:
    "The slow, obvious convolution and ReLU: [C,H,W] -> [K,h,w]."
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    side = weight.shape[-1]
    height, width = ((n - side) // stride + 1 for n in x.shape[1:])
    out = np.empty((len(weight), height, width))
    for row in range(height):
        for col in range(width):
            window = x[:, row * stride:row * stride + side, col * stride:col * stride + side]
            out[:, row, col] = (weight * window).sum((1, 2, 3)) + bias
    return out.clip(0)


def pool(x: np.ndarray) -> np.ndarray:
    "The largest of each 3 × 3 window, every second row and column; the last window may be incomplete."
    height, width = (-(-(n - 3) // 2) + 1 for n in x.shape[1:])
    return np.stack([[x[:, 2 * r:2 * r + 3, 2 * c:2 * c + 3].max((1, 2)) for c in range(width)] for r in range(height)]
                    ).transpose(2, 0, 1)


def test_the_distance_by_a_slow_loop():
    "The network written out in numpy, from the numbers in the file; the formula position by position."
    state = {name: t.double().numpy() for name, t in load_file(shipped_features("squeezenet1_1")).items()}
    part = lambda name: (state[f"features.{name}.weight"], state[f"features.{name}.bias"])
    def fire(x, n):
        x = convolve(x, *part(f"{n}.squeeze"), 1, 0)
        return np.concatenate([convolve(x, *part(f"{n}.expand1x1"), 1, 0), convolve(x, *part(f"{n}.expand3x3"), 1, 1)])
    def levels(picture):
        mean, std = (np.array(v).reshape(3, 1, 1) for v in ((.485, .456, .406), (.229, .224, .225)))
        x = convolve((picture.double().numpy() - mean) / std, *part("0"), 2, 0)
        found = [x]
        for fires in ((3, 4), (6, 7), (9, 10, 11, 12)):
            x = pool(x)
            for n in fires: x = fire(x, n)
            found.append(x)
        return found
    cat = sample_photos("chelsea", size=37)["chelsea"][:, :33]  # no square, and no pool ends with a whole window
    other, wanted = (cat + .2 * torch.randn(cat.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1), 0.
    for p, q in zip(levels(other), levels(cat)):
        for row in range(p.shape[1]):
            for col in range(p.shape[2]):
                u, v = p[:, row, col], q[:, row, col]
                wanted += ((u / np.sqrt((u * u).sum()) - v / np.sqrt((v * v).sum())) ** 2).sum() / p[0].size
    assert perceptual_distance(other[None], cat[None]).item() == pytest.approx(wanted, rel=1e-4)
    assert .5 < wanted < 8


def test_the_distance_judges_and_teaches_nobody():
    a = A.clone().requires_grad_()
    assert not perceptual_distance(a, B).requires_grad
    assert perceptual_distance(A, A).tolist() == [0, 0] and perceptual_distance(A, B).dtype == torch.float64
    assert not list(SqueezeNetFeatures().parameters()) and not SqueezeNetFeatures().state_dict()
    assert not SqueezeNetFeatures().train().training
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(perceptual_distance(A, B), perceptual_distance(A, B))
        half = perceptual_distance(A, B)
    assert torch.equal(half, perceptual_distance(A, B))
    with pytest.raises(ValueError, match=r"at least 16 × 16 pixels.*\[2, 3, 15, 31\]"):
        perceptual_distance(A[..., :15, :], B[..., :15, :])


def test_a_shift_is_a_smaller_damage_than_noise_and_noise_than_blur():
    "Three damages of one l1, which cannot tell them apart, on all six photos."
    from pconv_edu.course.loss_lab import damages
    for name, photo in sample_photos(size=96).items():
        found = damages(photo[None], torch.zeros(1, 1, 96, 96))
        shift, noise, blur = (perceptual_distance(found[way], photo[None]).item()
                              for way in ("shift by 1 px", "noise", "blur"))
        assert shift < noise < blur and shift < blur / 2, (name, shift, noise, blur)


def test_only_the_metrics_asked_for_are_computed(monkeypatch):
    assert chosen_metrics() == ("l1", "psnr", "ssim")
    assert list(score(B, A, MASK, ("perceptual", "psnr"))) == ["perceptual", "psnr", "hole_psnr"]
    filled = (A * MASK + B * (1 - MASK))
    assert torch.equal(score(B, A, MASK, ["perceptual"])["perceptual"], perceptual_distance(filled, A))
    for wrong, said in (("psnr", "give a tuple"), (["fid"], "'fid' is unknown here; there are l1"), ((), "empty")):
        with pytest.raises(ValueError, match=said): score(B, A, MASK, wrong)
    monkeypatch.setattr("pconv_edu.metrics._squeezenet", None)
    score(B, A, MASK)  # does not look
