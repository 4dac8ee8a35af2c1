"""The line of links under each page's title: previous page, map, next page, minutes. Is it true?

    python tools/frame.py          what is wrong, a line each
    python tools/frame.py --write  write the lines anew

File order is reading order: the neighbours of a page are its neighbours in the sorted list of names. The line is the
first
line of the cell under the title; what follows it in that cell is written by hand.
"""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from course import ROOT, Lesson, in_order, minutes, settings

MAP = "[map](00_start_here.ipynb#the-map)"


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
    parts.append(MAP if place else "[map](#the-map)")
    if place + 1 < len(pages):
        after = pages[place + 1]
        parts.append(f"[{after.number} →]({after.path.name} \"{after.title}\")")
    parts.append(f"about {minutes(pages[place])} minutes")
    parts.append(f"[open in Colab]({colab(pages[place])})")
    return " · ".join(parts)


def agrees(said: str, wanted: str) -> bool:
    "Is the line right, the minutes within five of what they should be?"
    time = re.compile(r"about (\d+) minutes")
    (before, after) = (time.search(line) for line in (said, wanted))
    if not before or time.sub("", said) != time.sub("", wanted): return False
    return abs(int(before[1]) - int(after[1])) <= 5


def problems(pages: list[Lesson]) -> list[str]:
    "A line for each page whose line of links is not what it should be."
    found = []
    for place, lesson in enumerate(pages):
        wanted = links(pages, place)
        if not agrees(lesson.links, wanted):
            found.append(f"{lesson.path.name}: its second cell should begin with: {wanted}")
    return found


def write(pages: list[Lesson]):
    "Put the right line into each page."
    for place, lesson in enumerate(pages):
        wanted = links(pages, place)
        if lesson.links == wanted: continue
        notebook = json.loads(lesson.path.read_text(encoding="utf-8"))
        cell = notebook["cells"][1]
        lines = "".join(cell["source"]).split("\n")
        cell["source"] = "\n".join([wanted, *lines[1:]]).splitlines(keepends=True)
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
        lesson.path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--write" in sys.argv: write(in_order())
    lines = problems(in_order())
    print("\n".join(lines) or "every page has its line of links")
    sys.exit(bool(lines))
