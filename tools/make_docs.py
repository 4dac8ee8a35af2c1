"""Build the site: `make docs` → _site/index.html. The committed notebooks, site/*.md, and a reference from the
package's comments.

Notebooks and pages are first laid out in build/site/, their links turned to where things stand on the site; then
Sphinx reads them.
"""
import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "site/_ext")]
from check_site import dress, heavy, problems, undressed
from course import ROOT, Lesson, directives, folded, in_order, line_of, modules, slug, source_url
from docments import as_rst
from fetch_npm import fetch
from frame import colab
from make_explore import loss_data
from make_players import PLAYERS, draw_all, has_players, is_player, players

import pconv_edu

# The page on which a thing to touch stands → what it is, and the words above it; all of them stand on site/explore.md.
TOUCH = {
    "03_mask_update": ("mask", "Paint a hole and watch it close, layer by layer."),
    "04_partial_conv": ("window", "Click a pixel to take it away, and again to bring it back."),
    "10_total_loss": ("loss", "Move a weight, or how wrong the output is, and see who speaks."),
    "15_inpaint": ("fill", "Paint over a photo, and the network that ships fills it."),
}
STAGE, BUILT, OUT, PAGE = ROOT / "build/site", ROOT / "build/html", ROOT / "_site", ROOT / "_page"
MATHJAX = (
    "mathjax", "3.2.2",
    "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
    ["es5/tex-svg-full.js", "LICENSE"],
)


def place(target: str, here: str) -> str:
    """Where a link from the repository's folder `here` ('nbs', 'site') leads on the site, seen from the page in that
    folder. Lessons write anchors as JupyterLab does, the site as MyST does.
    """
    path, hash, anchor = target.partition("#")
    parts = [*here.split("/"), *path.split("/")]
    while ".." in parts[1:]:
        up = parts.index("..", 1)
        del parts[up - 1:up + 1]
    top, rest = parts[0], "/".join(parts[1:])
    to_root = "../" if here == "nbs" else ""
    if top == "nbs" and re.fullmatch(r"\w+\.ipynb", rest): return f"{to_root}lessons/{rest}{hash}{slug(anchor)}"
    if top == "site" and rest.endswith(".md"): return f"{to_root}{rest}{hash}{anchor}"
    if top == "docs": return f"{to_root}docs/{rest}"
    if top == "pconv_edu" and reference_of(rest): return f"{to_root}reference/{reference_of(rest)}.md{hash}{anchor}"
    return source_url("/".join(parts)) + hash + anchor


def reference_of(file: str) -> str | None:
    "`losses/pixel.py` → `losses.pixel`, or None where the reference has no such page."
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return module if file.endswith(".py") and module in modules() else None


def relink(markdown: str, here: str) -> str:
    "`markdown` with its relative links leading to the same things on the site."
    return re.sub(r"\]\((?!\w+:|#)([^)\s]+)\)", lambda link: f"]({place(link[1], here)})", markdown)


def cell(source: str, kind: str = "markdown", **more) -> dict:
    return {"cell_type": kind, "id": more.pop("id", "bar"), "metadata": {}, "source": source, **more}


def lesson_bar(lesson: Lesson) -> dict:
    "The line under a lesson's title: its module, its notebook, how to run it."
    module = f"Module [`pconv_edu.{lesson.module}`](../reference/{lesson.module}.md) · " if lesson.module else ""
    return cell(
        f"{{.lesson-bar}}\n{module}[Notebook]({source_url('nbs/' + lesson.path.name)}) · [Run it](../running.md)"
    )


def as_page(code: dict) -> dict | None:
    "A code cell without nbdev's directives; tags say what becomes of it. None for a cell of directives alone."
    source = "".join(code["source"])
    said = directives(source)
    body = re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")
    tags = [
        tag
        for tag, so in (
            ("exported", {"export", "exports"} & said),
            ("remove-cell", "hide" in said),
            ("hide-input", folded(code)),
            (
                "widget",
                re.search(r"^(play|display)?\(?\w*\b(play|DrawHole|draw_hole)\(", body, re.M) and not code["outputs"],
            ),
        )
        if so
    ]
    return {**code, "source": body, "metadata": {"tags": tags}} if body else None


