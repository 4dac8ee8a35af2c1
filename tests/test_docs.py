"""The course holds together: one chain of lessons, a true glossary and map, a reference of every module, links that
lead somewhere.
"""
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "site/_ext")]
import check_glossary
import check_site
import course
import fetch_npm
import frame
import make_docs
import run_tests

LESSONS = course.in_order()
STEMS = {lesson.stem: lesson for lesson in LESSONS}
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "site").glob("*.md"))}


# The order of the pages

def test_every_page_has_its_frame():
    "Links in the order of the file names, the pipeline with its mark, cells folded by the rule, needs and goals."
    assert frame.problems(LESSONS) == [], "python tools/frame.py --write mends them"
    assert [line for lesson in LESSONS for line in frame.missing(lesson)] == []


PARTS = ["Before this:", "After this", "Why it matters.", "Picture it.", "Remember."]  # the last two: course

@pytest.mark.parametrize("stem, part", [
    *[("04_partial_conv", part) for part in PARTS], *[("w02_tars", part) for part in PARTS[:3]]])
def test_a_page_that_lacks_a_part_of_its_frame_is_named(tmp_path, stem, part):
    page = tmp_path / f"{stem}.ipynb"
    text = STEMS[stem].path.read_text(encoding="utf-8")
    page.write_text(text.replace(f"**{part}**", part), encoding="utf-8")
    assert frame.missing(course.Lesson(page)) == [f"{stem}.ipynb: nothing says **{part}**"]


def test_each_page_has_one_stage_of_the_pipeline():
    numbers = " ".join(frame.STAGES.values()).split()
    assert len(numbers) == len(set(numbers)) and {lesson.number for lesson in LESSONS} <= set(numbers)


def test_the_pipeline_marks_the_page_and_its_stage():
    place = LESSONS.index(STEMS["05_unet"])
    names, _, pages, marks = (line.split("|")[1:-1] for line in frame.pipeline(LESSONS, place))
    assert names[2].strip() == "U-Net →" and pages[2].strip().startswith("**05** · [23](23_")
    assert [mark.strip() for mark in marks] == ["", "", "▲ *here*", *[""] * 6]
    *_, marks = frame.pipeline(LESSONS, LESSONS.index(STEMS["w05_checkpoint"]))
    assert marks.split("|")[6].strip() == "▲ *here*"


def test_cells_folded_wrongly_are_found_and_mended(tmp_path):
    made = tmp_path / "04_partial_conv.ipynb"
    notebook = json.loads(STEMS["04_partial_conv"].path.read_text(encoding="utf-8"))
    kinds = {"source_hidden": True}, {}
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    exported = next(c for c in code if "class PartialConv2d" in "".join(c["source"]))
    imports = next(c for c in code if "from fastcore.test" in "".join(c["source"]))
    assert [c["metadata"].get("jupyter", {}) for c in (imports, exported)] == list(kinds)
    imports["metadata"], exported["metadata"] = {}, {"jupyter": {"source_hidden": True}}
    made.write_text(json.dumps(notebook), encoding="utf-8")
    pages = course.in_order(tmp_path)
    assert [c["id"] for c in frame.wrongly_folded(pages[0])] == [imports["id"], exported["id"]]
    frame.write(pages)
    assert frame.problems(course.in_order(tmp_path)) == []


def test_a_folded_cell_with_a_long_first_line_is_found(tmp_path):
    "Bug: JupyterLab does not wrap it, and the whole page scrolled sideways (02, 03, 06, w02, …)."
    made = tmp_path / "04_partial_conv.ipynb"
    notebook = json.loads(STEMS["04_partial_conv"].path.read_text(encoding="utf-8"))
    cell = next(c for c in notebook["cells"] if "from fastcore.test" in "".join(c["source"]))
    for length in (frame.FOLDED, frame.FOLDED + 1):
        cell["source"] = "import torch  #".ljust(length, "x") + "\n" + "# longer ones may follow".ljust(118, "x")
        made.write_text(json.dumps(notebook), encoding="utf-8")
        frame.write(course.in_order(tmp_path))
        found = frame.problems(course.in_order(tmp_path))
        assert len(found) == length - frame.FOLDED and all(cell["id"] in line and "105" in line for line in found)


