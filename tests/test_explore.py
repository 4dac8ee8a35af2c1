"""The site's explorables compute what the package computes: their JavaScript is run by Node and compared."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pconv_edu.losses import InpaintingLoss, LossWeights, VGG16Features
from pconv_edu.mask_update import update_mask
from pconv_edu.masks import irregular_mask
from pconv_edu.partial_conv import PartialConv2d

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "site/_static/explore.js"
sys.path.insert(0, str(ROOT / "tools"))
import make_explore

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no Node.js here; make docs-browser runs the same script")


@pytest.fixture(scope="module")
def loss_data() -> dict: return make_explore.data(["blur"])


def javascript(call: str, given, before: str = "") -> dict:
    "What `pconvExplore.<call>` returns for the arguments `given`."
    code = f"{SCRIPT.read_text(encoding='utf-8')}\n{before}\nconst given = {json.dumps(given)};\n"
    code += f"const out = pconvExplore.{call}(...given);\n"
    code += "console.log(JSON.stringify(out, (key, value) => ArrayBuffer.isView(value) ? [...value] : value));"
    done = subprocess.run([NODE, "-"], input=code, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("kernel, stride", [(7, 2), (5, 2), (3, 2), (3, 1), (1, 1), (5, 1)])
@pytest.mark.parametrize("size", [(16, 16), (9, 14), (1, 1)])
def test_the_mask_of_the_explorer_is_that_of_the_package(size, kernel, stride):
    mask = irregular_mask(size, .5, seed=1) if min(size) > 1 else torch.zeros(1, 1, 1)
    given = [mask.flatten().int().tolist(), *size, kernel, stride]
    found = javascript("updateMask", given)
    wanted = update_mask(mask[None], kernel, stride, kernel // 2)[0, 0]
    assert (found["height"], found["width"]) == tuple(wanted.shape)
    assert found["mask"] == wanted.flatten().int().tolist()


@needs_node
@pytest.mark.parametrize("seed", range(6))
def test_one_window_of_the_explorer_is_a_partial_convolution(seed):
    torch.manual_seed(seed)
    values, weights = torch.randn(9), torch.randn(9)
    mask = (torch.rand(9) < (.6 if seed else 0)).float()
    found = javascript("oneWindow", [values.tolist(), mask.int().tolist(), weights.tolist(), .25])
    layer = PartialConv2d(1, 1, 3, return_mask=True)
    layer.weight.data, layer.bias.data = weights.view(1, 1, 3, 3), torch.tensor([.25])
    with torch.no_grad(): wanted, valid = layer(values.view(1, 1, 3, 3), mask.view(1, 1, 3, 3))
    assert found["partial"] == pytest.approx(wanted.item(), abs=1e-5)
    assert found["valid"] == valid.item() and found["known"] == mask.sum().item()
    assert found["plain"] == pytest.approx((values * mask * weights).sum().item() + .25, abs=1e-5)


def test_the_data_of_the_loss_explorer_are_the_packages(loss_data):
    assert set(loss_data["weights"]) == {"valid", "hole", "perceptual", "style", "tv"}
    assert loss_data["weights"] == {name: getattr(LossWeights(), name) for name in loss_data["weights"]}
    for fill in loss_data["fills"].values():
        assert max(fill["perceptual"][0], fill["style"][0]) < 1e-9  # the true picture itself
        assert fill["perceptual"] == sorted(fill["perceptual"])
    assert len(json.dumps(loss_data)) < 200_000
    slow = plain_feature_terms(loss_data, "blur", at=3)
    assert slow == pytest.approx([loss_data["fills"]["blur"][term][3] for term in ("perceptual", "style")], rel=1e-9)


def plain_feature_terms(data, name, at):
    "Perceptual and style of one output, by the paper's formulas written out."
    image, mask, faults = make_explore.scene()
    image, output = image.double() / 255, faults[name].double() / 255
    output = image + data["steps"][at] * (output - image)
    vgg = VGG16Features("shipped").double()
    with torch.no_grad(): truth, *others = (vgg(p) for p in (image, output, mask * image + (1 - mask) * output))
    perceptual = style = 0.
    for features in others:
        for level, true in zip(features, truth):
            _, c, h, w = level.shape
            perceptual += float((level - true).abs().sum()) / (c * h * w)
            gram, true_gram = (torch.einsum("bchw,bdhw->cd", f, f) / (c * h * w) for f in (level, true))
            style += float((gram - true_gram).abs().sum()) / c ** 2
    return [perceptual, style]


@needs_node
def test_the_losses_of_the_explorer_are_those_of_the_package():
    image, mask, faults = make_explore.scene()
    loss, much = InpaintingLoss(LossWeights(perceptual=0, style=0)), .4
    numbers = lambda levels: (levels.double() / 255).flatten().tolist()
    wanted = [loss(make_explore.along(image, fault, much), image.double() / 255, mask.double())[1]
              for fault in faults.values()]
    found = javascript("outputTerms", [numbers(image), [numbers(fault) for fault in faults.values()],
                                       mask.flatten().int().tolist(), much], before="""
        pconvExplore.outputTerms = (image, faults, mask, much) => faults.map((fault) =>
            pconvExplore.pixelTerms(pconvExplore.mixed(image, fault, much), image, mask, 64, 64));""")
    assert len(found) == 7
    for said, terms in zip(found, wanted):
        assert said == pytest.approx({name: term.item() for name, term in terms.items()}, abs=1e-12)


@needs_node
@pytest.mark.parametrize("seed", range(4))
def test_the_losses_agree_on_small_odd_pictures_with_holes_at_the_border(seed):
    chance = torch.Generator().manual_seed(seed)
    image, output = torch.rand(2, 1, 3, 5, 7, generator=chance, dtype=torch.double)
    mask = (torch.rand(1, 1, 5, 7, generator=chance) < (.7 if seed else 0)).double()
    wanted = InpaintingLoss(LossWeights(perceptual=0, style=0))(output, image, mask)[1]
    found = javascript("pixelTerms", [*(tensor.flatten().tolist() for tensor in (output, image, mask)), 5, 7])
    assert found == pytest.approx({name: term.item() for name, term in wanted.items()}, abs=1e-12)


@needs_node
def test_the_total_of_the_explorer_is_the_weighted_sum():
    terms, weights = dict(valid=.02, hole=.01, perceptual=.4, style=.002, tv=.03), dict(
        valid=1, hole=6, perceptual=.05, style=120, tv=.1)
    found = javascript("totalLoss", [terms, weights])
    assert found["total"] == pytest.approx(.343, abs=1e-12)  # worked by hand on page 10
    assert found["parts"]["style"] == pytest.approx(.24, abs=1e-12)
