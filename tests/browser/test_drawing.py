"""`DrawHole` under a mouse, a finger and a keyboard, in a real JupyterLab."""
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contrast import too_faint
from lab import Notebook, notebook
from tabs import UNDO_KEYS

CELLS = ["""
import time
import numpy as np, torch
from PIL import Image
from pconv_edu.draw import DrawHole
calls = []
def fill(image, mask):
    calls.append(mask.clone())
    time.sleep(pause)
    if (mask[..., :20, :20] == 0).any(): raise RuntimeError("the corner <b>hurts</b>")
    return torch.full_like(image, .8)
pause = 0
layers = [(3, 2, 1)] * 3
hand = DrawHole(np.full((300, 400, 3), 40, np.uint8), fill, layers=layers)
""", "hand", *["0"] * 30]


@pytest.fixture(scope="module")
def opened(chromium, jupyter, nbs):
    (nbs / "hand.ipynb").write_text(notebook(CELLS))
    book = Notebook(chromium, jupyter, "hand.ipynb")
    book.start()
    book.wait()
    assert book.errors() == []
    book.page.wait_for_selector(".pconv-draw canvas")
    settled(book.page)  # a widget that has just been opened waits for nothing
    yield book
    complaints = list(book.complaints)
    book.close()
    assert complaints == []


@pytest.fixture
def hand(opened):
    "The page, with a fresh widget."
    python(
        opened,
        "pause = 0; hand.load(np.full((300, 400, 3), 40, np.uint8)); hand.show_layers = False; calls.clear(); "
        "hand.brush = 20",
    )
    opened.page.wait_for_function("document.querySelector('.pconv-draw .status').textContent === ''")
    opened.page.locator(".pconv-draw canvas").scroll_into_view_if_needed()
    return opened


def python(book, code: str) -> str:
    "Run `code` in the notebook's kernel; what it prints."
    return book.page.evaluate("""async (code) => {
        let text = "";
        const future = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code, store_history: false });
        future.onIOPub = (message) => {
            if (message.header.msg_type === "stream") text += message.content.text;
            if (message.header.msg_type === "error") throw new Error(message.content.evalue);
        };
        const reply = await future.done;
        if (reply.content.status !== "ok") throw new Error(reply.content.evalue);
        return text.trim();
    }""", code)


def place(page, x: float, y: float) -> tuple[float, float]:
    "Where on the screen pixel (x, y) of the picture is, measured in the page and not by the widget's code."
    box = page.locator(".pconv-draw canvas").bounding_box()
    width, height = page.evaluate(
        "(() => { const i = document.querySelector('.pconv-draw .stack img'); return [i.naturalWidth, "
        "i.naturalHeight]; })()"
    )
    return box["x"] + x / width * box["width"], box["y"] + y / height * box["height"]


def stroke(page, *points, steps: int = 6):
    page.mouse.move(*place(page, *points[0]))
    page.mouse.down()
    for point in points[1:]: page.mouse.move(*place(page, *point), steps=steps)
    page.mouse.up()


def settled(page):
    page.wait_for_function("document.querySelector('.pconv-draw .status').textContent === ''", timeout=20_000)


def shown(page) -> str: return page.locator(".pconv-draw .filled").get_attribute("src")


def hole(book) -> list:
    "Number of hole pixels in Python, and their left, top, right, bottom."
    return json.loads(
        python(
            book,
            "y, x = np.nonzero(hand.mask[0].numpy() == 0)\nimport json; print(json.dumps([len(x), [int(v) for v in "
            "(x.min(), y.min(), x.max(), y.max())] if len(x) else []]))",
        )
    )


