"""The package's own door: eight names, loaded lazily; what the course needs is not loaded with them; no name is both
module and function.
"""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pconv_edu"
NAMES = {
    "fit",
    "inpaint",
    "load_pretrained",
    "evaluate",
    "PartialConv2d",
    "PConvUNet",
    "InpaintingLoss",
    "irregular_mask",
}


def python(code: str) -> str:
    "What a new interpreter prints."
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_eight_names():
    import pconv_edu
    assert set(pconv_edu.__all__) == NAMES and NAMES <= set(dir(pconv_edu))
    assert all(callable(getattr(pconv_edu, name)) for name in NAMES)
    with pytest.raises(AttributeError, match="inpaintt"): pconv_edu.inpaintt


def test_importing_the_package_loads_none_of_its_modules():
    loaded = python("import pconv_edu, sys; print([name for name in sys.modules if name.startswith('pconv_edu.')])")
    assert loaded == "[]"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_name_is_the_same_thing_whatever_is_imported_first(name):
    code = f"""
import pconv_edu
home = "pconv_edu." + pconv_edu._HOMES[{name!r}]
{{}}
import importlib
module = importlib.import_module(home)
from pconv_edu import {name}
assert callable({name}) and {name} is getattr(module, {name!r}) and not hasattr({name}, "__path__")
print("same")
"""
    assert python(code.format(f"from pconv_edu import {name} as first")) == "same"
    assert python(code.format("importlib = __import__('importlib'); importlib.import_module(home)")) == "same"


def test_no_module_shares_its_name_with_what_the_package_offers():
    modules = {path.stem for path in [*PACKAGE.glob("*"), *PACKAGE.glob("losses/*")]}
    assert not modules & NAMES


def test_filling_a_photo_loads_neither_matplotlib_nor_torchvision_nor_the_course():
    code = """
import sys, torch
from pconv_edu import PConvUNet, inpaint
half = torch.cat([torch.ones(1, 16, 8), torch.zeros(1, 16, 8)], -1)
inpaint(torch.rand(3, 16, 16), half, PConvUNet(widths=(4, 4)).eval())
print([name for name in ("matplotlib", "torchvision", "pconv_edu.course") if name in sys.modules])
"""
    assert python(code) == "[]"


def imports(here: tuple[str, ...], source: str) -> set[str]:
    "The modules of the package that the module `here` imports, at whatever depth: `course.widgets`, `masks`."
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            base = ["pconv_edu", *here[:len(here) - node.level]] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
        if isinstance(node, ast.Import): found |= {alias.name for alias in node.names}
    return {name.removeprefix("pconv_edu.") for name in found if name.startswith("pconv_edu.")}


def test_nothing_outside_the_course_imports_the_course():
    outside = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
    outside = [path for path in outside if path.parts[0] not in ("course", "_modidx.py")]
    assert len(outside) > 20
    wrong = []
    for path in outside:
        found = imports(path.with_suffix("").parts, (PACKAGE / path).read_text(encoding="utf-8"))
        wrong += [f"{path} imports {name}" for name in found if name.split(".")[0] == "course"]
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "from .course.widgets import play", "from .course import widgets", "from pconv_edu.course import widgets",
        "import pconv_edu.course.widgets",
    ],
)
def test_the_check_sees_an_import_of_the_course(line):
    assert "course.widgets" in imports(("draw",), f"def f():\n    {line}\n")
