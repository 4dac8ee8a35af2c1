"""The baselines do what they say, and none of them looks into the hole."""
import sys

import pytest
import torch

from pconv_edu.baselines import FilledFirst, biharmonic_fill, classical_methods, mean_fill, opencv_fill
from pconv_edu.masks import irregular_mask, rect_mask
from pconv_edu.pictures import sample_photos
from pconv_edu.unet import PConvUNet

torch.manual_seed(0)
A = torch.rand(2, 3, 24, 31)
MASK = (torch.rand(2, 1, 24, 31) > .3).float()
PHOTO = sample_photos("coffee", size=48)["coffee"]


def test_mean_fill_is_the_mean_of_the_valid_pixels_of_each_picture():
    filled = mean_fill(A, MASK)
    for i in range(2):
        for c in range(3):
            assert filled[i, c, 0, 0].item() == pytest.approx(A[i, c][MASK[i, 0] > 0].mean().item(), rel=1e-5)
    assert torch.equal(mean_fill(A * MASK, MASK), filled)  # it saw nothing of the hole
    assert torch.equal(mean_fill(torch.where(MASK > 0, A, torch.nan), MASK), filled)
    assert (mean_fill(A, MASK * 0) == .5).all()


def test_biharmonic_fill_is_scikit_image_s_and_right_on_a_slope():
    ramp = torch.linspace(.2, .8, 32).expand(1, 3, 32, 32).contiguous()
    filled = biharmonic_fill(ramp, rect_mask(32, 10, 10, 8, 8)[None])
    assert (filled - ramp).abs().max() < .004  # 8-bit levels


def test_opencv_is_asked_for_by_name_or_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"pconv_edu\[classical\]"): opencv_fill()


def test_an_unknown_opencv_method_is_named():
    with pytest.raises(ValueError, match="'navier'.*'telea' and 'ns'"): opencv_fill("navier")


def test_no_classical_method_looks_into_the_hole():
    pytest.importorskip("cv2")
    mask = irregular_mask(48, .3, seed=1)[None]
    for name, method in classical_methods().items():
        clean, dirty = (method(torch.where(mask > 0, PHOTO, v), mask) for v in (0., 1.))
        assert clean.shape == (1, 3, 48, 48) and clean.isfinite().all(), name
        hole = (mask == 0).expand_as(clean)
        assert torch.equal(clean[hole], dirty[hole]), name


def test_opencv_s_two_methods_are_opencv_s():
    cv2 = pytest.importorskip("cv2")
    mask = rect_mask(48, 10, 12, 8, 20)
    levels = (PHOTO * mask).mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()
    for name, flag in (("telea", cv2.INPAINT_TELEA), ("ns", cv2.INPAINT_NS)):
        wanted = torch.from_numpy(cv2.inpaint(levels, (mask[0] == 0).byte().numpy(), 3, flag)).permute(2, 0, 1) / 255
        assert torch.equal(opencv_fill(name)((PHOTO * mask)[None], mask[None])[0], wanted)


def test_thin_holes_are_filled_well_by_every_classical_method_but_the_mean():
    pytest.importorskip("cv2")
    mask = torch.ones(1, 1, 48, 48)
    mask[..., 4:44:10, :] = 0
    for name, method in classical_methods().items():
        error = ((method(PHOTO[None] * mask, mask) - PHOTO) ** 2 * (1 - mask)).sum() / (3 * (1 - mask).sum())
        assert (error < .02) == (name != "mean fill"), f"{name}: {error}"


# the twin

def test_the_twin_s_hole_is_127_5():
    """The baseline's fill: mid-grey, 127.5 of 255, and not black or the mean."""
    twin = PConvUNet(widths=(4, 8), partial=False).eval()
    mask = irregular_mask(48, .3, seed=1)[None]
    with torch.no_grad():
        grey = twin(torch.where(mask > 0, PHOTO[None], 127.5 / 255), torch.ones_like(mask))
        assert torch.equal(twin(PHOTO[None], mask), grey) and torch.equal(
            FilledFirst(twin)(PHOTO[None] * mask, mask), grey
        )
        assert not torch.allclose(FilledFirst(twin, 0.)(PHOTO[None], mask), grey, atol=1e-4)


def test_a_partial_network_is_no_twin():
    with pytest.raises(ValueError, match="partial=False"): FilledFirst(PConvUNet(widths=(4, 8)))


def test_a_network_without_a_config_can_be_filled_first():
    class Copy(torch.nn.Module):
        def forward(self, image, mask): return image * mask.mean()
    mask = rect_mask(48, 0, 0, 5, 5)[None]
    assert FilledFirst(Copy(), .25)(PHOTO[None], mask)[0, :, 0, 0].tolist() == [.25] * 3
