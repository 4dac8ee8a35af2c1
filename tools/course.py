"""The course as data: its lessons in reading order, their headings, and the words and names that stand under each
heading.
"""
import ast
import json
import re
from configparser import ConfigParser
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START = "00_start_here"


def settings(root: Path = ROOT) -> dict[str, str]:
    "What settings.ini says."
    config = ConfigParser(delimiters=["="], interpolation=None)
    config.read(root / "settings.ini", encoding="utf-8")
    return dict(config["DEFAULT"])


def source_url(path: str, root: Path = ROOT) -> str:
    "Where a file of the repository is seen on its git host."
    cfg = settings(root)
    return f"{cfg['git_url']}/blob/{cfg['branch']}/{path}"


def slug(heading: str) -> str:
    "The anchor of a heading, as GitHub and MyST make it: `By hand: 5 × 5` → `by-hand-5--5`."
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@dataclass
class Section:
    heading: str
    markdown: str = ""
    code: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> str: return slug(self.heading)

    @property
    def lab_anchor(self) -> str:
        "As JupyterLab makes it, which finds no other: `By hand: 5 × 5` → `By-hand:-5-×-5`."
        return self.plain.strip().replace(" ", "-")

    @property
    def plain(self) -> str: return re.sub(r"[`*]", "", self.heading)


class Lesson:
    "One page: `.number`, `.title`, `.module`, `.sections` (the first has the title as its heading), `.links`."

    def __init__(self, path: Path):
        self.path, self.stem = path, path.stem
        self.cells = json.loads(path.read_text(encoding="utf-8"))["cells"]

    @property
    def number(self) -> str:
        "`04` for a page of the course, `w05` for one of the workshop."
        return re.match(r"w?\d+", self.stem)[0]

    @cached_property
    def sections(self) -> list[Section]:
        found = []
        for cell in self.cells:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code":
                if found: found[-1].code.append(source)
                continue
            fenced = False
            for line in source.splitlines():
                fenced ^= line.startswith("```")
                heading = None if fenced else re.match(r"#{1,6} +(.*\S)", line)
                if heading: found.append(Section(heading[1]))
                elif found: found[-1].markdown += line + "\n"
        return found

    @property
    def label(self) -> str:
        "The title as the page has it: `04 · The partial convolution`."
        return self.sections[0].plain

    @property
    def title(self) -> str:
        "The title without its number."
        return self.label.removeprefix(f"{self.number} · ")

    @property
    def links(self) -> str:
        "The line under the title: ← previous · map · next →, minutes. `tools/frame.py` writes it."
        cell = self.cells[1] if len(self.cells) > 1 else {"cell_type": "code"}
        return "".join(cell["source"]).partition("\n")[0] if cell["cell_type"] == "markdown" else ""

    @property
    def module(self) -> str | None:
        "The module that it exports, `losses.pixel`, or None."
        code = "\n".join(source for section in self.sections for source in section.code)
        name = re.search(r"^#\|\s*default_exp\s+(\S+)", code, re.M)
        return name and name[1]

    def defines(self, name: str) -> Section | None:
        "The section whose exported cells define the function or class `name`."
        for section in self.sections:
            for source in section.code:
                if re.search(rf"^(def|class) {name}\b", source, re.M) and re.match(r"#\|\s*exports?\b", source):
                    return section
        return None


def directives(source: str) -> set[str]:
    "nbdev's directives of a cell: `#| export` gives {'export'}."
    return set(re.findall(r"^#\|\s*(\w+)", source, re.M))


def assigned(node: ast.AST) -> list[str]:
    "The plain names that a statement assigns to."
    return [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]


