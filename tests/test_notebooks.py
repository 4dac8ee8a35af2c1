"""Committed notebooks: with outputs, within the weight budget, readable without a kernel."""
import ast
import base64
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

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
def test_no_picture_is_wider_than_a_page_can_show(path):
    "Nine inches at 144 dpi. In a column of 1,000 pixels, the letters of a wider one would be too small to read."
    for output in outputs(path):
        for kind, data in output.get("data", {}).items():
            if kind.startswith("image/"): assert Image.open(io.BytesIO(base64.b64decode(data))).width <= 9 * 144


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


# the still figure and the widget beside it ---------------------------------------------------------------------------

def parsed(code: str) -> ast.Module:
    "Code without the lines that only IPython understands."
    return ast.parse("\n".join(re.sub(r"^(\s*)[!%].*", r"\1pass", line) for line in code.splitlines()))


def calls(tree, name: str) -> list[ast.Call]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name]


def value(node) -> object:
    "What a piece of code says, 1 and 1.0 alike; its text where it is not a literal."
    try: return ast.literal_eval(node)
    except ValueError: return ast.unparse(node)


def beginning(play: ast.Call) -> dict[str, object]:
    "The control's values with which a widget starts, as far as they can be read without running the page."
    given = {keyword.arg: keyword.value for keyword in play.keywords}
    start, found = given.pop("start", None), {}
    for name, control in given.items():
        choices = value(control)
        if isinstance(choices, dict): choices = list(choices.values())
        found[name] = choices[0] if isinstance(choices, (tuple, list)) else choices
    if isinstance(start, ast.Call):
        assert start.func.id in ("dict", "asdict"), ast.unparse(start)
        return found | {keyword.arg: value(keyword.value) for keyword in start.keywords} | (
            {name: ast.unparse(start) for name in found} if start.func.id == "asdict" else {}
        )
    return found | (value(start) if start else {})


def stills(tree, name: str) -> list[dict[str, object]]:
    "The values of all calls of the function `name` that stand alone on a line: the figures beside its widget."
    taken = [n.args for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name][-1]
    names = [a.arg for a in taken.args]
    usual = {n: value(default) for n, default in zip(names[len(names) - len(taken.defaults):], taken.defaults)}
    alone = [n.value for n in tree.body if isinstance(n, ast.Expr)]
    return [
        usual | dict(zip(names, map(value, call.args))) | {k.arg: value(k.value) for k in call.keywords}
        for call in calls(tree, name) if call in alone
    ]


def twice(tree) -> list[str]:
    "The widgets that start with the very picture that already stands beside them."
    return [
        ast.unparse(play) for play in calls(tree, "play") for still in stills(tree, play.args[0].id)
        if still == beginning(play)
    ]


@LESSONS
def test_a_widget_starts_with_another_picture_than_the_figure_beside_it(path):
    code = "\n".join("".join(c["source"]) for c in cells(path, "code"))
    assert not twice(parsed(code)), "the page shows one picture twice: let the widget start with other values"


@pytest.mark.parametrize("code, found", [
    ("def draw(a, b=2): ...\ndraw(1)\nplay(draw, a=(1, 3), b=(2, 5))", 1),
    ("def draw(a, b=2): ...\ndraw(1)\nplay(draw, start={'b': 3}, a=(1, 3), b=(2, 5))", 0),
    ("def draw(a=.2, b='x'): ...\ndraw()\nplay(draw, start=dict(a=.2), a=(0., 1.), b=['x', 'y'])", 1),
    ("def draw(a=.2, b='x'): ...\nf = draw()\nplay(draw, start=dict(a=.2), a=(0., 1.), b=['x', 'y'])", 0),
    ("def draw(a): ...\ndraw(1.)\nplay(draw, a={'one': 1, 'two': 2})", 1),
    ("def draw(a, b): ...\ndraw('seam', 1)\nplay(draw, start=dict(a='seam'), a=list(ways), b=(1, 3))", 1),
])
def test_a_picture_shown_twice_is_found(code, found): assert len(twice(ast.parse(code))) == found


# texts that break off into imports ----------------------------------------------------------------------------------

def late_imports(path) -> list[str]:
    "The lines that import something after the page's text has begun; what the page exports may stand anywhere."
    found, begun, code = [], False, False
    for c in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(c["source"])
        if c["cell_type"] == "markdown": begun = code  # the title and the frame stand above the first code
        else:
            code = True
            if begun and not source.startswith("#|"):
                found += [ast.unparse(n) for n in parsed(source).body if isinstance(n, (ast.Import, ast.ImportFrom))]
    return found


@LESSONS
def test_imports_stand_before_the_text(path):
    assert not late_imports(path), "move them into the cell of imports under the title"


def test_a_late_import_is_found(tmp_path):
    cell = lambda kind, source: {"cell_type": kind, "source": [source]}
    page = [
        cell("markdown", "# Title"), cell("code", "import torch"), cell("markdown", "Now look:"),
        cell("code", "#| export\nimport os"), cell("code", "x = 1\nfrom math import pi"),
    ]
    (tmp_path / "page.ipynb").write_text(json.dumps({"cells": page}))
    assert late_imports(tmp_path / "page.ipynb") == ["from math import pi"]
