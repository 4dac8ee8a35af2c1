"""The package's own door: eight names, loaded lazily; what the course needs is not loaded with them; no name is both
module and function.
"""
import ast
import json
import re
import subprocess
import sys
from configparser import ConfigParser
from importlib import metadata
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


def test_a_name_is_the_same_thing_whatever_is_imported_first():
    "Each name, asked for before its module and after it, in a process that has imported nothing of the package yet."
    code = """
import importlib, multiprocessing
import torch  # once for all: the processes below begin with it, and without the package

def same(name, module_first):
    import pconv_edu
    home = "pconv_edu." + pconv_edu._HOMES[name]
    if module_first: importlib.import_module(home)
    before = getattr(pconv_edu, name)
    module = importlib.import_module(home)
    after = getattr(pconv_edu, name)
    assert callable(after) and before is after is getattr(module, name) and not hasattr(after, "__path__"), name

for name in NAMES:
    for module_first in (False, True):
        process = multiprocessing.get_context("fork").Process(target=same, args=(name, module_first))
        process.start()
        process.join()
        print(name, module_first, process.exitcode)
"""
    said = python(f"NAMES = {sorted(NAMES)}" + code)
    assert said.split("\n") == [f"{name} {first} 0" for name in sorted(NAMES) for first in (False, True)]


def test_no_module_shares_its_name_with_what_the_package_offers():
    modules = {path.stem for path in [*PACKAGE.glob("*"), *PACKAGE.glob("losses/*")]}
    assert not modules & NAMES


def test_no_module_reaches_for_the_private_names_of_another():
    "What two modules share has a plain name: an underscore says that only its own module and page use it."
    modules = {path.stem for path in PACKAGE.rglob("*.py")}
    reached = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("pconv_edu")):
                reached += [(path.name, name.name) for name in node.names if re.match("_[^_]", name.name)]
            of_module = isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in modules
            if of_module and re.match("_[^_]", node.attr): reached.append((path.name, node.attr))
    assert sorted(set(reached)) == []


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


def test_the_samples_of_a_wheel_come_first_and_those_of_the_repository_else(tmp_path, monkeypatch):
    from pconv_edu import files
    assert files.sample_files("pictures/hills.jpg") == ROOT / "data_samples" / "pictures" / "hills.jpg"
    assert files.sample_files() == ROOT / "data_samples"
    wheel, repository = tmp_path / "wheel", tmp_path / "repository"
    for folder in (wheel, repository): (folder / "odd").mkdir(parents=True)
    (repository / "odd" / "deep.png").touch()
    monkeypatch.setattr(files, "SAMPLES", (wheel, repository))
    assert files.sample_files("odd") == wheel / "odd" and files.sample_files("odd/deep.png").is_relative_to(repository)
    with pytest.raises(FileNotFoundError, match="no sample 'odd/none.png' in .*wheel or .*repository"):
        files.sample_files("odd/none.png")


def test_no_lesson_reads_files_beside_its_notebook_that_a_wheel_lacks():
    code = [(path.name, "".join(cell["source"])) for path in ROOT.glob("nbs/*.ipynb")
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 500
    assert not [name for name, source in code if re.search(r"""["']\.\./""", source)]


def jupyter_lines() -> list[list[str]]:
    "What `make lab`, the README's lines for those without make, and the Dockerfile give to `jupyter lab`."
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "README.md")]
    lines = [line.replace("\\", "/") for text in texts for line in re.findall(r"-m jupyter lab ([^`\n]*)", text)]
    command = re.search(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)[1]
    return [*(line.split() for line in lines), json.loads(command)[2:]]


def test_jupyterlab_serves_the_whole_repository(monkeypatch):
    "By itself it would serve the notebook's folder alone: links and pictures in data_samples, docs and site, 404."
    from jupyter_server.serverapp import ServerApp
    monkeypatch.chdir(ROOT)
    assert len(jupyter_lines()) == 4
    for arguments in jupyter_lines():
        app = ServerApp()
        app.parse_command_line([argument for argument in arguments if argument != "--allow-root"])
        assert Path(app.root_dir) == ROOT, arguments
        assert Path(app.file_to_run) == ROOT / "nbs/00_start_here.ipynb", arguments


def test_the_readme_on_a_package_index_has_whole_addresses():
    "What `setup.py` gives the index: no link or picture relative to the repository."
    done = subprocess.run([sys.executable, "setup.py", "-q", "--long-description"], cwd=ROOT, capture_output=True,
                          text=True, encoding="utf-8", timeout=120)
    text = done.stdout.strip()
    assert not re.findall(r"\]\((?!https?:|#)[^)]*\)", text)
    assert "](https://raw.githubusercontent.com/pconv-edu/pconv_edu/main/docs/" in text
    assert "](https://github.com/pconv-edu/pconv_edu/blob/main/nbs/00_start_here.ipynb)" in text


def test_torch_hub_finds_the_network():
    import torch
    net = torch.hub.load(str(ROOT), "pconv", source="local")
    assert type(net).__name__ == "PConvUNet" and not net.training
    assert torch.hub.load(str(ROOT), "pconv", "plain_small", source="local").config["partial"] is False


