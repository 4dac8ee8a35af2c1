"""The loss terms against loops in float64, hand-worked numbers, half precision, and bugs seen elsewhere."""
import copy
import math
import os
import pickle
import subprocess
import sys
from dataclasses import asdict, replace
from itertools import product

import pytest
import torch

from pconv_edu.losses import (InpaintingLoss, LossWeights, Term, VGG16Features, composite, gram_matrix, hole_loss,
                              hole_ring, perceptual_loss, style_loss, tv_loss, valid_loss)
from pconv_edu.losses import vgg_weights
from pconv_edu.losses.perceptual import IMAGENET_MEAN, IMAGENET_STD
from pconv_edu.losses.pixel import pixel_span
from pconv_edu.losses.total import TERMS as TERMS_TABLE
from pconv_edu.losses.total import used
from pconv_edu.masks import irregular_mask

ONE = dict(valid=0, hole=0, perceptual=0, style=0, tv=0)
PAPER = dict(valid=1, hole=6, perceptual=.05, style=120, tv=.1)  # section 3.3
TERMS = tuple(PAPER)


def random_case(size=16, batch=2, seed=0, dtype=torch.float64, hole=.3):
    g = torch.Generator().manual_seed(seed)
    output, image = (torch.rand(batch, 3, size, size, generator=g, dtype=dtype) for _ in range(2))
    mask = (torch.rand(batch, 1, size, size, generator=g) > hole).to(dtype)
    return output, image, mask


@pytest.fixture(scope="module")
def vgg(): return VGG16Features("random")


@pytest.fixture(scope="module")
def vgg64(): return VGG16Features("random").double()


# ---- loops -----------------------------------------------------------------------------------------------------------

def pixel_loop(output, image, mask, valid):
    total = 0.
    for b, c, y, x in product(*map(range, output.shape)):
        if bool(mask[b, 0, y, x]) == valid: total += abs(output[b, c, y, x].item() - image[b, c, y, x].item())
    return total / output.numel()


def ring_loop(mask):
    ring = torch.zeros_like(mask)
    for b, y, x in product(range(mask.shape[0]), range(mask.shape[2]), range(mask.shape[3])):
        around = mask[b, 0, max(0, y - 1):y + 2, max(0, x - 1):x + 2]
        ring[b, 0, y, x] = float((around == 0).any())
    return ring


def tv_loop(comp, mask):
    ring, total = ring_loop(mask), 0.
    for b, c, y, x in product(*map(range, comp.shape)):
        for dy, dx in ((0, 1), (1, 0)):
            if y + dy < comp.shape[2] and x + dx < comp.shape[3] and ring[b, 0, y, x] and ring[b, 0, y + dy, x + dx]:
                total += abs(comp[b, c, y + dy, x + dx].item() - comp[b, c, y, x].item())
    return total / comp.numel()


def perceptual_loop(outs, comps, gts):
    total = 0.
    for level in range(3):
        for feats in (outs, comps):
            a, b = feats[level].flatten().tolist(), gts[level].flatten().tolist()
            total += sum(abs(p - q) for p, q in zip(a, b)) / len(a)
    return total


def gram_loop(f):
    batch, channels, h, w = f.shape
    gram = torch.zeros(batch, channels, channels, dtype=f.dtype)
    for b, i, j in product(range(batch), range(channels), range(channels)):
        total = sum(f[b, i, y, x].item() * f[b, j, y, x].item() for y in range(h) for x in range(w))
        gram[b, i, j] = total / (channels * h * w)
    return gram


def style_loop(feats, gts):
    total = 0.
    for f, gt in zip(feats, gts):
        difference = (gram_loop(f) - gram_loop(gt)).abs()
        total += sum(difference[b].sum().item() / f.shape[1] ** 2 for b in range(len(f))) / len(f)
    return total


def levels(seed, channels=(2, 3, 4), batch=2, size=8):
    g = torch.Generator().manual_seed(seed)
    shapes = [(batch, c, size >> i, size >> i) for i, c in enumerate(channels)]
    return [torch.randn(shape, generator=g, dtype=torch.float64) for shape in shapes]


def test_pixel_terms_against_loops():
    case = random_case(9)
    assert valid_loss(*case).item() == pytest.approx(pixel_loop(*case, True), rel=1e-12)
    assert hole_loss(*case).item() == pytest.approx(pixel_loop(*case, False), rel=1e-12)


@pytest.mark.parametrize("hole", [0, .03, .5, 1])
def test_ring_and_tv_against_loops(hole):
    output, image, mask = random_case(11, seed=3, hole=hole)
    comp = composite(output, image, mask)
    assert torch.equal(hole_ring(mask), ring_loop(mask))
    assert tv_loss(comp, mask).item() == pytest.approx(tv_loop(comp, mask), rel=1e-12, abs=1e-15)


