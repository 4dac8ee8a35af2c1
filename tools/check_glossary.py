"""Is site/glossary.md true? Each entry links to the section that explains its term, and to the one where the term
appears first.

    python tools/check_glossary.py          what is wrong, a line each
    python tools/check_glossary.py --write  put the entries in order and the first appearances right

An entry is one line:  - **term**: what it is. → [explained](../nbs/….ipynb#anchor)
What follows in brackets, (first in …), is written by --write. First appearances are looked for in running text: not in
headings,
tables, code and the one-line summaries; in exercises and recaps only where nothing else has the word.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from course import ROOT, Lesson, Section, in_order

ENTRY = re.compile(
    r"^- \*\*(?P<term>.+?)\*\*: (?P<meaning>.+?) → \[[^\]]*\]\(\.\./nbs/(?P<stem>\w+)\.ipynb#(?P<anchor>[^)]+)\)(?: "
    r"\((?P<first>first in .*)\))?$"
)


def says(text: str, term: str) -> bool:
    "Does `text` use the term, in singular or plural, whatever its capitals?"
    plain = re.sub(r"[*_`]|\]\([^)]*\)|\$", "", text).replace("\n", " ")
    return bool(re.search(rf"(?<![\w-]){re.escape(term)}(e?s)?(?![\w-])", plain, re.I))


def running_text(section: Section) -> str:
    lines = section.markdown.split("```")[::2]
    return "\n".join(line for part in lines for line in part.splitlines() if not line.lstrip().startswith(("|", ">")))


def first_use(term: str, course: list[Lesson]) -> tuple[Lesson, Section] | None:
    used = [(lesson, section) for lesson in course for section in lesson.sections if says(running_text(section), term)]
    return next((use for use in used if use[1].plain not in ("Recap", "Try it")), used[0] if used else None)


def link(lesson: Lesson, section: Section) -> str:
    where = lesson.title if section is lesson.sections[0] else section.plain
    return f"[{lesson.number} · {where}](../nbs/{lesson.path.name}#{section.anchor})"


def checked(line: str, course: list[Lesson]) -> tuple[str, str | None]:
    "The line as it should be, and what is wrong with it that cannot be mended by rewriting it."
    entry = ENTRY.match(line)
    if not entry: return line, f"not of the form of an entry: {line}"
    term = entry["term"]
    lesson = next((lesson for lesson in course if lesson.stem == entry["stem"]), None)
    if not lesson: return line, f"{term}: there is no lesson {entry['stem']}"
    section = next((section for section in lesson.sections if section.anchor == entry["anchor"]), None)
    if not section: return line, f"{term}: {entry['stem']} has no heading with the anchor {entry['anchor']}"
    if not says("\n".join([section.heading, section.markdown, *section.code]), term):
        return line, f"{term}: not a word of it under '{section.plain}' in {entry['stem']}"
    found = first_use(term, course)
    if not found: return line, f"{term}: no lesson uses the word"
    before = "" if found[1] is section else f" (first in {link(*found)})"
    return f"- **{term}**: {entry['meaning']} → {link(lesson, section)}{before}", None


def term_of(line: str) -> str: return line.partition("**:")[0].lower()


def problems(text: str, course: list[Lesson]) -> list[str]:
    "What is wrong with the glossary, a line each."
    entries = [line for line in text.splitlines() if line.startswith("- ")]
    results = [(line, *checked(line, course)) for line in entries]
    found = [wrong or f"it should read: {right}" for line, right, wrong in results if wrong or right != line]
    return (
        found
        + ([] if entries == sorted(entries, key=term_of) else ["the entries are not in order"])
        + ([] if entries else ["there is no entry"])
    )


def written(text: str, course: list[Lesson]) -> str:
    head = [line for line in text.splitlines() if not line.startswith("- ")]
    entries = sorted((checked(line, course)[0] for line in text.splitlines() if line.startswith("- ")), key=term_of)
    return "\n".join(head).rstrip() + "\n\n" + "\n".join(entries) + "\n"


if __name__ == "__main__":
    file, course = ROOT / "site/glossary.md", in_order()
    if "--write" in sys.argv: file.write_text(written(file.read_text(encoding="utf-8"), course), encoding="utf-8")
    lines = problems(file.read_text(encoding="utf-8"), course)
    print("\n".join(lines) or "the glossary is true")
    sys.exit(bool(lines))