def test_a_wrong_link_under_a_title_is_found_and_mended(tmp_path):
    folder = small_course(tmp_path, **files(start="# 00 · S", one="# 01 · One", two="# 02 · Two"))
    for path in folder.glob("*.ipynb"):
        notebook = json.loads(path.read_text())
        notebook["cells"].append(
            {"cell_type": "markdown", "id": "d", "metadata": {}, "source": "[← 00](elsewhere.ipynb)\n\nkept"}
        )
        path.write_text(json.dumps(notebook))
    assert len(frame.problems(course.in_order(folder))) == 6  # links and pipeline of three pages
    frame.write(course.in_order(folder))
    made = course.in_order(folder)
    assert frame.problems(made) == []
    assert '[← 00](00_start.ipynb "S")' in made[1].links and '[02 →](02_two.ipynb "Two")' in made[1].links
    assert "".join(made[1].cells[1]["source"]).endswith("\n\nkept")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_page_is_short_enough_for_one_sitting(lesson):
    "About 40 cells besides those that are folded away, and three quarters of an hour."
    assert course.open_cells(lesson) <= 45 and course.minutes(lesson) <= 45


@pytest.mark.parametrize("short_way, hours", [("In an hour", 1), ("In a three-hour evening", 3)])
def test_the_short_ways_through_the_course_are_as_short_as_the_map_says(short_way, hours):
    "To the first training step within an evening: the pages, by the minutes that each page says, without exercises."
    markdown = next(s for s in STEMS[course.START].sections if s.heading == "The map").markdown
    line = re.search(rf"^- \*\*{short_way},\*\* read (.*?)\. ", markdown, re.M)[1]
    pages = [STEMS[stem] for stem in re.findall(r"\((\w+)\.ipynb\)", line)]
    if "this page" in line: pages.insert(0, STEMS[course.START])
    assert pages == sorted(pages, key=LESSONS.index)
    assert 60 * hours - 20 <= sum(course.minutes(page, exercises=False) for page in pages) <= 60 * hours + 10
    assert course.minutes(pages[0]) > course.minutes(pages[0], exercises=False)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_one_number_one_page_and_the_title_carries_it(lesson):
    assert lesson.label.startswith(f"{lesson.number} · ")
    assert [other.stem for other in LESSONS if other.number == lesson.number] == [lesson.stem]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_next_at_the_end_of_a_page_leads_to_the_next_page(lesson):
    markdown = "\n".join("".join(cell["source"]) for cell in lesson.cells if cell["cell_type"] == "markdown")
    _, said, rest = markdown.rpartition("Next:")
    link = re.search(r"\]\((\w+)\.ipynb", rest)
    place = LESSONS.index(lesson)
    if place + 1 < len(LESSONS): assert said and link[1] == LESSONS[place + 1].stem


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_exercises_are_numbered_after_their_page(lesson):
    code = "\n".join("".join(cell["source"]) for cell in lesson.cells if cell["cell_type"] == "code")
    asked = list(dict.fromkeys(re.findall(r"^check\([\"'](w?[\d.]+)", code, re.M)))
    page = lesson.number if lesson.number[0] == "w" else str(int(lesson.number))
    assert asked == [f"{page}.{k + 1}" for k in range(len(asked))]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_page_with_exercises_links_to_their_solutions(lesson):
    "Bug: 00 said once where they are, and ten other pages again; a reader who came from elsewhere had to search."
    code = "\n".join("".join(cell["source"]) for cell in lesson.cells if cell["cell_type"] == "code")
    asked = bool(re.search(r"^check\(", code, re.M))
    assert (f"[solutions](solutions/lesson_{lesson.number}.py)" in lesson.links) == asked


def test_the_map_lists_the_pages_in_their_order():
    section = next(s for s in STEMS[course.START].sections if s.heading == "The map")
    listed = re.findall(r"^\| w?\d+ \| \[.*?\]\((\w+)\.ipynb\)", section.markdown, re.M)
    assert listed == [lesson.stem for lesson in LESSONS[1:]]


def small_course(folder: Path, **lessons: str) -> Path:
    "Notebooks of one markdown cell each: small_course(folder, a='text', …)."
    for name, text in lessons.items():
        cells = [{"cell_type": "markdown", "id": "c", "metadata": {}, "source": text}]
        (folder / f"{name}.ipynb").write_text(
            json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        )
    return folder