def test_perceptual_against_loop():
    feats = [levels(i) for i in range(3)]
    assert perceptual_loss(*feats).item() == pytest.approx(perceptual_loop(*feats), rel=1e-12)


def test_style_against_loop():
    a, b = levels(0), levels(1)
    assert torch.allclose(gram_matrix(a[0]), gram_loop(a[0]), rtol=1e-12)
    assert style_loss(a, b).item() == pytest.approx(style_loop(a, b), rel=1e-12)


def plain_total(output, image, mask, vgg, w=LossWeights()):
    "Every term from its own function, VGG asked anew for each: the obvious way."
    comp = composite(output, image, mask)
    terms = {"valid": valid_loss(output, image, mask), "hole": hole_loss(output, image, mask),
             "perceptual": perceptual_loss(vgg(output), vgg(comp), vgg(image)),
             "style": style_loss(vgg(output), vgg(image)) + style_loss(vgg(comp), vgg(image)),
             "tv": tv_loss(comp, mask)}
    return sum(getattr(w, name) * term for name, term in terms.items()), terms


def test_total_and_its_gradient_equal_the_plain_way(vgg64):
    output, image, mask = random_case()
    output.requires_grad_()
    total, terms = InpaintingLoss(vgg=vgg64)(output, image, mask)
    plain, plain_terms = plain_total(output, image, mask, vgg64)
    assert total.item() == pytest.approx(plain.item(), rel=1e-12)
    assert tuple(terms) == TERMS
    for name in TERMS: assert terms[name].item() == pytest.approx(plain_terms[name].item(), rel=1e-12)
    ours, theirs = (torch.autograd.grad(t, output)[0] for t in (total, plain))
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-15)


# ---- numbers worked by hand ------------------------------------------------------------------------------------------

def test_numbers_of_the_lessons():
    grid = torch.tensor([[[[1., 3], [0, 6]]]])
    assert tv_loss(grid, torch.zeros(1, 1, 2, 2)).item() * 4 == 12
    assert gram_matrix(torch.tensor([[[[1., 2]], [[0, 1]]]])).tolist() == [[[1.25, .5], [.5, .25]]]
    ones, zeros = torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    quarter = torch.ones(1, 1, 4, 4)
    quarter[..., :2, :2] = 0
    assert hole_loss(ones, zeros, quarter) == .25 and valid_loss(ones, zeros, quarter) == .75
    assert hole_ring(quarter).sum() == 9


