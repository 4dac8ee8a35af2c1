"""Every lesson in a real JupyterLab: all cells run, nothing complains, and a control that is moved changes the
picture above or below it.
"""
import json
import re
from pathlib import Path

import pytest

from lab import Notebook

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(path.name for path in (ROOT / "nbs").glob("*.ipynb"))


CONTROLS = ".noUi-handle, select, input[type=checkbox], .pconv-draw"  # a progress bar is a widget too, and has none


def boxes(name: str) -> int:
    "How many boxes with controls the lesson shows."
    code = [
        "".join(cell["source"])
        for cell in json.loads((ROOT / "nbs" / name).read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    drawn = {name for source in code for name in re.findall(r"^(\w+) = DrawHole\(", source, re.M)}
    shown = [source.split("\n")[-1] in drawn for source in code]  # a cell that ends in its name shows the widget
    return sum(len(re.findall(r"^play\(", source, re.M)) for source in code) + sum(shown)


class Ahead:
    """Opens lessons five at a time: while one is looked at, the next ones already run, so that no core waits for a
    long one.

    A lesson that went well leaves its page to another, as a learner would: loading JupyterLab anew costs a core some
    seconds.
    """

    def __init__(self, names, chromium, address: str):
        self.names, self.chromium, self.address, self.running, self.left = list(names), chromium, address, {}, []

    def get(self, name: str) -> Notebook:
        at = self.names.index(name)
        for near in self.names[at:at + 5]:
            if near not in self.running:
                self.running[near] = Notebook(
                    self.chromium, self.address, near, page=self.left.pop() if self.left else None
                )
                self.running[near].start()
        return self.running.pop(name)

    def close(self):
        for lesson in self.running.values(): lesson.close()
        for page in self.left: page.close()


@pytest.fixture(scope="module")
def ahead(request, chromium, jupyter):
    wanted = [
        item.callspec.params["name"]
        for item in request.session.items
        if item.path == Path(__file__) and hasattr(item, "callspec")
    ]
    lessons = Ahead(wanted, chromium, jupyter)
    yield lessons
    lessons.close()


def pictures(output) -> list[str]: return output.locator("img").evaluate_all("images => images.map(image => image.src)")


def moves(page, output, seconds: int = 15) -> bool:
    """Move controls of a `play` box one after the other; True as soon as the picture follows, which it may take some
    seconds for.
    """
    before = pictures(output)
    changed = lambda: _waits(page, output, before, seconds)
    for handle in output.locator(".noUi-handle").all():
        for key in ("ArrowRight", "ArrowLeft"):
            handle.focus()
            for _ in range(2): page.keyboard.press(key)
            if changed(): return True
    for menu in output.locator("select").all():
        last = menu.locator("option").count() - 1
        for index in (last, 0):
            menu.select_option(index=index)
            if changed(): return True
    for box in output.locator("input[type=checkbox]").all():
        box.click()
        if changed(): return True
    return False


def _waits(page, output, before, seconds: int) -> bool:
    "Has the picture changed, within some seconds in which the kernel may still draw?"
    for _ in range(seconds * 4):
        if pictures(output) != before: return True
        page.wait_for_timeout(250)
    return False


def draws(page, output) -> bool:
    "A stroke with the mouse over the photo of `DrawHole`; True when another fill is shown."
    canvas = output.locator(".pconv-draw canvas")
    canvas.scroll_into_view_if_needed()
    before, box = output.locator(".filled").get_attribute("src"), canvas.bounding_box()
    page.mouse.move(box["x"] + .3 * box["width"], box["y"] + .4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + .6 * box["width"], box["y"] + .6 * box["height"], steps=8)
    page.mouse.up()
    return _waits(page, output.locator("figure").last, [before], 30)


@pytest.mark.parametrize("name", LESSONS)
def test_lesson(name, ahead):
    lesson = ahead.get(name)
    try:
        look_at(lesson, boxes(name))
    except BaseException:
        lesson.close()
        raise
    ahead.left.append(lesson.leave())


def look_at(lesson: Notebook, wanted: int):
    "Wait until all has run, then move the controls of every box and look at every output."
    lesson.wait()
    assert lesson.errors() == []
    moved = 0
    for cell in lesson.widget_cells():
        output = lesson.show_cell(cell)
        output.locator(f"{CONTROLS}, .progress").first.wait_for(timeout=30_000)
        if not output.locator(CONTROLS).count(): continue
        moved += 1
        output.locator("img").first.wait_for(timeout=30_000)
        drawn = output.locator(".pconv-draw").count()
        assert (draws if drawn else moves)(lesson.page, output), (
            f"the picture of cell {cell} did not change when its controls moved"
        )
        assert not output.locator(".note:visible, .play-error:visible").count(), output.inner_text()
    assert moved >= wanted, f"{moved} boxes with controls were moved, the lesson has {wanted}"
    lesson.look_through()
    assert lesson.errors() == []
    assert lesson.complaints == []
    print(f"{lesson.name}: {lesson.seconds:.0f} s, {moved} widgets")