def with_player(page: dict, box: str) -> dict:
    "A `play` cell whose output is a box that works without a kernel."
    shown = {"output_type": "display_data", "data": {"text/html": box}, "metadata": {}}
    return {**page, "outputs": [shown], "metadata": {"tags": ["player-cell"]}}


def touch_box(kind: str, to_root: str) -> str:
    "The HTML of a thing to touch; `explore.js` makes it live."
    inside = ""
    if kind == "fill" and PAGE.exists():
        megabytes = round(sum(file.stat().st_size for file in PAGE.rglob("*") if file.is_file()) / 1e6)
        link = f'<a href="{to_root}page/index.html">Open the page that fills holes</a>'
        about = f'class="explore" data-explore="fill" data-megabytes="{megabytes}"'
        return f"<div {about}><p>{link} by itself, or below.</p></div>"
    if kind == "fill":
        inside = "<p>This copy of the site was built without the page that fills holes: <code>make page</code>.</p>"
    return f'<div class="explore" data-explore="{kind}">{inside}<noscript>This needs JavaScript.</noscript></div>'


def with_touch(cells: list[dict], kind: str, words: str) -> list[dict]:
    "The cells with a thing to touch before the exercises, or before the recap where there are none."
    heading = lambda cell: "".join(cell["source"]).partition("\n")[0]
    place = next(
        (
            i for wanted in ("## Try it", "## Recap") for i, cell in enumerate(cells)
            if cell["cell_type"] == "markdown" and heading(cell) == wanted
        ),
        len(cells),
    )
    box = f"## Touch it\n\n{words} It needs no kernel. [More to touch](../explore.md)\n\n{touch_box(kind, '../')}"
    return [*cells[:place], cell(box, id="touch"), *cells[place:]]


def staged(lesson: Lesson, players: Iterable[str] = ()) -> dict:
    "The notebook as the site shows it; `players` is the HTML of its `play` boxes, in order."
    cells, boxes = [], iter(players)
    for c in lesson.cells:
        if c["cell_type"] == "markdown": made = cell(relink("".join(c["source"]), "nbs"), id=c["id"])
        else: made = as_page(c)
        if is_player(c) and (box := next(boxes, None)): made = with_player(made, box)
        if made: cells.append(made)
    if lesson.stem in TOUCH: cells = with_touch(cells, *TOUCH[lesson.stem])
    language = {"name": "python", "pygments_lexer": "ipython3"}
    return {
        "cells": [cells[0], lesson_bar(lesson), *cells[1:]],
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": language,
        },
    }


def toctree(caption: str, entries: list[str]) -> str:
    return "\n".join(["```{toctree}", f":caption: {caption}", ":hidden:", ":titlesonly:", "", *entries, "```", ""])


def with_lines(markdown: str, misses: list[str] | None = None) -> str:
    """The map's rows: a name leads to the reference (or, if it is private, to its source), its quoted line of code to
    that line on the git host.

    A line that is not there goes into `misses`; without that list it raises `LookupError`.
    """
    def row(found):
        name, file, code = found.groups()
        module, public = reference_of(file), name.removesuffix(".__init__")
        try: url = source_url(f"pconv_edu/{file}") + f"#L{line_of(module, name, code)}"
        except LookupError as error:
            if misses is None: raise
            misses.append(str(error))
            return found[0]
        shown = f"[`{name}`]({url})" if public.startswith("_") else f"{{any}}`{name} <pconv_edu.{module}.{public}>`"
        return f"{shown} | [`{code}`]({url})"
    return re.sub(r"\[`([\w.]+)`\]\(\.\./pconv_edu/(\S+\.py)\) \| `([^`]+)`", row, markdown)


