"""Building the page, as far as that goes without a network or a browser."""
import base64
import gzip
import hashlib
import json
import re
import sys
from pathlib import Path

import pytest

from pconv_edu.export import FACTS
from pconv_edu.unet import PConvUNet
from pconv_edu.weights import save_pretrained

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import make_page


@pytest.fixture
def weights(tmp_path): return save_pretrained(PConvUNet(widths=(4, 6)), tmp_path / "tiny.safetensors")


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    "Stands in for the package that comes from the registry."
    for name in (make_page.CODE, make_page.WASM):
        (tmp_path / "npm" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "npm" / name).write_bytes(name.encode())
    monkeypatch.setattr(make_page, "fetch", lambda *_: tmp_path / "npm")


def unpack(file: Path) -> bytes:
    name, data = re.fullmatch(r'part\("(\w+)", "([A-Za-z0-9+/=]+)"\);\n', file.read_text()).groups()
    assert name == file.stem
    return gzip.decompress(base64.b64decode(data))


def facts(weights: Path) -> dict:
    return dict.fromkeys(FACTS, "words") | dict(
        results={"l1": {"net": {"all": 1}}}, limits=["Faces."], parameters=1, config={"widths": [4, 6]},
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )


def test_all_parts_are_there_and_come_back(weights, runtime, tmp_path):
    table = make_page.build(weights, out := tmp_path / "out")
    assert {p.name for p in out.iterdir()} == {
        "index.html",
        "page.css",
        "page.js",
        "parts",
        "licences.txt",
        "sizes.txt",
    }
    assert (
        unpack(out / "parts/runtime.js") == make_page.CODE.encode()
        and unpack(out / "parts/wasm.js") == make_page.WASM.encode()
    )
    assert unpack(out / "parts/worker.js") == (ROOT / "page/fill.js").read_bytes()
    import onnx
    assert [i.name for i in onnx.load_from_string(unpack(out / "parts/model.js")).graph.input] == ["image", "mask"]
    told = json.loads(unpack(out / "parts/contents.js"))
    assert (
        told["facts"] is None
        and told["weights"] == "tiny.safetensors"
        and told["reach"] == 16
        and "hills" in told["samples"]
    )
    for file in out.rglob("*.js"): assert f"{file.relative_to(out).as_posix()} " in table


def test_every_element_that_the_script_names_is_in_the_page():
    script, page = ((ROOT / "page" / name).read_text(encoding="utf-8") for name in ("page.js", "index.html"))
    named = set(re.findall(r'\$\("([\w-]+)"\)', script))
    assert len(named) > 8 and named <= set(re.findall(r'id="([\w-]+)"', page))


def test_the_card_goes_with_the_page(weights, runtime, tmp_path):
    weights.with_suffix(".json").write_text(json.dumps(facts(weights)))
    make_page.build(weights, out := tmp_path / "out")
    assert "Faces." in (out / "card.md").read_text() and json.loads(unpack(out / "parts/contents.js"))["facts"][
        "limits"
    ] == ["Faces."]
    assert not weights.with_suffix(".md").exists()  # nothing is written beside the weights


def test_facts_of_other_weights_stop_it(weights, runtime, tmp_path):
    weights.with_suffix(".json").write_text(json.dumps(facts(weights) | {"sha256": "0"}))
    with pytest.raises(SystemExit, match="belong to another file"):
        make_page.main(["--weights", str(weights), "--out", str(tmp_path / "out")])


def test_one_sentence_without_weights_or_network(weights, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="no weights at 'nowhere'"): make_page.main(["--weights", "nowhere"])
    def offline(*_): raise ConnectionError("the registry cannot be reached")
    monkeypatch.setattr(make_page, "fetch", offline)
    with pytest.raises(SystemExit, match="^make page: the registry cannot be reached$"):
        make_page.main(["--weights", str(weights), "--out", str(tmp_path / "out")])
