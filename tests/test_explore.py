"""The site's explorables compute what the package computes: their JavaScript is run by Node and compared."""
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from pconv_edu.mask_update import update_mask
from pconv_edu.masks import irregular_mask
from pconv_edu.partial_conv import PartialConv2d

SCRIPT = Path(__file__).resolve().parents[1] / "site/_static/explore.js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no Node.js here; make docs-browser runs the same script")


def javascript(call: str, given) -> dict:
    "What `pconvExplore.<call>` returns for the arguments `given`."
    code = f"{SCRIPT.read_text(encoding='utf-8')}\nconst given = {json.dumps(given)};\n"
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