def pages(course: list[Lesson], page: bool, misses: list[str]) -> dict[str, str]:
    "The hand-written pages, with the lists that are filled in here."
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "site").glob("*.md"))}
    found = {name: relink(with_lines(text, misses), "site") for name, text in found.items()}
    for kind, _ in TOUCH.values():
        found["explore.md"] = found["explore.md"].replace(f"<!-- {kind} -->", touch_box(kind, ""))
    fill = '<a href="page/index.html">Fill a hole now</a>' if page else ""
    start = f'<a href="{colab(course[0])}">Open in Colab</a>'
    listed = "\n".join(
        f"| [{lesson.number}](lessons/{lesson.path.name}) | {lesson.title} | "
        f"{lesson.module and f'[`{lesson.module}`](reference/{lesson.module}.md)' or ''} |"
        for lesson in course
    )
    found["index.md"] = (
        found["index.md"]
        .replace("<!-- colab -->", start)
        .replace("<!-- page -->", fill)
        .replace("<!-- lessons -->", "| | lesson | module |\n|---|---|---|\n" + listed)
    )
    for caption, workshop in (("The course", False), ("The workshop", True)):
        track = [lesson for lesson in course if lesson.number.startswith("w") == workshop]
        found["index.md"] += "\n" + toctree(caption, [f"{lesson.label} <lessons/{lesson.stem}>" for lesson in track])
    found["index.md"] += toctree(
        "Look it up", [name.removesuffix(".md") for name in sorted(found) if name != "index.md"] + ["reference/index"]
    )
    return found


def module_file(module: str) -> Path:
    path = ROOT / "pconv_edu" / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def summary(module: str) -> str:
    "The first paragraph of a module's docstring, as a line of the reference's first page; its links are a notebook's."
    said = ast.get_docstring(ast.parse(module_file(module).read_text(encoding="utf-8"))) or ""
    return relink(" ".join(said.partition("\n\n")[0].split()), "nbs")


def typed_table() -> str:
    "What people type, `from pconv_edu import fit, …`, with the first line of what each says about itself."
    rows = []
    for name in pconv_edu.__all__:
        thing = getattr(pconv_edu, name)
        said = inspect.cleandoc(thing.__doc__).partition("\n")[0]
        rows.append(f"| {{any}}`{name} <{thing.__module__}.{name}>` | {said} |")
    return "\n".join(["| name | what it does |", "|---|---|", *rows])


def names_of(module: str) -> list[str]:
    "The functions and classes of a module that others use, in its order."
    tree, public = with_all(module_file(module))
    defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    patched = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}
    return [name for name in defined if name in public] or [
        name for name in defined if not public and not name.startswith("_") and name not in patched
    ]


def reference(course: list[Lesson]) -> dict[str, str]:
    "A page for each module, in the order of the lessons; those without a lesson behind them."
    owner = {lesson.module: lesson for lesson in course if lesson.module}
    listed = [module for module in owner if module in modules()] + [
        module for module in modules() if module not in owner
    ]
    rows = [
        f"| [`{module}`]({module}.md) | {summary(module)} | "
        f"{f'[{owner[module].number}](../lessons/{owner[module].path.name})' if module in owner else ''} |"
        for module in listed
    ]
    found = {
        "index.md": f"# Reference\n\nThe names that people type, as in `from pconv_edu import fit`:\n\n{typed_table()}"
        "\n\n## Module by module\n\n"
        "Each parameter says its shape, unit or range.\n\n"
        "| module | what it has | lesson |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n\n"
        + toctree("Modules", [f"{module} <{module}>" for module in listed])
    }
    for module in listed: found[f"{module}.md"] = reference_page(module, owner.get(module))
    return found


def with_all(path: Path) -> tuple[ast.Module, list[str]]:
    "A module's syntax tree, and its `__all__` (empty if it has none)."
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tree, next(
        (
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        ),
        [],
    )


def constants(module: str) -> dict[str, tuple[str, str]]:
    """{name: (value as written, or '' for a long one, the comment behind it)} of a module's public constants, which
    autodoc passes over.
    """
    path = module_file(module)
    (tree, public), lines = with_all(path), path.read_text(encoding="utf-8").splitlines()
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign): continue
        target, value = node.targets[0], node.value
        pairs = (
            zip(target.elts, value.elts)
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            else [(target, value)]
        )
        for name, part in ((getattr(t, "id", ""), ast.unparse(v)) for t, v in pairs):
            if name in public or not public and name.isupper() and not name.startswith("_"):
                # columns are counted in bytes
                rest = lines[node.end_lineno - 1].encode()[node.end_col_offset:].decode()
                found[name] = (part if len(part) <= 90 else "", rest.partition("#")[2].strip())
    return found