def links_to_headings(lesson) -> list[tuple[str, str]]:
    "(stem, anchor) of each link of a page that leads to a heading of a lesson; stem '' for one without a file."
    text = "\n".join("".join(c["source"]) for c in lesson.cells if c["cell_type"] == "markdown")
    found = re.findall(r"\]\((?:(\w+)\.ipynb)?#([^)\s]+)", text)
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_links_to_headings_arrive_in_jupyterlab(lesson):
    "Bug: `map` led nowhere on all pages. JupyterLab's anchors keep capitals and signs: The-map, not the-map."
    links = links_to_headings(lesson)
    assert ("00_start_here", "The-map") in links
    # without a file's name the browser looks for the heading, and JupyterLab takes what is out of sight off the page
    assert "" not in [stem for stem, _ in links], "name the page itself: 00_start_here.ipynb#The-map"
    for stem, anchor in links:
        headings = [section.lab_anchor for section in STEMS[stem].sections]
        assert anchor in headings, f"{lesson.stem}: {stem} has {', '.join(headings)}, not {anchor}"


def files(**text): return {f"0{i}_{name}": body for i, (name, body) in enumerate(text.items())}


def test_headings_inside_code_are_no_headings(tmp_path):
    lesson = course.Lesson(
        small_course(tmp_path, **files(a="# Title\n```\n# a comment\n```\n## Why *so*: 5 × 5?")) / "00_a.ipynb"
    )
    assert [section.anchor for section in lesson.sections] == ["title", "why-so-5--5"]


# Glossary and map

def test_every_entry_of_the_glossary_is_true():
    assert check_glossary.problems(PAGES["glossary.md"], LESSONS) == [], (
        "python tools/check_glossary.py --write mends what can be mended"
    )


@pytest.mark.parametrize("entry, wrong", [
    # 00 has it first, and the entry does not say so
    ("- **word**: it is. → [x](../nbs/01_one.ipynb#here)", "it should read"),
    ("- **word**: it is. → [x](../nbs/01_one.ipynb#nowhere)", "no heading"),
    ("- **word**: it is. → [x](../nbs/07_gone.ipynb#here)", "no lesson 07_gone"),
    ("- **other**: it is. → [x](../nbs/01_one.ipynb#here)", "not a word of it"),
    ("- **word** it is", "not of the form"),
])
def test_a_false_entry_is_found(tmp_path, entry, wrong):
    small_course(
        tmp_path,
        **files(
            start="# S\n> word\n\n## Why\nSome **words** here. Next: [1](01_one.ipynb)", one="# 1\n## Here\nA word."
        ),
    )
    made = course.in_order(tmp_path)
    assert any(wrong in line for line in check_glossary.problems(entry, made))
    if wrong == "it should read":
        mended = check_glossary.written("# Glossary\n\n" + entry, made)
        assert (
            check_glossary.problems(mended, made) == [] and "(first in [00 · Why](../nbs/00_start.ipynb#why))" in mended
        )


@pytest.mark.parametrize("name", PAGES)
def test_links_of_a_page_lead_to_files_and_headings(name):
    for target, _, anchor in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)(#([^)\s]+))?\)", PAGES[name]):
        if target.startswith("reference/"): continue  # made by tools/make_docs.py, and checked when the site is built
        path = (ROOT / "site" / target).resolve()
        assert path.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in [section.anchor for section in STEMS[path.stem].sections], (
                f"{name}: {target} has no heading #{anchor}"
            )


ROWS = re.findall(r"^\|.*\[`([\w.]+)`\]\(\.\./pconv_edu/(\S+)\.py\) \| `(.+)` \|$", PAGES["paper_map.md"], re.M)


def test_every_row_of_the_map_that_names_a_function_quotes_its_line():
    assert len(ROWS) == PAGES["paper_map.md"].count("](../pconv_edu/") >= 40


@pytest.mark.parametrize("name, file, code", ROWS, ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(ROWS)])
def test_names_of_the_map_can_be_imported_and_have_the_quoted_line(name, file, code):
    module = file.replace("/", ".")
    found = importlib.import_module(f"pconv_edu.{module}")
    for part in name.split("."): found = getattr(found, part)
    assert course.line_of(module, name, code) > 0


def test_a_row_that_quotes_what_is_not_there_stops_the_site():
    with pytest.raises(LookupError, match="no line of masks.hole_ratio contains: nonsense"):
        make_docs.with_lines("| x | [`hole_ratio`](../pconv_edu/masks.py) | `nonsense` |")
    with pytest.raises(LookupError, match="masks has no gone"):
        make_docs.with_lines("| x | [`gone`](../pconv_edu/masks.py) | `x` |")