def test_a_stroke_makes_a_hole_and_the_fill_changes(hand):
    before = shown(hand.page)
    stroke(hand.page, (100, 150), (300, 150))
    settled(hand.page)
    hand.page.wait_for_function("(before) => document.querySelector('.pconv-draw .filled').src !== before", arg=before)
    count, box = hole(hand)
    assert all(abs(a - b) <= 1.5 for a, b in zip(box, [90, 140, 309, 159])), box
    assert abs(count - (200 * 20 + 3.14 * 100)) < 150
    assert python(hand, "print(int(hand.filled[150, 200, 0]), int(hand.filled[20, 20, 0]))") == "204 40"


def test_eraser_undo_clear_and_keys(hand):
    page = hand.page
    stroke(page, (100, 150), (300, 150))
    settled(page)
    whole, _ = hole(hand)
    page.get_by_role("button", name="Eraser").click()
    stroke(page, (200, 100), (200, 200))
    settled(page)
    cut, _ = hole(hand)
    assert 300 < whole - cut < 500
    page.get_by_role("button", name="Undo").click()
    settled(page)
    assert hole(hand)[0] == whole
    page.get_by_role("button", name="Clear").click()
    settled(page)
    assert hole(hand)[0] == 0
    page.locator(".pconv-draw canvas").hover()
    page.locator(".pconv-draw").focus()
    page.keyboard.press("Control+z")
    settled(page)
    assert hole(hand)[0] == whole
    page.keyboard.press("]")
    page.keyboard.press("]")
    page.keyboard.press("[")
    assert "25 px" in page.locator(".pconv-draw output").inner_text()
    page.get_by_role("button", name="Brush: paint").click()
    cells = page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.length")
    # JupyterLab's own Z, [ and ] did not act
    assert python(hand, "print(len(hand.marks))") == "1" and cells == len(CELLS)


def test_the_keyboard_alone_draws(hand):
    page = hand.page
    page.locator(".pconv-draw").focus()
    page.mouse.move(5, 5)
    page.keyboard.press("Space")
    settled(page)
    first, (left, _, right, _) = hole(hand)
    for _ in range(6): page.keyboard.press("Shift+ArrowRight")
    settled(page)
    count, box = hole(hand)
    assert count > first + 500 and abs(box[0] - left) <= 1 and abs(box[2] - right - 60) <= 2
    page.get_by_role("slider").focus()
    before = page.locator(".pconv-draw output").inner_text()
    page.keyboard.press("ArrowRight")
    # there arrows move the slider
    assert page.locator(".pconv-draw output").inner_text() != before and hole(hand)[0] == count
    page.keyboard.press("x")  # cuts the cell where JupyterLab gets it
    page.get_by_role("button", name="Eraser").focus()
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Eraser").get_attribute("aria-pressed") == "true" and hole(hand)[0] == count
    page.get_by_role("button", name="Brush: paint").click()
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.length") == len(CELLS)


def painted(page) -> int:
    "Pixels of the canvas that show hole."
    return page.evaluate("""() => {
        const canvas = document.querySelector(".pconv-draw canvas");
        return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((v, i) => i % 4 === 3 && v > 127).length;
    }""")


def test_strokes_during_a_fill_are_drawn_at_once_and_only_the_newest_drawing_is_filled(hand):
    "A queue of old fills would go on long after the hand has stopped."
    python(hand, "pause = 1.5")
    for i in range(5): stroke(hand.page, (50, 60 + 45 * i), (350, 60 + 45 * i), steps=3)
    assert painted(hand.page) > 5 * 300 * 20 * .9
    assert "working" in hand.page.locator(".pconv-draw .status").inner_text()
    settled(hand.page)
    assert int(python(hand, "print(len(calls))")) <= 3
    assert int(python(hand, "print(len(hand.marks))")) == 5
    assert python(hand, "print(bool((calls[-1][0] == hand.mask).all()))") == "True"


def test_drawing_goes_on_while_a_cell_runs(hand):
    hand.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code: "
        "'time.sleep(3)' }); }"
    )
    stroke(hand.page, (100, 150), (300, 150))
    assert painted(hand.page) > 3500 and "working" in hand.page.locator(".pconv-draw .status").inner_text()
    settled(hand.page)
    assert hole(hand)[0] > 3500