def test_shuffling_pixels_leaves_the_gram_matrix():
    features = levels(4)[2]
    order = torch.randperm(features[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[..., order].view_as(features)
    assert torch.allclose(gram_matrix(shuffled), gram_matrix(features), rtol=1e-12)


def test_batch_is_the_mean_over_pictures(vgg64):
    loss, case = InpaintingLoss(vgg=vgg64), random_case(batch=3)
    whole = loss(*case)[1]
    single = [loss(*(t[i:i + 1] for t in case))[1] for i in range(3)]
    for name in TERMS: assert whole[name].item() == pytest.approx(sum(s[name].item() for s in single) / 3, rel=1e-10)


def test_pixel_range_stretches_valid_hole_and_tv_only(vgg64):
    case = random_case()
    unit, signed = (InpaintingLoss(vgg=vgg64, pixel_range=r)(*case)[1] for r in ((0, 1), (-1, 1)))
    ratios = {name: (signed[name] / unit[name]).item() for name in TERMS}
    assert ratios == pytest.approx(dict(valid=2, hole=2, perceptual=1, style=1, tv=2))
    by_hand = hole_loss(case[0] * 2 - 1, case[1] * 2 - 1, case[2])
    assert hole_loss(*case, pixel_range=(-1, 1)).item() == pytest.approx(by_hand.item())
    with pytest.raises(ValueError, match=r"\(1, 0\)"): pixel_span((1, 0))


def test_a_perfect_output_costs_only_its_own_variation(vgg):
    _, image, mask = random_case(dtype=torch.float32)
    terms = InpaintingLoss(vgg=vgg)(image, image, mask)[1]
    assert all(terms[name] == 0 for name in TERMS[:4]) and terms["tv"] > 0


# ---- pictures with missing values, and torch's default dtype ---------------------------------------------------------

SILENT = [float("nan"), float("inf"), -float("inf")]


def gaps(image, mask, value):
    "The picture with `value` at half of the hole's numbers, in each channel at other places; and where that is."
    g = torch.Generator().manual_seed(7)
    unknown = (mask == 0) & (torch.rand(image.shape, generator=g) < .5)
    return image.masked_fill(unknown, value), unknown


@pytest.mark.parametrize("some", [True, False])
@pytest.mark.parametrize("value", SILENT)
def test_a_picture_whose_hole_holds_nan_is_the_one_with_0_there(value, some, vgg):
    "Every function, the whole loss and its gradient: in all of the hole, or at other places in each channel."
    output, image, mask = random_case(dtype=torch.float32)
    truth, unknown = gaps(image, mask, value) if some else (image.masked_fill(mask == 0, value), mask == 0)
    zero, loss, got = image.masked_fill(unknown, 0), InpaintingLoss(vgg=vgg), []
    assert torch.equal(composite(output, truth, mask), torch.where(mask != 0, image, output))
    for term in (valid_loss, hole_loss): assert torch.equal(term(output, truth, mask), term(output, zero, mask))
    for goal in (truth, zero):
        out = output.clone().requires_grad_()
        total, terms = loss(out, goal, mask)
        total.backward()
        got.append([total, *terms.values(), out.grad])
    assert all(torch.equal(a, b) and a.isfinite().all() for a, b in zip(*got))


@pytest.mark.parametrize("value", [*SILENT, .7])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixel_terms_count_what_is_known_and_nothing_else(value, channels):
    "Against loops over the known numbers of the hole, and over all pairs of neighbours for TV; any number of channels."
    output, image, mask = random_case(size=8)
    output, image = (torch.cat([picture] * 2, 1)[:, :channels] for picture in (output, image))
    truth, unknown = gaps(image, mask, value)
    terms = InpaintingLoss(LossWeights(perceptual=0, style=0))(output, truth, mask, ~unknown)[1]
    b, c, h, w = output.shape
    hole = sum(abs(output[i] - image[i]) for i in product(range(b), range(c), range(h), range(w))
               if mask[i[0], 0, i[2], i[3]] == 0 and not unknown[i]) / output.numel()
    assert terms["hole"].item() == pytest.approx(hole.item(), rel=1e-12)
    assert terms["valid"] == valid_loss(output, image, mask)
    assert terms["tv"] == tv_loss(composite(output, image, mask), mask)  # needs no truth: the fill of a gap is smooth


@pytest.mark.parametrize("value", [*SILENT, .7])
def test_where_the_truth_is_unknown_no_answer_is_wrong(value, vgg):
    "The output there changes no term that compares, and gets no gradient; elsewhere it is that of equal pictures."
    output, image, mask = random_case(dtype=torch.float32)
    truth, unknown = gaps(image, mask, value)
    assert torch.equal(composite(output, truth, mask), torch.where(mask != 0, image, output))
    loss, got = InpaintingLoss(LossWeights(tv=0), vgg=vgg), []
    for picture, goal in ((output, truth), (output + unknown, truth), (output * ~unknown, image * ~unknown)):
        out = picture.clone().requires_grad_()
        total, terms = loss(out, goal, mask, ~unknown)
        total.backward()
        got.append([total, *terms.values(), out.grad * ~unknown])
        if goal is truth: assert (out.grad[unknown] == 0).all() and (out.grad[~unknown] != 0).any()
    for other in got[1:]: assert all(torch.equal(a, b) and a.isfinite().all() for a, b in zip(got[0], other))


def test_known_must_fit_the_picture(vgg):
    output, image, mask = random_case(dtype=torch.float32)
    loss = InpaintingLoss(LossWeights(perceptual=0, style=0))
    whole = loss(output, image, mask)[0]
    for known in (torch.ones_like(mask), torch.ones_like(image)): assert loss(output, image, mask, known)[0] == whole
    for known in (torch.ones_like(mask)[..., 1:], torch.ones(len(image), 2, *image.shape[2:])):
        with pytest.raises(ValueError, match="known has shape"): loss(output, image, mask, known)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_vgg_terms_refuse_other_channels_and_say_what_to_do(vgg, channels):
    output, mask = torch.rand(1, channels, 16, 16), torch.ones(1, 1, 16, 16)
    with pytest.raises(ValueError, match=rf"{channels} channels.*LossWeights\(perceptual=0, style=0\)"):
        InpaintingLoss(vgg=vgg)(output, output, mask)
    with pytest.raises(ValueError, match=r"LossWeights\(style=0\)"):
        InpaintingLoss(LossWeights(perceptual=0), vgg=vgg)(output, output, mask)


@pytest.mark.parametrize("value", SILENT)
def test_what_the_mask_hides_of_the_output_does_not_show(value):
    output, image, mask = random_case(dtype=torch.float32)
    loud, broken = output.masked_fill(mask == 1, value).requires_grad_(), output.masked_fill(mask == 0, value)
    assert torch.equal(composite(loud, image, mask), composite(output, image, mask))
    assert torch.equal(hole_loss(loud, image, mask), hole_loss(output, image, mask))
    hole_loss(loud, image, mask).backward()
    assert loud.grad.isfinite().all()
    assert torch.equal(valid_loss(broken, image, mask), valid_loss(output, image, mask))
    assert not hole_loss(broken, image, mask).isfinite()  # a failing network is not hidden
    assert not valid_loss(loud, image, mask).isfinite()


def test_a_missing_value_among_the_valid_pixels_is_not_hidden(vgg):
    output, image, mask = random_case(dtype=torch.float32)
    image[0, 0][mask[0, 0] == 1] = torch.nan
    assert InpaintingLoss(vgg=vgg)(output, image, mask)[0].isnan()


def test_a_soft_mask_still_blends():
    output, image, mask = torch.full((1, 3, 2, 2), .2), torch.full((1, 3, 2, 2), .6), torch.full((1, 1, 2, 2), .25)
    assert torch.allclose(composite(output, image, mask), torch.tensor(.3))
    assert valid_loss(output, image, mask).item() == pytest.approx(.1)
    assert hole_loss(output, image, mask).item() == pytest.approx(.3)


@pytest.fixture
def double_by_default():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_the_loss_is_the_same_under_another_default_dtype(vgg, double_by_default):
    case = random_case(dtype=torch.float32)
    again = VGG16Features("random")
    assert {t.dtype for t in again.buffers()} == {torch.float32} and torch.equal(again.std, vgg.std)
    assert all(torch.equal(a, b) for a, b in zip(again.buffers(), vgg.buffers()))
    expected = InpaintingLoss(vgg=vgg)(*case)[0].item()
    for dtype in (torch.float32, torch.float64):
        total, _ = InpaintingLoss(vgg="random")(*(t.to(dtype) for t in case))
        assert total.item() == pytest.approx(expected, rel=1e-5)


# ---- the table of terms ----------------------------------------------------------------------------------------------

def test_the_papers_weights_stand_in_the_table():
    assert {name: term.weight for name, term in TERMS_TABLE.items() if term.weight} == PAPER == used(LossWeights())
    assert LossWeights(1, 6, .05, 120, .1) == LossWeights() and hash(LossWeights()) == hash(LossWeights(hole=6))
    made = LossWeights(hole=3)
    for same in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), replace(LossWeights(), hole=3)):
        assert same == made and isinstance(same, LossWeights)
    with pytest.raises(AttributeError): LossWeights().hole = 2
    with pytest.raises(TypeError, match="hol"): LossWeights(hol=2)