def test_the_map_leads_to_the_line():
    row = make_docs.with_lines("| x | [`ratio_bin`](../pconv_edu/masks.py) | `if low < ratio <= high` |")
    line = int(re.search(r"blob/main/pconv_edu/masks\.py#L(\d+)", row)[1])
    assert "if low < ratio <= high" in (ROOT / "pconv_edu/masks.py").read_text().splitlines()[line - 1]


# The reference

def test_every_exported_module_has_a_page_in_the_reference():
    made = make_docs.reference(LESSONS)
    exported = {lesson.module for lesson in LESSONS if lesson.module}
    assert exported and {f"{module}.md" for module in exported} <= set(made)
    for module in exported:
        assert f"({module}.md)" in made["index.md"] and f"automodule:: pconv_edu.{module}" in made[f"{module}.md"]


def test_constants_and_passed_on_names_stand_in_the_reference():
    page = make_docs.reference_page("masks", None)
    assert ".. py:data:: RATIO_BINS\n   :value: ((0.01, 0.1), (0.1, 0.2)," in page
    assert make_docs.constants("decoding")["MAX_PIXELS"] == (
        "2 ** 26",
        "8192 × 8192; a header that promises more is refused before anything is decoded",
    )
    assert make_docs.passed_on("losses")["tv_loss"] == "losses.tv"
    assert "{any}`tv_loss <pconv_edu.losses.tv.tv_loss>`" in make_docs.reference_page("losses", None)


def test_comments_behind_arguments_become_parameters():
    from docments import fields

    from pconv_edu.losses.total import Term
    from pconv_edu.mask_update import update_mask
    from pconv_edu.partial_conv import PartialConv2d
    from pconv_edu.unet import join
    from pconv_edu.course.widgets import play
    assert ":param mask: [B,C,H,W] or [C,H,W]; 1 = valid, 0 = hole" in fields(update_mask)
    assert ":returns: [B,C,H',W'], as large as a convolution's output" in fields(update_mask)
    assert any(line.startswith(r":param \*\*controls: ") for line in fields(play))
    # the comment above `)` is no comment on what comes back
    assert not any(line.startswith(":returns:") for line in fields(play))
    # a dataclass: its fields
    assert ":param weight: the paper's; 0: off unless a weight is given" in fields(Term)
    # an inherited __init__
    assert ":param return_mask: return (y, new mask) instead of y" in fields(PartialConv2d)
    # two arguments, one comment
    assert {line.split()[1] for line in fields(join)} >= {"x:", "mask:"}


def test_comments_above_arguments_become_parameters():
    "Bug: where a line was too long and its comment stood above it, the reference said nothing of the argument."
    from docments import fields

    from pconv_edu.masks import irregular_mask
    from pconv_edu.pairs import Pair
    made = fields(irregular_mask)
    assert ":param ratio: share of hole, exact to the pixel; or (low, high]; None: any bin" in made
    assert len([line for line in made if line.startswith(":param border: ")]) == 1  # behind it, as before

    def three(
        a,  # behind a
        # above b,
        # in two lines
        b,
        c,
        # above nothing
    ): ...
    three.__module__ = "pconv_edu"
    assert fields(three) == [":param a: behind a", ":param b: above b, in two lines"]
    assert any(line.startswith(":param mask: a mask file's path below its folder; ") for line in fields(Pair))


# metrics: its table has lambdas, whose source is the statement around them
@pytest.mark.parametrize("module", ["metrics", "losses.total", "options"])
def test_everything_in_a_module_can_be_read_for_the_reference(module):
    from docments import fields
    found = vars(importlib.import_module(f"pconv_edu.{module}"))
    for thing in [thing for thing in found.values() if getattr(thing, "__module__", "") == f"pconv_edu.{module}"]:
        assert isinstance(fields(thing), list)
        for name, part in vars(thing).items() if isinstance(thing, type) else ():
            if callable(part): assert isinstance(fields(part), list), f"{thing.__name__}.{name}"


def test_signs_of_markup_in_a_comment_mean_nothing_but_code():
    from docments import as_rst
    assert as_rst("two `Stream`s, `over\na line`") == "two ``Stream``\\ s, ``over\na line``"
    assert as_rst("a*b, |x| and `c*d`, end_ with") == r"a\*b, \|x\| and ``c*d``, end\_ with"


# The pages that are laid out for Sphinx