def test_an_error_is_shown_as_text_and_goes_away(hand):
    stroke(hand.page, (5, 5), (15, 15))
    note = hand.page.locator(".pconv-draw .note")
    note.wait_for(state="visible")
    assert note.inner_text() == "RuntimeError: the corner <b>hurts</b>"
    settled(hand.page)
    hand.page.get_by_role("button", name="Undo").click()
    note.wait_for(state="hidden")


def test_the_masks_way_through_the_layers(hand):
    film = hand.page.locator(".pconv-draw .film")
    assert film.is_hidden()
    stroke(hand.page, (100, 150), (300, 150)); settled(hand.page)
    hand.page.get_by_role("button", name="Layers").click()
    film.wait_for(state="visible")
    settled(hand.page)
    first = film.get_attribute("src")
    hand.page.wait_for_function("document.querySelector('.pconv-draw .film').complete")
    assert film.bounding_box()["width"] <= hand.page.locator(".pconv-draw .strip").bounding_box()["width"] + 1
    assert "before" in film.get_attribute("alt") and "layer 3" in film.get_attribute("alt")
    assert python(hand, "print(len(calls))") == "1"  # showing layers fills nothing anew
    stroke(hand.page, (100, 250), (300, 250))
    settled(hand.page)
    assert film.get_attribute("src") != first
    hand.page.get_by_role("button", name="Layers").click()
    film.wait_for(state="hidden")


@pytest.fixture
def window(hand):
    "Sets the window's width and height and how many device pixels a CSS pixel has; puts it back afterwards."
    devtools = hand.page.context.new_cdp_session(hand.page)
    def metrics(width, height, dense=1):
        hand.page.set_viewport_size({"width": width, "height": height})
        devtools.send(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": dense, "mobile": False},
        )
        hand.page.wait_for_timeout(500)
        hand.page.locator(".pconv-draw canvas").scroll_into_view_if_needed()
    yield metrics
    devtools.send("Emulation.clearDeviceMetricsOverride")
    hand.page.set_viewport_size({"width": 1280, "height": 1000})
    hand.page.wait_for_timeout(500)


@pytest.mark.parametrize("width, dense", [(760, 1), (1280, 2), (1280, .75)])
def test_the_hole_is_where_the_mouse_was_in_any_window(hand, window, width, dense):
    "Pixels of the screen are not pixels of the picture."
    window(width, 1000, dense)
    stroke(hand.page, (100, 150), (300, 150)); settled(hand.page)
    box = hole(hand)[1]
    assert all(abs(a - b) <= 2.5 for a, b in zip(box, [90, 140, 309, 159])), box


def test_a_picture_larger_than_the_screen(hand):
    python(hand, "hand.load(np.full((3000, 4500, 3), 40, np.uint8)); hand.brush = 200")
    hand.page.wait_for_function("document.querySelector('.pconv-draw .stack img').naturalWidth === 2048")
    page = hand.page
    box = page.locator(".pconv-draw canvas").bounding_box()
    assert box["width"] < 700
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 2 / 3, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    settled(page)
    found = hole(hand)[1]
    assert all(abs(a - b) <= 15 for a, b in zip(found, [1400, 1400, 3100, 1600])), found


@pytest.mark.parametrize("kind", ["finger", "pen", "two fingers"])
def test_finger_and_pen(hand, kind):
    page, devtools = hand.page, hand.page.context.new_cdp_session(hand.page)
    ways = [place(page, x, 150) for x in (100, 200, 300)]
    if kind == "pen":
        for event, (x, y) in zip(("mousePressed", "mouseMoved", "mouseReleased"), ways):
            devtools.send(
                "Input.dispatchMouseEvent",
                {
                    "type": event,
                    "x": x,
                    "y": y,
                    "button": "left",
                    "buttons": int(event != "mouseReleased"),
                    "clickCount": 1,
                    "pointerType": "pen",
                },
            )
    else:
        devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
        second = [{"x": place(page, 200, 50)[0], "y": place(page, 200, 50)[1], "id": 2}] * (kind == "two fingers")
        for event, (x, y) in zip(("touchStart", "touchMove", "touchMove"), ways):
            devtools.send(
                "Input.dispatchTouchEvent", {"type": event, "touchPoints": [{"x": x, "y": y, "id": 1}, *second]}
            )
        devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    settled(page)
    box = hole(hand)[1]
    assert box and abs(box[0] - 90) <= 2 and abs(box[1] - 140) <= 2 and box[2] >= 205 and abs(box[3] - 159) <= 2, box