class Accelerator:
    "What `torch.accelerator` says on a machine with GPUs of one kind."
    def __init__(self, kind: str): self.kind = kind
    def is_available(self): return True
    def current_accelerator(self): return __import__("torch").device(self.kind)
    def device_count(self): return 2


@pytest.mark.parametrize("kind, alone, second", [
    ("cuda", "cuda:0", "cuda:1"), ("xpu", "xpu:0", "xpu:1"), ("mps", "mps", "cpu")])
def test_the_gpu_that_is_there_is_chosen_and_another_one_refused(monkeypatch, kind, alone, second):
    import torch

    from pconv_edu.options import _check_device
    from pconv_edu.parallel import Team
    monkeypatch.setattr(torch, "accelerator", Accelerator(kind))
    assert str(Team().device(None)) == alone and str(Team(1, 2, 1).device(None)) == second
    assert str(Team(1, 2, 1).device("cpu")) == "cpu"
    _check_device(kind), _check_device("cpu")
    other = "mps" if kind == "cuda" else "cuda"
    with pytest.raises(ValueError, match=f"device='{other}', and PyTorch sees no such GPU here"): _check_device(other)


def test_a_device_without_float64_is_given_none(monkeypatch):
    "Counted on the CPU instead: a fake tensor of the kind `mps` refuses float64 as the real one does."
    import torch

    from pconv_edu.masks import hole_ratio
    from pconv_edu.metrics import psnr

    class OnAMac(torch.Tensor):
        device = torch.device("mps")
        def double(self): raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        def cpu(self): return self.as_subclass(torch.Tensor)

    mask, image = torch.tensor([[1., 0, 1, 1]]).as_subclass(OnAMac), torch.zeros(1, 3, 2, 2).as_subclass(OnAMac)
    assert hole_ratio(mask) == .25
    assert psnr(image, image + .1).item() == pytest.approx(20)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the lock was made on Python 3.11")
def test_constraints_lock_what_is_indirect_too():
    "Everything that the package with all its extras brings along here has a line; torch itself pins its CUDA parts."
    plain = lambda name: re.sub("[-_.]+", "-", name).lower()
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = {plain(line.split("==")[0]) for line in lines if "==" in line}
    config = ConfigParser(delimiters=["="], interpolation=None)
    config.read(ROOT / "settings.ini", encoding="utf-8")
    wanted, found = [], set()
    for key, value in config["DEFAULT"].items():
        if key.endswith("requirements"): wanted += value.split()
    while wanted:
        line = wanted.pop()
        name = re.match(r"[\w.-]+", line)[0]
        if re.search(r"extra == ['\"]", line) or plain(name) in found: continue
        try: requires = metadata.requires(name)
        except metadata.PackageNotFoundError: continue  # for another system or Python
        found.add(plain(name))
        wanted += requires or []
    by_torch = {name for name in found if re.match("nvidia|cuda|triton", name)}
    assert found - by_torch - locked <= {"setuptools", "wheel", "pip"}


# what runs on a host's machines ---------------------------------------------------------------------------------------

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WRITES = {"docs.yml": ["id-token", "pages"], "release.yml": ["contents"], "test.yml": []}  # what each may write


def faults_of_a_workflow(text: str, writes: list[str]) -> list[str]:
    "Actions that can be changed under their name, rights beyond those listed, a push that cuts a deploy off."
    faults = [action for action in re.findall(r"uses:\s*(\S+)", text) if not re.search("@[0-9a-f]{40}$", action)]
    if not re.search(r"^permissions:\n  contents: read\n(?! )", text, re.M): faults.append("permissions of the whole")
    if sorted(re.findall(r"^ +([\w-]+): write\b", text, re.M)) != writes or "write-all" in text: faults.append("write")
    if re.search(r"cancel-in-progress: (?!\$\{\{ github.event_name == 'pull_request' \}\})", text): faults.append("cut")
    if text.count("actions/checkout@") != text.count("persist-credentials: false"): faults.append("credentials")
    return faults


def test_workflows_take_fixed_actions_and_no_more_rights_than_they_need():
    assert {path.name for path in WORKFLOWS} == set(WRITES)
    for path in WORKFLOWS: assert faults_of_a_workflow(path.read_text(), WRITES[path.name]) == [], path.name


@pytest.mark.parametrize("right, wrong, fault", [
    (r"checkout@[0-9a-f]{40}", "checkout@v4", "actions/checkout@v4"),
    ("permissions:\n  contents: read", "permissions: write-all", "permissions of the whole"),
    ("pages: write", "contents: write", "write"),
    (r"cancel-in-progress: .*", "cancel-in-progress: true", "cut"),
    ("persist-credentials: false", "fetch-depth: 1", "credentials"),
])
def test_the_check_of_workflows_sees_a_fault(right, wrong, fault):
    text = (ROOT / ".github" / "workflows" / "docs.yml").read_text()
    planted = re.sub(right, wrong, text, count=1)
    assert planted != text and fault in faults_of_a_workflow(planted, WRITES["docs.yml"])