def warmth(composite, image):  # a term of one's own: how far the mean red is off
    return (composite[:, 0].mean() - image[:, 0].mean()).abs()


@pytest.fixture
def with_warmth(monkeypatch):
    "One more line in the table, off unless asked for."
    monkeypatch.setitem(TERMS_TABLE, "warmth", Term(warmth, ("composite", "image")))


def test_a_new_term_is_its_function_and_one_line(with_warmth):
    case = random_case(dtype=torch.float32)
    weights = LossWeights(perceptual=0, style=0, warmth=2)
    assert asdict(LossWeights())["warmth"] == 0 and used(LossWeights()) == PAPER
    assert pickle.loads(pickle.dumps(weights)) == weights
    total, terms = InpaintingLoss(weights)(*case)
    without, _ = InpaintingLoss(LossWeights(perceptual=0, style=0))(*case)
    expected = (composite(*case)[:, 0].mean() - case[1][:, 0].mean()).abs()
    assert terms["warmth"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert total.item() == pytest.approx(without.item() + 2 * expected.item(), rel=1e-5)


def test_commands_curves_and_bars_read_the_table(with_warmth):
    from pconv_edu.course.explorers import weight_bars
    from pconv_edu.log import curves
    from pconv_edu.commands.train import parse_weights, parser
    assert parse_weights("warmth=2,hole=1") == LossWeights(hole=1, warmth=2)
    told = "".join(parser().format_help().split())
    assert "tv=0.1," in told and "warmth=0" in told
    history = [dict(step=i, phase="a", loss=1., hole=1., warmth=.5) for i in range(3)]
    assert [axes.get_title() for axes in curves(history).axes] == ["loss", "hole", "warmth"]
    said = {"one": dict.fromkeys(TERMS_TABLE, 1.)}
    *others, bar = weight_bars(said, LossWeights(warmth=3)).axes[0].patches
    assert len(others) == len(TERMS_TABLE) - 1 and bar.get_width() == pytest.approx(3)
    assert bar.get_facecolor() not in [other.get_facecolor() for other in others]


def test_a_new_term_trains_and_an_older_run_resumes_beside_it(tmp_path, monkeypatch):
    from pconv_edu.phases import Phase
    from pconv_edu.train import fit
    from pconv_edu.unet import PConvUNet
    photos = [torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    def go(out, steps, **weights):
        torch.manual_seed(0)
        return fit(photos, out=tmp_path / out, net=PConvUNet(widths=(8, 16)), phases=(Phase("a", steps, 1e-3),),
                   size=32, batch=2, vgg=None, weights=LossWeights(perceptual=0, style=0, **weights), draw=False,
                   progress=False, device="cpu").history
    whole = go("whole", 2)
    go("older", 2)
    monkeypatch.setitem(TERMS_TABLE, "warmth", Term(warmth, ("composite", "image")))
    assert go("older", 2) == whole                      # off: the same run
    assert all(line["warmth"] > 0 for line in go("new", 2, warmth=1))
    with pytest.raises(ValueError, match="warmth"): go("older", 2, warmth=1)  # on: another run


# ---- gradients, numbers, devices -------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", TERMS)
def test_gradcheck_of_each_term(name, vgg64):
    loss = InpaintingLoss(LossWeights(**{**ONE, name: 1}), vgg=vgg64)
    output, image, mask = random_case(8, batch=1, seed=5)
    total, fast = lambda o: loss(o, image, mask)[0], name in ("perceptual", "style")
    assert torch.autograd.gradcheck(total, output.requires_grad_(), eps=1e-7, atol=1e-6, fast_mode=fast)


@pytest.mark.parametrize("value", [0., 1.])
def test_finite_for_no_hole_and_all_hole(value, vgg):
    output, image, _ = random_case(dtype=torch.float32)
    output.requires_grad_()
    total, terms = InpaintingLoss(vgg=vgg)(output, image, torch.full((2, 1, 16, 16), value))
    total.backward()
    assert all(t.isfinite() for t in (total, *terms.values())) and output.grad.isfinite().all()
    assert terms["hole" if value else "valid"] == 0 and (terms["tv"] == 0) == bool(value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("near", [1., .05, .005])
def test_half_precision_within_one_percent_of_float64(dtype, near, vgg, vgg64):
    "Far and near outputs (down to 0.5 % off): rounding inside VGG-16 must not drown a small difference."
    output, image, mask = random_case(48)
    output = (image + near * (output - image)).to(dtype)  # what a network returns under autocast
    _, exact = InpaintingLoss(vgg=vgg64)(output.double(), image, mask)
    with torch.autocast("cpu", dtype=dtype): total, terms = InpaintingLoss(vgg=vgg)(output, image.float(), mask.float())
    assert total.dtype == torch.float32
    for name in TERMS: assert terms[name].item() == pytest.approx(exact[name].item(), rel=1e-2), name
    assert total.item() == pytest.approx(sum(getattr(LossWeights(), n) * exact[n].item() for n in TERMS), rel=1e-2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_no_overflow_at_1024_pixels(dtype):
    "All terms on half-precision pictures and features of the size that a 1024 px picture has."
    output, image, mask = (t.to(dtype) for t in random_case(1024, batch=1, dtype=torch.float32))
    exact = [f(*(t.double() for t in (output, image, mask))).item() for f in (valid_loss, hole_loss)]
    features = torch.rand(1, 16, 512, 512, generator=torch.Generator().manual_seed(0)).mul(60).to(dtype)
    with torch.autocast("cpu", dtype=dtype):
        assert [f(output, image, mask).item() for f in (valid_loss, hole_loss)] == pytest.approx(exact, rel=1e-2)
        assert tv_loss(output, mask).item() == pytest.approx(tv_loss(output.double(), mask.double()).item(), rel=1e-2)
        gram, reference = gram_matrix(features), gram_matrix(features.double())
        assert torch.allclose(gram.double(), reference, rtol=1e-2)
        wanted = style_loss([features.double()], [features.double() / 2]).item()
        assert style_loss([features], [features / 2]).item() == pytest.approx(wanted, rel=1e-2)
        assert perceptual_loss([features], [features], [features * 0]).isfinite()


@pytest.mark.parametrize("checkpoint", [False, True])
def test_compiles_without_a_graph_break(checkpoint, vgg):
    output, image, mask = random_case(dtype=torch.float32)
    loss = InpaintingLoss(vgg=vgg, checkpoint=checkpoint)
    output.requires_grad_()
    expected = loss(output, image, mask)[0]
    total, terms = torch.compile(loss, fullgraph=True, backend="aot_eager")(output, image, mask)
    assert total.item() == pytest.approx(expected.item(), rel=1e-5) and tuple(terms) == TERMS
    gradient, wanted = (torch.autograd.grad(t, output)[0] for t in (total, expected))
    assert torch.allclose(gradient, wanted, rtol=1e-4, atol=1e-8)


# ---- cheap -----------------------------------------------------------------------------------------------------------

def count_passes(loss, output, image, mask):
    seen = []
    note = lambda module, args, result: seen.append((len(args[0]), result[0].requires_grad))
    hook = loss.vgg.register_forward_hook(note)
    loss(output.requires_grad_(), image.requires_grad_(), mask)[0].backward()
    hook.remove()
    return seen


def test_one_vgg_pass_for_output_and_composite_and_none_kept_for_the_truth(vgg):
    case = random_case(dtype=torch.float32)
    assert count_passes(InpaintingLoss(vgg=vgg), *case) == [(4, True), (2, False)]


def test_what_no_term_reads_does_not_pass_through_vgg(vgg, monkeypatch):
    def composite_only(feats_comp, feats_gt): return sum((a - b).abs().mean() for a, b in zip(feats_comp, feats_gt))
    monkeypatch.setitem(TERMS_TABLE, "seen", Term(composite_only, ("feats_comp", "feats_gt")))
    output, image, mask = random_case(dtype=torch.float32)
    loss = InpaintingLoss(LossWeights(**ONE | {"seen": 2}), vgg=vgg)
    assert count_passes(loss, output, image, mask) == [(2, True), (2, False)]
    expected = composite_only(vgg(composite(output, image, mask)), vgg(image))
    assert loss(output, image, mask)[0].item() == pytest.approx(2 * expected.item(), rel=1e-5)


def test_a_shift_moves_everything_that_vgg_sees_by_the_same(monkeypatch):
    output, image, mask = random_case(size=24, dtype=torch.float32)
    still, moving = VGG16Features("random"), VGG16Features("random", shift=7)
    monkeypatch.setattr(torch, "randint", lambda high, size: torch.tensor([high - 1, 2]))
    comp = composite(output, image, mask)
    outs, comps, gts = (still(picture[..., 7:, 2:]) for picture in (output, comp, image))
    _, terms = InpaintingLoss(LossWeights(), moving)(output, image, mask)
    assert terms["perceptual"].item() == pytest.approx(perceptual_loop(outs, comps, gts), rel=1e-4)
    _, unmoved = InpaintingLoss(LossWeights(), still)(output, image, mask)
    assert terms["hole"] == unmoved["hole"] and terms["perceptual"] != unmoved["perceptual"]


def test_every_shift_is_drawn_and_none_beyond_it():
    torch.manual_seed(0)
    loss, (output, image, mask) = InpaintingLoss(vgg=VGG16Features("random", shift=2)), random_case(dtype=torch.float32)
    sizes = set()
    loss.vgg.register_forward_hook(lambda module, args, result: sizes.add(tuple(args[0].shape[2:])))
    for _ in range(60): loss(output, image, mask)
    assert sizes == set(product((16, 15, 14), repeat=2))


@pytest.mark.parametrize("shift", [-1, 1.5, "8"])
def test_a_shift_that_is_no_number_of_pixels_is_named(shift):
    with pytest.raises(ValueError, match=f"shift is {shift!r}"): VGG16Features("random", shift=shift)


def test_terms_of_weight_zero_are_not_computed(vgg):
    case = random_case(dtype=torch.float32)
    loss = InpaintingLoss(LossWeights(perceptual=0, style=0), vgg="not looked for")
    assert loss.vgg is None and tuple(loss(*case)[1]) == ("valid", "hole", "tv")
    assert tuple(InpaintingLoss(LossWeights(style=0, tv=0), vgg=vgg)(*case)[1]) == ("valid", "hole", "perceptual")


def test_checkpoint_gives_the_same_loss_and_gradient(vgg64):
    output, image, mask = random_case(batch=3)
    grads = []
    for checkpoint in (False, True):
        total, _ = InpaintingLoss(vgg=vgg64, checkpoint=checkpoint)(output.requires_grad_(), image, mask)
        grads.append((total.item(), torch.autograd.grad(total, output)[0]))
    assert grads[0][0] == pytest.approx(grads[1][0], rel=1e-12)
    assert torch.allclose(grads[0][1], grads[1][1], rtol=1e-9, atol=1e-15)


PEAK = """
import resource, torch
from pconv_edu.losses import InpaintingLoss, VGG16Features
torch.set_num_threads(1)
vgg = VGG16Features("random")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def step(size, checkpoint):
    output = torch.rand(4, 3, size, size).requires_grad_()
    image, mask = torch.rand(4, 3, size, size), torch.ones(4, 1, size, size)
    InpaintingLoss(vgg=vgg, checkpoint=checkpoint)(output, image, mask)[0].backward()
    return peak()
before = max(step(16, True), step(16, False))
print(step(96, True) - before, step(96, False) - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory as Linux counts it")
def test_checkpoint_halves_the_peak_memory():
    "Resident memory of a process of its own; the dearer way comes second, as a peak only ever rises."
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "1000000"}  # freed memory goes back to the system at once
    command = [sys.executable, "-c", PEAK]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=300).stdout
    recomputed, plain = map(int, output.split())
    assert recomputed <= plain / 2, f"peak grew by {plain} KB plain and {recomputed} KB with checkpoint=True"


# ---- VGG-16 ----------------------------------------------------------------------------------------------------------

def test_vgg_levels_and_normalisation(vgg):
    import torchvision
    image = torch.rand(2, 3, 40, 32)
    features = vgg(image)
    assert [tuple(f.shape) for f in features] == [(2, 64, 20, 16), (2, 128, 10, 8), (2, 256, 5, 4)]
    normalised = (image - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)
    with torch.device("meta"): reference = torchvision.models.vgg16().features[:17]  # its own network with our weights
    reference.load_state_dict(renamed(vgg), assign=True)
    x, expected = normalised, []
    for layer in reference:
        x = layer(x)
        if isinstance(layer, torch.nn.MaxPool2d): expected.append(x.clone())
    for ours, theirs in zip(features, expected): assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def renamed(vgg):
    "The buffers under torchvision's names: '5.weight' for the third convolution, and so on."
    buffers = {tuple(name.split(".")): buffer for name, buffer in vgg.named_buffers()}
    return {".".join(name[2:]): buffer for name, buffer in buffers.items() if name[0] == "stages"}


def test_vgg_is_frozen_always_eval_and_no_part_of_any_state(vgg):
    loss = InpaintingLoss(vgg=vgg).train()
    assert not vgg.training and not any(m.training for m in vgg.modules())
    assert not list(loss.parameters()) and not loss.state_dict()
    features = vgg(torch.rand(1, 3, 16, 16, requires_grad=True))
    assert features[2].requires_grad  # the gradient passes through to the picture
    clone = copy.deepcopy(vgg).double()
    assert clone(torch.rand(1, 3, 8, 8, dtype=torch.float64))[0].dtype == torch.float64
    assert clone.stages[0][0].weight.dtype == torch.float64  # it follows .double() and .to(device)


def test_random_weights_are_seeded_he_initialised_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    a, b, c = VGG16Features("random"), VGG16Features("random"), VGG16Features("random", seed=1)
    assert torch.equal(before, torch.get_rng_state())
    weight = lambda v: v.stages[2][4].weight
    assert torch.equal(weight(a), weight(b)) and not torch.equal(weight(a), weight(c))
    assert weight(a).std().item() == pytest.approx(math.sqrt(2 / (256 * 9)), rel=1e-2)
    assert not a.stages[2][4].bias.any()


@pytest.fixture
def weights_file(tmp_path, monkeypatch):
    "A small stand-in for torchvision's file, named by its own hash; the package is told to expect it."
    import hashlib
    state = {f"features.{k}": v * .5 for k, v in renamed(VGG16Features("random", seed=7)).items()}
    torch.save(state, tmp_path / "made.pth")
    digest = hashlib.sha256((tmp_path / "made.pth").read_bytes()).hexdigest()
    path = tmp_path / "hub" / "checkpoints" / f"vgg16-{digest[:8]}.pth"
    path.parent.mkdir(parents=True)
    (tmp_path / "made.pth").rename(path)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(vgg_weights, "VGG_URL", f"file://{tmp_path}/nowhere/{path.name}")
    monkeypatch.setattr(vgg_weights, "VGG_SHA256", digest)
    return path


def test_imagenet_weights_come_from_torchs_cache(weights_file):
    expected = VGG16Features("random", seed=7).stages[0][0].weight * .5
    assert torch.equal(VGG16Features("imagenet").stages[0][0].weight, expected)


def test_imagenet_weights_come_from_a_path(weights_file, tmp_path):
    elsewhere = tmp_path / "mine.pth"
    weights_file.rename(elsewhere)
    assert VGG16Features(str(elsewhere)).stages[2][0].weight.shape == (256, 128, 3, 3)


def test_imagenet_weights_are_downloaded_where_missing(weights_file, tmp_path, monkeypatch):
    served = tmp_path / "served" / weights_file.name
    served.parent.mkdir()
    weights_file.rename(served)
    monkeypatch.setattr(vgg_weights, "VGG_URL", served.as_uri())
    VGG16Features("imagenet")
    assert weights_file.read_bytes() == served.read_bytes()


def test_without_network_and_file_the_error_says_what_can_be_done(weights_file):
    weights_file.unlink()
    with pytest.raises(RuntimeError) as caught: VGG16Features("imagenet")
    said = str(caught.value)
    for part in (weights_file.name, str(weights_file.parent), "'random'", "path"): assert part in said
    assert said.index("'shipped'") < min(map(said.index, ("elsewhere", "path", "'random'")))  # offered first


@pytest.mark.parametrize("cached", [True, False])
def test_a_damaged_file_is_refused_by_its_hash(weights_file, cached):
    weights_file.write_bytes(weights_file.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="SHA-256"): VGG16Features("imagenet" if cached else weights_file)


def test_a_file_is_checked_by_its_whole_hash(weights_file, monkeypatch):
    "Eight characters of a hash can be met on purpose: a file of which only they are right is refused."
    digest = vgg_weights.VGG_SHA256
    monkeypatch.setattr(vgg_weights, "VGG_SHA256", digest[:8] + digest[8:][::-1])
    with pytest.raises(ValueError, match=digest): VGG16Features("imagenet")


def test_a_mistyped_choice_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="'imagnet'.*'imagenet', 'shipped', 'random'"): VGG16Features("imagnet")


def test_features_name_their_weights(tmp_path):
    assert [VGG16Features(choice).name for choice in ("random", "shipped")] == ["random", "shipped"]
    assert VGG16Features("random", precision="bfloat16").name == "random in bfloat16"


# ---- bad input -------------------------------------------------------------------------------------------------------

def test_bad_input_is_named(vgg):
    output, image, mask = random_case(dtype=torch.float32)
    with pytest.raises(ValueError, match=r"\[2, 3, 16, 8\].*\[2, 3, 16, 16\]"): hole_loss(output[..., :8], image, mask)
    three = mask.expand(-1, 3, -1, -1)
    with pytest.raises(ValueError, match=r"\[2, 3, 16, 16\].*one plane"): valid_loss(output, image, three)
    with pytest.raises(ValueError, match="float"): composite(output, image, mask.bool())
    with pytest.raises(ValueError, match=r"\[2, 1, 8, 16\]"): tv_loss(output, mask[:, :, :8])
    with pytest.raises(ValueError, match=r"\[3, 16, 16\]"): vgg(image[0])
    with pytest.raises(ValueError, match=r"\[2, 3, 7, 16\]"): vgg(image[:, :, :7])
    with pytest.raises(ValueError, match="'hole'.*-1"): LossWeights(hole=-1)
    with pytest.raises(ValueError, match="nan"): LossWeights(tv=math.nan)
    with pytest.raises(ValueError, match="all weights are 0"): LossWeights(**ONE)


# ---- bugs seen elsewhere ---------------------------------------------------------------------------------------------

def test_bug_14_vgg_fed_with_another_range_or_channel_order(vgg):
    "VGG fed [-1,1] or BGR: a picture of ImageNet's mean must give the features of zeros."
    mean_picture = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    for f in vgg(mean_picture): assert f.abs().max() < 1e-5  # no bias in random weights: zeros in, zeros out
    one_std = mean_picture + torch.tensor(IMAGENET_STD).view(3, 1, 1)
    conv = vgg.stages[0][0]
    assert torch.allclose(vgg.stages[0](torch.ones(1, 3, 16, 16)), vgg(one_std)[0], atol=1e-5)
    assert conv.weight.shape[1] == 3


def test_bug_15_tv_over_the_whole_picture_or_over_the_raw_output(vgg):
    "What lies outside the ring, and what the network says of valid pixels, must not change the TV term."
    output, image, _ = random_case(16, dtype=torch.float32)
    mask = torch.ones(2, 1, 16, 16)
    mask[..., 6:9, 6:9] = 0
    loss = InpaintingLoss(LossWeights(**{**ONE, "tv": 1}))
    term = loss(output, image, mask)[0]
    assert torch.equal(term, loss(output * (1 - mask) + mask * 9, image, mask)[0])  # not the raw output
    outside = 1 - hole_ring(mask)
    assert torch.equal(term, loss(output, image * (1 - outside) + outside * 5, mask)[0])  # not the whole picture


def test_bug_16_tv_of_the_ring_times_the_picture():
    "TV of R·I_comp adds the edge of R: a picture of one colour must cost nothing."
    mask = torch.ones(1, 1, 9, 9)
    mask[..., 3:6, 3:6] = 0
    assert tv_loss(torch.full((1, 3, 9, 9), .7), mask) == 0


def test_bug_17_only_the_first_and_last_row_count():
    "`[:1] - [-1:]` instead of `[1:] - [:-1]`: a step between two rows in the middle must be seen."
    picture = torch.zeros(1, 1, 6, 6)
    picture[..., 2:4, :] = 1  # first and last row are alike
    assert tv_loss(picture, torch.zeros(1, 1, 6, 6)).item() * 36 == pytest.approx(12)
    assert tv_loss(picture.mT, torch.zeros(1, 1, 6, 6)).item() * 36 == pytest.approx(12)


def test_bug_18_gram_summed_in_half_precision_before_scaling():
    "512² products of 20 · 20 sum to 1e8, far above float16's 65504."
    features = torch.full((1, 2, 512, 512), 20., dtype=torch.float16)
    assert (features.flatten(2) @ features.flatten(2).mT).isinf().all()
    with torch.autocast("cpu", dtype=torch.float16):
        assert gram_matrix(features).tolist() == [[[pytest.approx(200)] * 2] * 2]


def test_generated_masks_pass_through_the_whole_loss(vgg):
    masks = torch.stack([irregular_mask(32, ratio=(low, low + .1), seed=i) for i, low in enumerate((.1, .5))])
    output, image, _ = random_case(32, dtype=torch.float32)
    assert InpaintingLoss(vgg=vgg)(output, image, masks)[0].isfinite()


@pytest.mark.parametrize("loss", [valid_loss, hole_loss])
def test_planes_without_a_channel_are_refused(loss):
    "`IndexError: tuple index out of range`."
    with pytest.raises(ValueError, match="a mask is"): loss(torch.rand(8, 8), torch.rand(8, 8), torch.ones(8, 8))