def picture_file(folder, name: str, array) -> str:
    Image.fromarray(array).save(folder / name)
    return str(folder / name)


def test_files_in_and_out(hand, tmp_path):
    page, noise = hand.page, np.random.default_rng(0).integers(0, 256, (1900, 2100, 3), np.uint8)
    photo = picture_file(tmp_path, "mine.png", noise)
    assert len(open(photo, "rb").read()) > 11e6  # Jupyter ends a connection over messages of more than 10 MB
    page.set_input_files(".pconv-draw input[name='load-photo']", photo)
    page.wait_for_function("document.querySelector('.pconv-draw .stack img').naturalWidth === 2048", timeout=60_000)
    settled(page)
    assert python(hand, "print(hand.size)") == "[2100, 1900]"
    white = np.zeros((1900, 2100), np.uint8)
    white[900:1000, 1000:1200] = 255
    page.set_input_files(".pconv-draw input[name='load-mask']", picture_file(tmp_path, "hole.png", white))
    page.wait_for_function(
        "() => { const c = document.querySelector('.pconv-draw canvas'); return "
        "c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[3] > 0; }"
    )
    settled(page)
    assert hole(hand) == [20_000, [1000, 900, 1199, 999]]
    with page.expect_download() as download: page.get_by_role("button", name="Save mask").click()
    assert (np.array(Image.open(download.value.path())) == white).all()
    with page.expect_download() as download: page.get_by_role("button", name="Save picture").click()
    saved = np.array(Image.open(download.value.path()))
    assert (saved[white == 0] == noise[white == 0]).all() and (saved[white > 0] == 204).all()


def test_files_that_do_not_fit_are_told(hand, tmp_path):
    note = hand.page.locator(".pconv-draw .note")
    hand.page.set_input_files(
        ".pconv-draw input[name='load-mask']", picture_file(tmp_path, "small.png", np.zeros((30, 40), np.uint8))
    )
    note.get_by_text("40 × 30 pixels and the picture 400 × 300").wait_for()
    (tmp_path / "notes.png").write_text("no picture at all")
    hand.page.set_input_files(".pconv-draw input[name='load-photo']", str(tmp_path / "notes.png"))
    note.get_by_text("notes.png").wait_for()
    stroke(hand.page, (100, 150), (300, 150)); settled(hand.page)
    assert note.is_hidden() and hole(hand)[0] > 3500


def test_every_control_says_what_it_is(hand):
    "A name that begins with the text that is seen, for those who hear the page or speak to it."
    found = hand.page.evaluate(
        """() => [...document.querySelectorAll(".pconv-draw button, .pconv-draw input")].map((node) => [node.getAttribute("aria-label"), node.tagName === "BUTTON" ? node.textContent : ""])"""
    )
    assert len(found) == 10 and all(name and name.startswith(text) for name, text in found), found
    assert hand.page.get_by_role("button", name="Brush").get_attribute("aria-pressed") == "true"


