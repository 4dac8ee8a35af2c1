"""The frame of every page: the line of links, the pipeline with the page's mark, which cells are folded. Is it true?

    python tools/frame.py          what is wrong, a line each
    python tools/frame.py --write  mend it

File order is reading order: the neighbours of a page are its neighbours in the sorted list of names. Links and pipeline
open the cell under the title; the rest of that cell is written by hand. Folded cells (imports, tests, drawing) carry
JupyterLab's metadata for it; the site folds by the same rule, `course.folded`.
"""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from course import ROOT, Lesson, folded, in_order, minutes, settings

FOLDED = 104  # characters of a folded cell that fit into a window of 1280 pixels
MAP = "[map](00_start_here.ipynb#The-map)"  # as JupyterLab writes the anchor, see course.Section
# A stage of the pipeline → its pages. The picture shows those of the course; pages of the workshop have a stage too.
STAGES = {
    "photo + mask": "00 01 02 w01 w13 w24 w30 w36",
    "layer": "03 04 22 w17 w28 w29",
    "U-Net": "05 23 w21 w25 w26",
    "losses": "06 07 08 09 10 w18 w31",
    "data": "11 w02 w03 w04 w32",
    "training": "12 13 14 24 w05 w06 w07 w08 w09 w10 w20 w22 w33 w35",
    "filling": "15 w11 w12 w19 w27 w34",
    "scores": "16 17 w14 w15 w16",
    "experiments": "18 19 20 21 w23",
}


def colab(lesson: Lesson, root: Path = ROOT) -> str:
    "The address that opens a page in Colab."
    cfg = settings(root)
    home = f"{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}"
    return f"https://colab.research.google.com/github/{home}/nbs/{lesson.path.name}"


def links(pages: list[Lesson], place: int) -> str:
    "The line as it should be for page number `place`."
    parts = []
    if place > 0:
        before = pages[place - 1]
        parts.append(f"[← {before.number}]({before.path.name} \"{before.title}\")")
    parts.append(MAP)
    if place + 1 < len(pages):
        after = pages[place + 1]
        parts.append(f"[{after.number} →]({after.path.name} \"{after.title}\")")
    parts.append(f"about {minutes(pages[place])} minutes")
    solutions = f"solutions/lesson_{pages[place].number}.py"
    if (pages[place].path.parent / solutions).exists(): parts.append(f"[solutions]({solutions})")
    parts.append(f"[open in Colab]({colab(pages[place])})")
    return " · ".join(parts)


def stage(lesson: Lesson) -> str:
    "The stage of the pipeline that a page belongs to. Raises `LookupError` for a page without one."
    for name, numbers in STAGES.items():
        if lesson.number in numbers.split(): return name
    raise LookupError(f"{lesson.path.name} has no stage: name {lesson.number} in STAGES of tools/frame.py")


def pipeline(pages: list[Lesson], place: int) -> list[str]:
    "The pipeline as a table that every viewer draws, this page's stage marked: its lines of markdown."
    here = pages[place]
    names = [f"{name} →" for name in list(STAGES)[:-1]] + [list(STAGES)[-1]]
    course = {lesson.number: lesson for lesson in pages if lesson.number[0] != "w"}
    rows = [
        [
            " · ".join(
                f"**{number}**" if number == here.number else f"[{number}]({course[number].path.name})"
                for number in numbers.split() if number in course
            )
            for numbers in STAGES.values()
        ],
        ["▲ *here*" if name == stage(here) else "" for name in STAGES],
    ]
    return [f"| {' | '.join(cells)} |" for cells in (names, [":-:"] * len(names), *rows)]


def hand_written(lesson: Lesson) -> list[str]:
    "The lines of the cell under the title that the frame does not write."
    lines = "".join(lesson.cells[1]["source"]).split("\n")[1:]
    while lines and (not lines[0] or lines[0].startswith("|")): lines.pop(0)
    return lines


def drawn(lesson: Lesson) -> list[str]:
    "The pipeline as the page has it now."
    lines = "".join(lesson.cells[1]["source"]).split("\n") if len(lesson.cells) > 1 else []
    return [line for line in lines if line.startswith("|")]


def agrees(said: str, wanted: str) -> bool:
    "Is the line right, the minutes within five of what they should be?"
    time = re.compile(r"about (\d+) minutes")
    (before, after) = (time.search(line) for line in (said, wanted))
    if not before or time.sub("", said) != time.sub("", wanted): return False
    return abs(int(before[1]) - int(after[1])) <= 5


def wrongly_folded(lesson: Lesson) -> list[dict]:
    "The cells that JupyterLab opens and should fold, or folds and should open."
    said = lambda c: c["metadata"].get("jupyter", {})
    return [c for c in lesson.cells if said(c) != ({"source_hidden": True} if folded(c) else {})]


def problems(pages: list[Lesson]) -> list[str]:
    "What is wrong with the frames, a line each."
    found = []
    for place, lesson in enumerate(pages):
        name, wanted = lesson.path.name, links(pages, place)
        if not agrees(lesson.links, wanted): found.append(f"{name}: its second cell should begin with: {wanted}")
        if drawn(lesson) != pipeline(pages, place): found.append(f"{name}: its pipeline is not that of tools/frame.py")
        for c in wrongly_folded(lesson):
            found.append(f"{name}: cell {c['id']} should be {'folded' if folded(c) else 'open'}")
        for c in filter(folded, lesson.cells):
            line = "".join(c["source"]).split("\n")[0]
            if len(line) > FOLDED:
                found.append(f"{name}: folded cell {c['id']} shows its first line, which has {len(line)} characters: "
                             f"from {FOLDED + 1} on the whole page scrolls sideways in JupyterLab; wrap it")
    return found


def missing(lesson: Lesson) -> list[str]:
    "What a page's hand-written part of the frame lacks."
    text = "\n".join(section.markdown for section in lesson.sections)
    wanted = ["Before this:", "After this", "Why it matters."]
    if lesson.number[0] != "w": wanted += ["Picture it.", "Remember."]
    return [f"{lesson.path.name}: nothing says **{part}**" for part in wanted if f"**{part}**" not in text]


def write(pages: list[Lesson]):
    "Mend every page's frame."
    for place, lesson in enumerate(pages):
        wanted = [links(pages, place), "", *pipeline(pages, place), "", *hand_written(lesson)]
        kept = "".join(lesson.cells[1]["source"]) == "\n".join(wanted).strip()
        if kept and not wrongly_folded(lesson): continue
        notebook = json.loads(lesson.path.read_text(encoding="utf-8"))
        notebook["cells"][1]["source"] = "\n".join(wanted).strip().splitlines(keepends=True)
        for c in notebook["cells"]:
            c["metadata"].pop("jupyter", None)
            if folded(c): c["metadata"]["jupyter"] = {"source_hidden": True}
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
        lesson.path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--write" in sys.argv: write(in_order())
    course = in_order()
    lines = [f"{line} (python tools/frame.py --write)" for line in problems(course)]
    lines += [line for lesson in course for line in missing(lesson)]
    print("\n".join(lines) or "every page has its frame")
    sys.exit(bool(lines))