@pytest.mark.parametrize(
    "link, here, there",
    [
        ("04_partial_conv.ipynb#the-layer", "nbs", "../lessons/04_partial_conv.ipynb#the-layer"),
        ("w01_irregular_masks.ipynb#The-paper's-recipe:-widen", "nbs",
         "../lessons/w01_irregular_masks.ipynb#the-papers-recipe-widen"),
        ("../nbs/04_partial_conv.ipynb", "site", "lessons/04_partial_conv.ipynb"),
        ("../pconv_edu/losses/pixel.py", "nbs", "../reference/losses.pixel.md"),
        (
            "solutions/lesson_03.py", "nbs",
            "https://github.com/pconv-edu/pconv_edu/blob/main/nbs/solutions/lesson_03.py",
        ),
        (
            "../tools/once/measure_tars.py", "nbs",
            "https://github.com/pconv-edu/pconv_edu/blob/main/tools/once/measure_tars.py",
        ),
        ("../site/glossary.md#x", "nbs", "../glossary.md#x"),
        ("../docs/before_after.jpg", "site", "docs/before_after.jpg"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(link, here, there):
    assert (
        make_docs.relink(f"[a]({link}), [b](https://example.org), [c](#d)", here)
        == f"[a]({there}), [b](https://example.org), [c](#d)"
    )


def test_directives_of_nbdev_do_not_reach_the_reader():
    made = lambda source, outputs=(): make_docs.as_page(
        {"cell_type": "code", "source": source, "outputs": list(outputs)}
    )
    assert made("#| default_exp one") is None
    assert made("#| export\ndef one(): return 1") | {"outputs": 0} == {
        "cell_type": "code",
        "outputs": 0,
        "source": "def one(): return 1",
        "metadata": {"tags": ["exported"]},
    }
    assert made("play(draw, start={})")["metadata"]["tags"] == ["widget"]
    assert made("x = 1  # play(it)")["metadata"]["tags"] == []


@pytest.mark.parametrize("source, wanted", [
    ("import torch\nfrom torch import nn", True), ("#| export\nimport torch", True), ("#| hide\n!ls", True),
    ("assert 1 == 1\ntest_eq(2, 2)", True), ("import torch\nx = 1", False),
    ("#| export\nfrom torch import nn\n\n_all_ = ['nn']", True), ("show(x)", False), ("%cd ..", False),
    ("def curve(): return Drawing().subplots()\n\ncurve()", True), ("#| export\ndef curve(): Drawing()", False),
    ("drawing = Drawing()\naxes = drawing.subplots()\ndrawing", True),
    ("COLOR = 'red'\ndef curve(): Drawing()\ncurve()", True),
    ("y = net(x)\nz = y + 1\nw = z\nDrawing(w)", False),
    ("def curve(): return Drawing()\n\ncheck('1.1', curve)", False), ("def f(x): return x + 1", False)])
def test_imports_tests_and_drawing_are_folded_away(source, wanted):
    assert course.folded({"cell_type": "code", "source": [source], "outputs": []}) is wanted


def test_a_test_that_prints_stays_open():
    assert not course.folded({"cell_type": "code", "source": ["assert 1 == 1"], "outputs": [{}]})
    assert not course.folded({"cell_type": "markdown", "source": ["import this"]})


def test_a_play_cell_becomes_a_player():
    lesson = STEMS["03_mask_update"]
    page = make_docs.staged(lesson, ["<div>the box</div>"])
    boxes = [c for c in page["cells"] if "player-cell" in c["metadata"].get("tags", ())]
    assert [c["outputs"][0]["data"] for c in boxes] == [{"text/html": "<div>the box</div>"}]
    assert not [c for c in make_docs.staged(lesson)["cells"] if "player-cell" in c["metadata"].get("tags", ())]


def test_a_small_site_is_built_without_a_warning_and_its_links_hold(tmp_path):
    "The real Sphinx with the real settings, over two lessons and one page of the reference."
    source = tmp_path / "site"
    shutil.copytree(ROOT / "site", source, ignore=shutil.ignore_patterns("*.md", "__pycache__"))
    (source / "lessons").mkdir()
    (source / "reference").mkdir()
    two = [lesson for lesson in LESSONS if lesson.stem in ("03_mask_update", "04_partial_conv")]
    for lesson in two:
        leads = lambda c: set(re.findall(r"(\w+)\.ipynb", "".join(c["source"]))) - {other.stem for other in two}
        kept = [make_docs.cell("", id=c["id"]) if leads(c) else c for c in lesson.cells]
        lesson.cells = kept
        (source / "lessons" / lesson.path.name).write_text(json.dumps(make_docs.staged(lesson)))
        (source / f"reference/{lesson.module}.md").write_text(make_docs.reference_page(lesson.module, lesson))
    (source / "running.md").write_text("# Run it\n")
    (source / "explore.md").write_text("# Things to touch\n")
    (source / "index.md").write_text("# A site\n\n" + make_docs.toctree("Pages", [
        "running", "explore",
        *(f"lessons/{lesson.stem}" for lesson in two), *(f"reference/{lesson.module}" for lesson in two)]))
    conf = source / "conf.py"
    conf.write_text(
        conf.read_text().replace(
            'ROOT = next(folder for folder in HERE.parents if (folder / "settings.ini").exists())',
            f"ROOT = Path({str(ROOT)!r})",
        )
    )
    (source / "_static/mathjax-tex-svg-full.js").write_text("")
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", source, tmp_path / "html"],
        text=True, capture_output=True, timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert check_site.problems(tmp_path / "html") == []
    page = (tmp_path / "html/reference/mask_update.html").read_text()
    assert (
        "1 = valid, 0 = hole" in page
        and 'href="../lessons/03_mask_update.html"' in page
        and 'id="pconv_edu.mask_update.update_mask"' in page
    )
    lesson = (tmp_path / "html/lessons/03_mask_update.html").read_text()
    assert "tag_exported" in lesson and "#| export" not in lesson and 'class="math' in lesson and "<img" in lesson


# The checks themselves

def site(folder: Path, **pages: str) -> Path:
    for name, text in pages.items(): (folder / f"{name}.html").write_text(text)
    return folder


@pytest.mark.parametrize("html, wrong", [
    ('<a href="b.html#here">', None),
    ('<a href="https://example.org/x">', None),
    ('<a href="#top"></a><p id="top">', None),
    ('<a href="gone.html">', "which is not there"),
    ('<a href="b.html#gone">', "no such place"),
    ('<a href="#gone">', "no such place"),
    ('<img src="gone.png">', "which is not there"),
    ('<script src="https://cdn.example.org/x.js"></script>', "from elsewhere"),
    ('<link rel="stylesheet" href="//fonts.example.org/x.css">', "from elsewhere"),
    ('<a href="/b.html">', "whole host"),
    ('<a href="../outside.html">', "which is not there"),
])
def test_links_are_checked(tmp_path, html, wrong):
    (tmp_path / "outside.html").write_text("")
    (tmp_path / "site").mkdir()
    found = check_site.problems(site(tmp_path / "site", a=html, b='<p id="here">'))
    assert found == [] if wrong is None else len(found) == 1 and wrong in found[0]


HEAD = '<html lang="en"><title>A page</title>'


def picture(folder: Path, name: str, size: tuple[int, int] = (6, 4)) -> Path:
    Image.new("RGB", size).save(folder / name)
    return folder


@pytest.mark.parametrize("html, wrong", [
    (HEAD + '<img src="x.png" alt="A cat" width="6" height="4">', None),
    (HEAD + '<img src="x.png" alt="A cat">', "no width and no height"),
    (HEAD + '<img src="x.png" width="6" height="4">', "no alt"),
    ('<html><title>A page</title>', "language"),
    ('<html lang="en"><title></title>', "title"),
])
def test_pictures_need_size_and_words_and_pages_a_language_and_a_title(tmp_path, html, wrong):
    found = check_site.undressed(site(picture(tmp_path, "x.png"), a=html))
    assert found == [] if wrong is None else len(found) == 1 and wrong in found[0]


def test_pictures_are_given_their_size_and_the_heading_above_them(tmp_path):
    html = HEAD + '<h2>A &amp; B<a class="headerlink" href="#x">#</a></h2><img alt="x.png" src="x.png"/>'
    check_site.dress(site(picture(tmp_path, "x.png"), a=html))
    tag = check_site.IMG.findall((tmp_path / "a.html").read_text())[0]
    wanted = {"src": "x.png", "width": "6", "height": "4", "alt": "Figure: A & B", "loading": "lazy"}
    assert check_site.attributes(tag) == wanted and check_site.undressed(tmp_path) == []


def test_a_page_is_weighed_with_its_pictures_and_all_frames_of_its_players(tmp_path):
    folder = picture(tmp_path, "x.png")
    about = json.dumps({"at": "frames", "frames": ["0.png", "1.png", "0.png"]})
    (folder / "frames").mkdir()
    for name in ("0.png", "1.png"): (folder / "frames" / name).write_bytes(b"x" * 1_249_000)
    html = f'<img src="x.png"><script type="application/json">{about}</script>'
    site(folder, a=html)
    size = len(html) + (folder / "x.png").stat().st_size + 2_498_000
    assert check_site.weight(folder / "a.html") == size and check_site.heavy(folder) == []
    (folder / "frames/1.png").write_bytes(b"x" * 1_252_000)
    assert len(check_site.heavy(folder)) == 1 and "2.5" in check_site.heavy(folder)[0]


def test_a_thing_to_touch_stands_before_the_exercises_or_the_recap():
    for lesson in course.in_order():
        if lesson.stem not in make_docs.TOUCH: continue
        cells, kind = make_docs.staged(lesson)["cells"], make_docs.TOUCH[lesson.stem][0]
        place = next(i for i, c in enumerate(cells) if f'data-explore="{kind}"' in c["source"])
        assert cells[place + 1]["source"].startswith(("## Try it", "## Recap"))
    assert all(f"<!-- {kind} -->" in PAGES["explore.md"] for kind, _ in make_docs.TOUCH.values())


def test_the_reference_leads_with_the_names_that_people_type():
    table = make_docs.typed_table()
    assert table.count("\n| ") == 9 - 1 and "{any}`InpaintingLoss <pconv_edu.losses.total.InpaintingLoss>`" in table
    assert "update_mask" in make_docs.names_of("mask_update")


def test_a_style_sheet_from_elsewhere_is_found(tmp_path):
    (site(tmp_path, a="") / "x.css").write_text("@import url(https://fonts.example.org/css)")
    assert "from elsewhere" in check_site.problems(tmp_path)[0]


def test_no_page_at_all_is_a_problem(tmp_path): assert check_site.problems(tmp_path)


def test_a_package_with_another_hash_is_refused():
    good = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="  # of b"hello"
    fetch_npm.check(b"hello", good, "x")
    with pytest.raises(ValueError, match="x has the sha256"): fetch_npm.check(b"hullo", good, "x")


def test_without_a_network_it_is_said_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch_npm, "REGISTRY", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match="connect and run the same command again"):
        fetch_npm.fetch("mathjax", "1.0.0", "sha512-x", ["a.js"], tmp_path)


# Budgets

def test_a_lesson_within_its_budget_is_not_marked():
    table, broken = run_tests.budgets(
        {"03_a.ipynb": 59, "12_b.ipynb": 119}, {"03_a.ipynb": 300, "12_b.ipynb": 1}, wall=359
    )
    assert not broken and "slower" not in table and "BROKEN" not in table.replace("breaks", "")


def test_the_minutes_of_a_page_are_printed_with_those_in_which_it_runs():
    table, _ = run_tests.budgets({"03_a.ipynb": 90}, {"03_a.ipynb": 1}, 1, {"03_a.ipynb": (40.8, 38)})
    head, line, *_ = table.splitlines()
    assert head.split()[-2:] == ["minutes", "cells"] and line.split()[5:7] == ["42", "38"]
    assert course.reading_time(STEMS["05_unet"]) > course.reading_time(STEMS["05_unet"], exercises=False) > 30


@pytest.mark.parametrize("name, seconds, kilobytes, wall, broken, said", [
    ("03_a.ipynb", 61, 1, 1, set(), "slower than its budget"), ("03_a.ipynb", 151, 1, 1, {"03_a.ipynb"}, "BROKEN"),
    ("14_fit.ipynb", 151, 1, 1, set(), "slower than its budget"),
    ("14_fit.ipynb", 301, 1, 1, {"14_fit.ipynb"}, "BROKEN"), ("03_a.ipynb", 1, 500.5, 1, {"03_a.ipynb"}, "BROKEN"),
    ("03_a.ipynb", 1, 1, 361, set(), "slower than the budget"),
    ("03_a.ipynb", 1, 1, 901, {"all lessons"}, "BROKEN"),
])
def test_a_broken_budget_is_found(name, seconds, kilobytes, wall, broken, said):
    table, found = run_tests.budgets({name: seconds}, {name: kilobytes}, wall)
    assert found == broken and said in table