def test_a_widget_that_was_scrolled_out_of_sight_still_draws(hand):
    "JupyterLab takes cells out of the page that are not in sight."
    stroke(hand.page, (100, 150), (300, 150)); settled(hand.page)
    hand.show_cell(len(CELLS) - 1)
    hand.page.wait_for_timeout(500)
    python(hand, "hand.marks = [*hand.marks, {'points': [[200, 250]], 'width': 40, 'hole': True}]")
    hand.show_cell(1)
    hand.page.locator(".pconv-draw canvas").scroll_into_view_if_needed()
    assert painted(hand.page) > 200 * 20 + 1100
    stroke(hand.page, (100, 50), (300, 50))
    settled(hand.page)
    assert python(hand, "print(len(hand.marks))") == "3"


def test_a_saved_notebook_shows_the_last_state_without_its_kernel(hand, chromium, jupyter, nbs):
    "With JupyterLab's setting 'Save Widget State Automatically'."
    (nbs / "keep.ipynb").write_text(notebook(CELLS[:2]))
    book = Notebook(chromium, jupyter, "keep.ipynb")
    book.start()
    book.wait()
    book.page.wait_for_selector(".pconv-draw canvas")
    stroke(book.page, (100, 150), (300, 150))
    settled(book.page)
    before = shown(book.page)
    book.page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    book.close()
    again = Notebook(chromium, jupyter, "keep.ipynb")  # opened, and not run
    again.page.wait_for_selector(".pconv-draw canvas")
    again.page.wait_for_timeout(1000)
    assert painted(again.page) > 3500 and shown(again.page) == before
    assert book.complaints == again.complaints == []
    again.close()


def test_zz_without_a_kernel_the_last_state_stays(hand):
    "The last of these tests: the kernel is gone after it."
    stroke(hand.page, (100, 150), (300, 150)); settled(hand.page)
    before = shown(hand.page)
    hand.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.shutdown(); }"
    )
    hand.page.wait_for_timeout(1000)
    stroke(hand.page, (100, 250), (300, 250))
    assert painted(hand.page) > 2 * 3500 and shown(hand.page) == before
    hand.page.get_by_text("still waiting: is the kernel busy, or gone?").wait_for()
    # the front end's own, and true
    said = [text for text in hand.complaints if "Could not send widget sync message" in text]
    assert said == hand.complaints
    hand.complaints.clear()


JUPYTERLAB = {  # what its two themes set
    "light": "--jp-ui-font-color1: rgba(0, 0, 0, .87); --jp-layout-color2: #eee; --jp-border-color1: #bdbdbd;",
    "dark": "--jp-ui-font-color1: #fff; --jp-layout-color2: #424242; --jp-border-color1: #616161;",
}


# the widget's page without JupyterLab and without Python, in both browsers

STATIC = Path(__file__).resolve().parents[2] / "pconv_edu/static"
ALONE = """
    const dot = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='300' height='200'/>";
    const values = {photo: dot, size: [300, 200], marks: [], sheets: [], brush: 10, show_layers: false, asked: 1,
        answered: 0, shown: dot, film: "", film_text: "", note: "a note"};
    const listeners = {}, sent = [];
    const model = {
        get: key => values[key], set(key, value) { values[key] = value; listeners["change:" + key]?.(); },
        on(name, listener) { listeners[name] = listener; }, off() {}, save_changes() {},
        send(message) { sent.push(message); },
    };
    render({model, el: document.body});
    const canvas = document.querySelector("canvas"), photo = document.querySelector(".stack img");
"""


@pytest.fixture
def alone(tab, tmp_path):
    "Opens the widget's page with the CSS of a `body`; its script's names are there for `evaluate`."
    tabs = []
    def open_with(style=""):
        script = (STATIC / "draw.js").read_text(encoding="utf-8").replace("export default { render };", ALONE)
        file = tmp_path / "alone.html"
        file.write_text(f"""<!doctype html><meta charset="utf-8">
            <style>body {{ {style} }} {(STATIC / "draw.css").read_text(encoding="utf-8")}</style>
            <body></body><script>{script}</script>""", encoding="utf-8")
        tabs.append(tab(file.as_uri()))
        tabs[-1].wait("photo.complete && photo.naturalWidth === 300")
        return tabs[-1]
    yield open_with
    for opened in tabs:
        opened.close()
        assert opened.complaints == []