def passed_on(module: str) -> dict[str, str]:
    "{name: module} of what `module` names in `__all__` and imports from another module of the package."
    path = module_file(module)
    tree, public = with_all(path)
    here = [*path.relative_to(ROOT).with_suffix("").parts]
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom): continue
        base = ".".join([*here[:len(here) - node.level], node.module or ""]) if node.level else node.module
        found |= {
            alias.name: base.removeprefix("pconv_edu.")
            for alias in node.names
            if alias.name in public and base.startswith("pconv_edu.")
        }
    return found


def reference_page(module: str, lesson: Lesson | None) -> str:
    file, others = module_file(module).relative_to(ROOT).as_posix(), passed_on(module)
    taught = f"Lesson [{lesson.label}](../lessons/{lesson.path.name}) · " if lesson else ""
    left_out = f"   :exclude-members: {', '.join(sorted(others))}\n" if others else ""
    links = ", ".join(f"{{any}}`{name} <pconv_edu.{home}.{name}>`" for name, home in sorted(others.items()))
    data = "".join(
        f"\n.. py:data:: {name}\n" + (f"   :value: {value}\n" if value else "") + f"\n   {as_rst(said)}\n"
        for name, (value, said) in constants(module).items()
    )
    names = " · ".join(f"{{any}}`{name} <pconv_edu.{module}.{name}>`" for name in names_of(module))
    return (
        f"# `{module}`\n\n{{.lesson-bar}}\n{taught}[Source]({source_url(file)})\n\n{names}\n\n"
        f"```{{eval-rst}}\n.. automodule:: pconv_edu.{module}\n"
        f"   :members:\n   :undoc-members:\n   :show-inheritance:\n{left_out}"
        + (f"\n.. py:currentmodule:: pconv_edu.{module}\n{data}" if data else "")
        + "```\n"
        + (f"\nAlso to be had from here: {links}.\n" if links else "")
    )


def stage() -> tuple[list[Lesson], list[str]]:
    """Lay out everything that Sphinx reads in build/site/; returns the lessons in order, and what the map of the
    paper gets wrong.
    """
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(ROOT / "site", STAGE, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    shutil.copytree(ROOT / "docs", STAGE / "docs")
    shutil.copytree(ROOT / "docs", STAGE / "extra/docs")  # for raw HTML, whose pictures Sphinx passes over
    if PAGE.exists(): shutil.copytree(PAGE, STAGE / "extra/page")
    shutil.copy(loss_data(PLAYERS.parent), STAGE / "_static/loss_data.js")
    course, misses = in_order(), []
    (STAGE / "lessons").mkdir()
    draw_all([lesson for lesson in course if has_players(lesson)])
    for lesson in course:
        page = staged(lesson, players(lesson, STAGE / "_static") if has_players(lesson) else ())
        (STAGE / "lessons" / lesson.path.name).write_text(json.dumps(page), encoding="utf-8")
    written = {
        **pages(course, PAGE.exists(), misses),
        **{f"reference/{name}": text for name, text in reference(course).items()},
    }
    (STAGE / "reference").mkdir()
    for name, text in written.items(): (STAGE / name).write_text(text, encoding="utf-8")
    mathjax = fetch(*MATHJAX)
    for file in MATHJAX[3]: shutil.copy(mathjax / file, STAGE / "_static" / f"mathjax-{Path(file).name}")
    return course, misses


def main() -> int:
    start = time.time()
    course, misses = stage()
    if not PAGE.exists():
        print(
            "docs: there is no _page/ (`make page` makes it), so the site has no page that fills holes in the browser"
        )
    for folder in (BUILT, OUT): shutil.rmtree(folder, ignore_errors=True)
    code = subprocess.call(
        [
            sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "auto", "-d", ROOT / "build/doctrees",
            STAGE, BUILT,
        ]
    )
    if code: return code
    BUILT.rename(OUT)  # built apart, because myst-nb leaves a folder of its own beside
    dress(OUT)
    found = misses + problems(OUT) + undressed(OUT) + heavy(OUT)
    for line in found: print(f"docs: {line}")
    size = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file()) / 2**20
    print(
        f"docs: {len(course)} lessons, {len(list(OUT.rglob('*.html')))} pages, {size:.1f} MB, {len(found)} "
        f"things wrong, in {time.time() - start:.0f} s: {OUT.relative_to(ROOT)}/index.html"
    )
    return bool(found)


if __name__ == "__main__":
    try: sys.exit(main())
    except (LookupError, ConnectionError, ValueError) as error: sys.exit(f"docs: {error}")