def folded(cell: dict) -> bool:
    """Does a reader open this code cell on demand? True for hidden cells, imports, tests, and code that mostly draws.
    Exported code is what the page teaches and stays open, and so does an exercise.
    """
    source = "".join(cell["source"])
    said = directives(source)
    if cell["cell_type"] != "code": return False
    if "hide" in said: return True
    try: nodes = ast.parse(re.sub(r"^#\|.*", "", source, flags=re.M)).body
    except SyntaxError: return False
    if not nodes: return bool(said)
    calls = [getattr(getattr(getattr(node, "value", None), "func", None), "id", "") for node in nodes]
    # what it imports, and which of these names can be imported from here, too
    imports = all(isinstance(node, (ast.Import, ast.ImportFrom)) or "_all_" in assigned(node) for node in nodes)
    tests = all(isinstance(node, ast.Assert) or call.startswith("test_") for node, call in zip(nodes, calls))
    if imports or tests: return not cell["outputs"]
    draws = [node.lineno for node in nodes if re.search(r"\b(Drawing|subplots|imshow)\(", ast.unparse(node))]
    if not draws or "check" in calls or said & {"export", "exports", "exporti"}: return False
    return isinstance(nodes[0], ast.FunctionDef) or draws[0] - 1 <= len(source.splitlines()) / 2


def in_order(nbs: Path = ROOT / "nbs") -> list[Lesson]:
    """Every page, in the order in which it is read: that of the file names, the course (00, 01, …) before the
    workshop (w01, …).
    """
    return [Lesson(path) for path in sorted(nbs.glob("*.ipynb"))]


WORDS_A_MINUTE, LINES_A_MINUTE, MINUTES_AN_EXERCISE = 180, 12, 3

def minutes(lesson: Lesson, exercises: bool = True) -> int:
    "How long a page takes, as its frame says it: rounded to five minutes, see `reading_time`."
    return max(5, 5 * round(reading_time(lesson, exercises) / 5))


def reading_time(lesson: Lesson, exercises: bool = True) -> float:
    """Minutes for a page's words, the code that is open and its exercises. The frame and what is folded away do not
    count; nor do the exercises, with False. The time in which the page runs is not in it: seconds, see `make test`.
    """
    def read(kind):
        return "\n".join("".join(c["source"]) for c in lesson.cells if c["cell_type"] == kind and not folded(c))

    frame = r"^\[.*open in Colab.*\n|^\|.*▲ \*here\*.*\n"
    prose = re.sub(r"\]\([^)]*\)|<[^>]*>|" + frame, " ", read("markdown"), flags=re.M)
    code = read("code")
    lines = sum(bool(line.strip()) for line in code.splitlines())
    asked = len(set(re.findall(r"^check\(['\"](w?[\d.]+)", code, re.M)))
    return len(prose.split()) / WORDS_A_MINUTE + lines / LINES_A_MINUTE + MINUTES_AN_EXERCISE * asked * exercises


def open_cells(lesson: Lesson) -> int:
    "How many cells a page has besides those that are folded away."
    return sum(not folded(cell) for cell in lesson.cells)


def modules(package: Path = ROOT / "pconv_edu") -> list[str]:
    "The modules with names for others to use: all but `_private` ones and the judges of single lessons."
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if "__pycache__" in parts or re.match(r"lesson_\d", parts[-1]) or parts == ("__init__",): continue
        if parts[-1].startswith("_") and parts[-1] != "__init__": continue
        found.append(".".join(part for part in parts if part != "__init__"))
    return found


def find(module: str, name: str, package: Path = ROOT / "pconv_edu") -> tuple[Path, ast.AST]:
    "The file and the syntax tree of `name`, a function or class of `module` or `Class.method`. Raises `LookupError`."
    path = package.joinpath(*module.split("."))
    path = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    node = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else None
    for part in name.split("."):
        node = next(
            (
                child
                for child in getattr(node, "body", [])
                if getattr(child, "name", None) == part
                or isinstance(child, ast.Assign)
                and part in [getattr(target, "id", None) for target in child.targets]
            ),
            None,
        )
    if node is None: raise LookupError(f"{module} has no {name}")
    return path, node


def line_of(module: str, name: str, code: str, package: Path = ROOT / "pconv_edu") -> int:
    "The number of the line in `name` that contains `code`. Raises `LookupError` where none does."
    path, node = find(module, name, package)
    lines = path.read_text(encoding="utf-8").splitlines()
    for number in range(node.lineno, node.end_lineno + 1):
        if code in lines[number - 1]: return number
    raise LookupError(f"no line of {module}.{name} contains: {code}")