@pytest.mark.parametrize("variables", [False, True])
@pytest.mark.parametrize("theme, paper, ink", [("light", "#ffffff", "#222222"), ("dark", "#111111", "#cccccc")])
def test_every_text_can_be_read(alone, theme, paper, ink, variables):
    "Wherever notebooks are shown: some places have no variables of JupyterLab."
    page = alone(f"background: {paper}; color: {ink}; {JUPYTERLAB[theme] if variables else ''}")
    assert "working" in page.evaluate("document.querySelector('.status').textContent")
    assert too_faint(page) == []


@pytest.mark.parametrize("key, code, undone", UNDO_KEYS)
def test_ctrl_z_in_every_layout(alone, key, code, undone):
    page = alone()
    page.evaluate("model.set('marks', [{points: [[50, 50]], width: 10, hole: true}])")
    page.evaluate("""([key, code]) => document.querySelector(".pconv-draw").dispatchEvent(
        new KeyboardEvent("keydown", {key, code, ctrlKey: true, bubbles: true, cancelable: true}))""", [key, code])
    assert page.evaluate("values.marks.length") == (not undone)


def fingers(page, *paths):
    "Touch at points given as shares of the canvas; None: that finger is in the air."
    box = page.box("canvas")
    page.gesture("touch", *(
        [point and (box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]) for point in path]
        for path in paths
    ))
    page.wait("values.marks.length > 0")
    return page.evaluate("values.marks")


def test_a_second_finger_draws_nothing(alone):
    marks = fingers(alone(), [(.1, .2), (.1, .2), (.1, .4), (.1, .6)], [None, (.9, .2), (.9, .4), (.9, .6)])
    assert len(marks) == 1 and all(abs(x - 30) <= 1.5 for x, _ in marks[0]["points"]), marks
    assert max(y for _, y in marks[0]["points"]) >= 118


def test_a_palm_that_is_lifted_does_not_end_the_stroke(alone):
    marks = fingers(alone(), [(.1, .2), (.1, .2), (.1, .3), (.1, .4), (.1, .6)],
                             [None, (.9, .2), (.9, .3), None, None])
    assert len(marks) == 1 and max(y for _, y in marks[0]["points"]) >= 118, marks


@pytest.mark.parametrize("event", ["pointercancel", "lostpointercapture"])
def test_a_pointer_that_the_system_takes_away_ends_its_stroke(alone, event):
    page = alone()
    page.evaluate("""() => {
        canvas.setPointerCapture = () => {};  // no pointer that a script makes can be captured
        globalThis.point = (kind, pointerId) => canvas.dispatchEvent(
            new PointerEvent(kind, {pointerId, clientX: 60, clientY: 120, cancelable: true}));
        point("pointerdown", 7);
    }""")
    page.evaluate("event => { point(event, 8); }", event)  # another pointer's
    assert page.evaluate("values.marks.length") == 0
    page.evaluate("event => { point(event, 7); }", event)
    assert page.evaluate("values.marks.length") == 1


def test_the_file_chosen_last_is_sent_whichever_is_read_last(alone):
    page = alone()
    page.evaluate("""() => {
        const read = FileReader.prototype.readAsDataURL;
        let late;  // the first file is read once the second was
        FileReader.prototype.readAsDataURL = function(file) {
            const whole = () => read.call(this, file), first = file.name === "first.png";
            this.addEventListener("loadend", () => { if (first) globalThis.both = true; else late(); });
            if (first) late = whole; else whole();
        };
        const input = document.querySelector("input[name='load-photo']");
        for (const name of ["first.png", "second.png"]) {
            const files = new DataTransfer();
            files.items.add(new File([name], name, {type: "image/png"}));
            input.files = files.files;
            input.onchange();
        }
    }""")
    page.wait("globalThis.both === true")
    assert page.evaluate("sent.map(({name}) => name)") == ["second.png"]
