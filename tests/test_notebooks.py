"""Committed notebooks: with outputs, within the weight budget, readable without a kernel."""
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))
LESSONS = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
BUDGET = 500 * 1024  # bytes for each notebook with its outputs


def cells(path, kind):
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def outputs(path): return [o for c in cells(path, "code") for o in c["outputs"]]


@LESSONS
def test_weight(path): assert path.stat().st_size <= BUDGET


@LESSONS
def test_has_a_picture_among_its_outputs(path):
    assert any(kind.startswith("image/") for o in outputs(path) for kind in o.get("data", {}))


@LESSONS
def test_no_error_and_no_widget_view_is_committed(path):
    assert not [o for o in outputs(path) if o["output_type"] == "error"]
    assert not [o for o in outputs(path) if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]


@LESSONS
def test_links_between_lessons_lead_somewhere(path):
    text = "\n".join("".join(c["source"]) for c in cells(path, "markdown"))
    for target in re.findall(r"\]\((?!\w+:)([^)#\s]+\.\w+)[^)]*\)", text):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_readme_lists_every_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"nbs/(w?\d\d_\w+\.ipynb)", readme))
    assert listed == {p.name for p in NOTEBOOKS}
