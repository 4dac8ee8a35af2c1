"""The page of `make page` in a real browser: what it fills is what Python fills, and it asks nobody else for anything."""
import base64
import functools
import http.server
import io
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from contrast import too_faint
from tabs import UNDO_KEYS
from pconv_edu.inpainting import fill_windows, inpaint, reach_of
from pconv_edu.unet import PConvUNet
from pconv_edu.weights import load_pretrained, save_pretrained

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from make_page import FIRST

SAMPLES = sorted(path.stem for path in (ROOT / "data_samples/pictures").glob("*.jpg"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass


def random_net() -> PConvUNet:
    "Untrained, its outputs colourful and inside [0,1], so that no clamp hides a difference."
    torch.manual_seed(0)
    net = PConvUNet(widths=(8, 12, 16, 16)).train()
    for _ in range(4): net(torch.rand(2, 3, 96, 96), (torch.rand(2, 1, 96, 96) > .3).float())
    net.decoder[-1].conv.weight.data *= .01
    return net.eval()


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> PConvUNet:
    path = save_pretrained(random_net(), tmp_path_factory.mktemp("weights") / "random.safetensors", dtype=torch.float16)
    loaded = load_pretrained(path)
    loaded.path = path
    return loaded


@pytest.fixture(scope="module")
def folder(net, tmp_path_factory) -> Path:
    "The built page."
    from make_page import build
    out = tmp_path_factory.mktemp("page")
    try: build(net.path, out)
    except ConnectionError as error: pytest.skip(f"the page cannot be built: {error}")
    return out


@pytest.fixture(scope="module")
def address(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class Page:
    "The page in a tab of its own, of Chromium or Firefox; requests to anywhere else are complaints."
    def __init__(self, tab, address: str, keep: bool = False, **options):  # keep: the stroke that it opens with
        self.tab = tab(address, **options)
        self.evaluate, self.wait, self.press, self.click = (
            self.tab.evaluate, self.tab.wait, self.tab.press, self.tab.click)
        self.wait("ready && !filling || !!document.querySelector('#status.error')")
        if not keep: self.evaluate("strokes = []; paintAgain(); fill()")

    def settle(self): self.wait("!filling && !again")

    def draw(self, *points: tuple[float, float], settle: bool = True):
        "A stroke through points given as shares of the photo's width and height."
        heights = [v for _, v in points]
        box = self.tab.box("#paint", (min(heights) + max(heights)) / 2)
        places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in points]
        self.tab.gesture("mouse", [places[0], *(tuple(point) for a, b in zip(places, places[1:])
                                                for point in np.linspace(a, b, 7).tolist()[1:])])
        if settle: self.settle()

    def pixels(self, canvas: str) -> np.ndarray:  # [H,W,4]
        url = self.evaluate("id => document.getElementById(id).toDataURL('image/png')", canvas)
        return np.array(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))

    def hole(self) -> np.ndarray: return self.pixels("paint")[..., 3] >= 128

    def open(self, picture: Image.Image | Path, name: str = "photo.png", settle: bool = True):
        before = self.evaluate("opened")
        with tempfile.TemporaryDirectory() as folder:
            file = picture
            if isinstance(picture, Image.Image): picture.save(file := Path(folder) / name)
            self.tab.choose("#file", file)
            self.wait("n => opened > n", before)
        if settle: self.settle()

    def status(self) -> str: return self.evaluate("$('status').textContent")

    def close(self):
        "Close the tab. Raises `AssertionError` for complaints, which may have come late."
        self.evaluate("0")
        self.tab.close()
        assert self.tab.complaints == []


@pytest.fixture
def page(tab, address):
    opened = Page(tab, address)
    yield opened
    opened.close()


def photo(width: int, height: int) -> Image.Image:
    "Smooth colours with noise on them: no two places alike."
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(-20, 20, (height, width, 3))
    colors = np.stack([x / width, y / height, (x + y) / (width + height)], -1) * 200 + 25
    return Image.fromarray((colors + noise).clip(0, 255).astype(np.uint8))


def compare(found: np.ndarray, wanted: np.ndarray, hole: np.ndarray):
    "Equal outside the hole; inside to 1e-2 of [0,1]."
    assert np.array_equal(found[~hole], wanted[~hole]), "a valid pixel changed"
    difference = np.abs(found.astype(int) - wanted).max() / 255
    assert difference < 1e-2, difference


# what it computes

def test_a_stroke_is_filled_as_python_fills_it(page, net):
    page.open(ROOT / "data_samples/pictures/bricks.jpg")
    page.draw((.3, .3), (.7, .6), (.6, .8))
    before, hole, found = page.pixels("photo")[..., :3], page.hole(), page.pixels("filled")[..., :3]
    assert .005 < hole.mean() < .3 and before[hole].std() > 0
    wanted = inpaint(before, (hole * 255).astype(np.uint8), net)
    assert wanted[hole].std() > 3 and 0 < wanted[hole].min() and wanted[hole].max() < 255  # no clamp hides anything
    compare(found, wanted, hole)
    assert "Filled" in page.status()


@pytest.mark.parametrize("size", [(333, 217), (61, 500), (16, 16)])
def test_odd_sizes(page, net, size):
    picture = photo(*size)
    page.open(picture)
    page.draw((.3, .4), (.6, .6))
    hole = page.hole()
    compare(page.pixels("filled")[..., :3], inpaint(np.array(picture), (hole * 255).astype(np.uint8), net), hole)


def test_a_hole_deeper_than_the_network_sees(page, net):
    "There the fill of the picture at half its size shows, and of that at a quarter; the blend between them agrees too."
    picture = photo(300, 190)
    page.open(picture)
    for v in (0.25, 0.4, 0.55, 0.7):
        page.evaluate("document.getElementById('width').value = 25")
        page.draw((0.2, v), (0.8, v))
    hole = page.hole()
    with pytest.warns(UserWarning, match="is hole"):
        shallow, wanted = (
            inpaint(np.array(picture), (hole * 255).astype(np.uint8), net, reach=reach) for reach in (4096, None)
        )
    assert "More than 65 %" in page.status()
    assert np.abs(wanted.astype(int) - shallow).max() > 10
    compare(page.pixels("filled")[..., :3], wanted, hole)


def test_a_large_photo_keeps_its_own_pixels_at_full_size(page, net):
    "Two strokes far apart: the part around them is shrunk, by the mean of the valid pixels, and the fill enlarged."
    picture = photo(1500, 1101)
    page.open(picture)
    page.draw((0.1, 0.1), (0.3, 0.2))
    page.draw((0.9, 0.8), (0.8, 0.9))
    hole, image = page.hole(), torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
    valid = torch.from_numpy(~hole)[None, None].float()
    share = F.interpolate(valid, (376, 512), mode="area")  # 1101 · 512 / 1500 = 375.8
    small = F.interpolate(image * valid, (376, 512), mode="area") / share.clamp(min=1e-6)
    with torch.inference_mode():
        output = F.interpolate(
            fill_windows(net, small, (share > 0).float(), reach=reach_of(net)), (1101, 1500), mode="bilinear"
        ).clamp(0, 1)
    wanted = torch.where(valid > 0, image, output)[0].permute(1, 2, 0).mul(255).round().byte().numpy()
    compare(page.pixels("filled")[..., :3], wanted, hole)
    assert "1500 × 1101 pixels as 512 × 376" in page.status()


def test_a_small_hole_in_a_large_photo_is_filled_at_full_sharpness(page, net):
    picture = photo(1500, 1101)
    page.open(picture)
    page.draw((.5, .5), (.52, .5))
    hole = page.hole()
    rows, columns = np.where(hole.any(1))[0], np.where(hole.any(0))[0]
    top, left = (
        round((low + high + 1 - 512) / 2 + 1e-9) for low, high in ((rows[0], rows[-1]), (columns[0], columns[-1]))
    )
    where, wanted = np.s_[top:top + 512, left:left + 512], np.array(picture)
    wanted[where] = inpaint(wanted[where], (hole[where] * 255).astype(np.uint8), net)
    compare(page.pixels("filled")[..., :3], wanted, hole)
    assert "saw" not in page.status()


def test_the_saved_file_is_the_filled_picture(page):
    picture = photo(300, 200)
    page.open(picture, "my photo.png")
    page.draw((.4, .4), (.6, .6))
    file = page.tab.saved(lambda: page.press("s"))
    saved = np.array(Image.open(file).convert("RGB"))
    assert file.name == "my photo_filled.png"
    assert np.array_equal(saved, page.pixels("filled")[..., :3])
    assert np.array_equal(saved[~page.hole()], np.array(picture)[~page.hole()]) and not np.array_equal(
        saved, np.array(picture)
    )


# how it is used

def test_it_opens_with_a_hole_filled(tab, address, net):
    page = Page(tab, address, keep=True)
    assert page.evaluate("name") == page.evaluate("$('sample').value") == FIRST["sample"]
    hole, picture = page.hole(), page.pixels("photo")[..., :3]
    height, width = hole.shape
    for u, v in FIRST["points"]: assert hole[int(v * height), int(u * width)]
    assert .005 < hole.mean() < .1 and "Filled" in page.status()
    compare(page.pixels("filled")[..., :3], inpaint(picture, (hole * 255).astype(np.uint8), net), hole)
    page.click("#undo")
    page.settle()
    assert not page.hole().any() and np.array_equal(page.pixels("filled")[..., :3], picture)
    page.close()


def test_undo_clear_and_eraser(page):
    empty = page.pixels("filled")
    page.draw((.2, .2), (.4, .4))
    one, filled = page.hole(), page.pixels("filled")
    page.draw((.6, .6), (.8, .8))
    assert page.hole().sum() > one.sum()
    page.click("#undo")
    page.settle()
    assert np.array_equal(page.hole(), one) and np.array_equal(page.pixels("filled"), filled)
    page.click("#clear")
    page.settle()
    assert not page.hole().any() and np.array_equal(page.pixels("filled"), empty)
    page.press("Control+z")
    page.settle()
    assert np.array_equal(page.hole(), one)
    page.press("e")
    page.draw((.15, .15), (.45, .45))
    assert page.hole().sum() < .1 * one.sum()


def test_the_keyboard_alone_paints(page):
    page.evaluate("paint.focus()")
    for _ in range(12):
        page.press("ArrowRight")
        page.press("ArrowDown")
    page.press("]")
    page.press(" ")
    page.settle()
    assert page.hole().sum() > 50 and "Filled" in page.status()
    page.press("u")
    page.settle()
    assert not page.hole().any()


def test_strokes_during_a_fill_are_filled_next(page):
    page.evaluate(
        "for (const v of [.17, .5, .83]) { begin([.2 * paint.width, v * paint.height]); extend([.8 * paint.width, v "
        "* paint.height]); end(); }"
    )
    page.settle()
    hole, before, after = page.hole(), page.pixels("photo"), page.pixels("filled")
    for band in np.array_split(np.arange(len(hole)), 3):
        assert (before[band] != after[band]).any(-1)[hole[band]].mean() > 0.9


def test_another_photo_during_a_fill_is_not_painted_over(page):
    page.evaluate(
        "const held = new Promise(done => globalThis.release = done), real = ask; ask = async (...all) => { const "
        "found = await real(...all); await held; return found; }; null"
    )
    page.draw((.2, .2), (.8, .8), settle=False)
    picture = photo(200, 300)
    page.open(picture, settle=False)
    page.evaluate("release()")
    page.settle()
    assert np.array_equal(page.pixels("filled")[..., :3], np.array(picture)) and not page.hole().any()


def test_a_dropped_photo_is_opened(page):
    "A file of text that lies in front of it is passed over."
    file = io.BytesIO()
    photo(120, 80).save(file, "PNG")
    page.evaluate("""data => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["a note"], "note.txt", {type: "text/plain"}));
        transfer.items.add(new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], "dropped.png", {type: "image/png"}));
        document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }""", base64.b64encode(file.getvalue()).decode())
    page.wait("name === 'dropped.png'")
    assert page.pixels("photo").shape == (80, 120, 4)


OPEN = """(list, how) => {
    const files = list.map(([name, data]) =>
        new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], name, {type: "image/png"}));
    if (how === "choose") return files.forEach(file => void openFile(file));
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    const options = {clipboardData: transfer, dataTransfer: transfer, bubbles: true, cancelable: true};
    const event = how === "paste" ? new ClipboardEvent("paste", options) : new DragEvent("drop", options);
    // Firefox leaves the clipboard of an event that a script makes empty
    if (how === "paste") Object.defineProperty(event, "clipboardData", {value: transfer});
    document.dispatchEvent(event);
}"""


def hand_over(page, how: str, **pictures: Image.Image):
    "Let the page open PNGs, all at once, by `how`: choose, paste or drop."
    files = []
    for name, picture in pictures.items():
        picture.save(file := io.BytesIO(), "PNG", compress_level=1)
        files.append([f"{name}.png", base64.b64encode(file.getvalue()).decode()])
    page.evaluate(f"([list, how]) => ({OPEN})(list, how)", [files, how])


def test_a_pasted_photo_is_opened(page):
    picture = photo(120, 80)
    hand_over(page, "paste", pasted=picture)
    page.wait("name === 'pasted.png'")
    assert np.array_equal(page.pixels("photo")[..., :3], np.array(picture))


@pytest.mark.parametrize("how", ["paste", "drop"])
def test_what_holds_no_picture_is_told(page, how):
    before = page.pixels("photo")
    hand_over(page, how)
    assert "no picture" in page.status() and np.array_equal(page.pixels("photo"), before)


def test_the_photo_chosen_last_is_shown(page):
    "A large photo is decoded after a small one that was chosen later."
    page.evaluate("""() => { globalThis.decoded = 0; const decode = Image.prototype.decode;
        Image.prototype.decode = function() { return decode.call(this).finally(() => decoded++); }; }""")
    small, large = photo(60, 40), Image.fromarray(np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), np.uint8))
    hand_over(page, "choose", large=large, small=small)
    page.wait("decoded === 2")
    page.settle()
    assert page.evaluate("name") == "small.png"
    assert np.array_equal(page.pixels("photo")[..., :3], np.array(small))


@pytest.mark.parametrize("key, code, undone", UNDO_KEYS)
def test_ctrl_z_in_every_layout(page, key, code, undone):
    page.draw((.2, .2), (.4, .4))
    page.evaluate("""([key, code]) => document.body.dispatchEvent(
        new KeyboardEvent("keydown", {key, code, ctrlKey: true, bubbles: true, cancelable: true}))""", [key, code])
    page.settle()
    assert page.hole().any() != undone


def test_a_second_finger_paints_nothing(page):
    box = page.tab.box("#paint")
    at = lambda u, v: (box["x"] + u * box["width"], box["y"] + v * box["height"])
    page.tab.gesture("touch", [at(.1, .2), at(.1, .2), at(.1, .4), at(.1, .6)],
                              [None, at(.9, .2), at(.9, .4), at(.9, .6)])
    page.wait("!current && strokes.length === 1")
    page.settle()
    hole, (height, width) = page.hole(), page.hole().shape
    assert hole[int(.2 * height):int(.6 * height), int(.1 * width)].all()
    assert not hole[:, int(.2 * width):].any()
    page.evaluate("paintAgain()")
    assert np.array_equal(page.hole(), hole)


def test_a_palm_that_is_lifted_does_not_end_the_stroke(page):
    box = page.tab.box("#paint")
    at = lambda u, v: (box["x"] + u * box["width"], box["y"] + v * box["height"])
    page.tab.gesture("touch", [at(.1, .2), at(.1, .2), at(.1, .3), at(.1, .4), at(.1, .6)],
                              [None, at(.9, .2), at(.9, .3), None, None])
    page.wait("!current && strokes.length === 1")
    page.settle()
    hole = page.hole()
    assert hole[int(.2 * len(hole)):int(.6 * len(hole)), int(.1 * hole.shape[1])].all()


@pytest.mark.parametrize("event", ["pointercancel", "lostpointercapture"])
def test_a_pointer_that_the_system_takes_away_ends_its_stroke(page, event):
    page.evaluate("begin([.2 * paint.width, .5 * paint.height], 7); extend([.6 * paint.width, .5 * paint.height])")
    leave = "([event, pointerId]) => paint.dispatchEvent(new PointerEvent(event, {pointerId}))"
    page.evaluate(leave, [event, 8])  # another pointer's
    assert page.evaluate("current.pointer") == 7
    page.evaluate(leave, [event, 7])
    page.settle()
    assert page.evaluate("!current && strokes.length === 1") and "Filled" in page.status()


def test_undo_during_a_stroke_keeps_that_stroke_on_the_canvas(page):
    page.draw((.2, .2), (.4, .2))
    page.evaluate("begin([.2 * paint.width, .7 * paint.height]); extend([.8 * paint.width, .7 * paint.height])")
    page.press("Control+z")
    page.evaluate("end()")
    page.settle()
    hole = page.hole()
    page.evaluate("paintAgain()")
    assert hole[int(.7 * len(hole))].any() and not hole[:len(hole) // 2].any() and np.array_equal(page.hole(), hole)


def test_a_dead_worker_is_told_and_nothing_waits_for_it(page):
    page.evaluate("worker.postMessage = () => worker.onerror(new ErrorEvent('error', {message: 'out of memory'}))")
    page.draw((.2, .2), (.4, .4))
    assert "out of memory" in page.status() and page.evaluate("!!document.querySelector('#status.error')")
    page.draw((.6, .6), (.7, .7))  # nor does the next stroke
    assert "out of memory" in page.status()


def test_a_worker_that_dies_at_rest_is_told_at_once(page):
    page.settle()
    page.evaluate("worker.onerror(new ErrorEvent('error', {message: 'out of memory', cancelable: true}))")
    page.wait("!!document.querySelector('#status.error')")
    assert "the network has stopped (out of memory)" in page.status().lower()


def test_no_hole_left_is_told(page):
    page.draw((.3, .3), (.4, .4))
    page.press("e")
    page.evaluate("$('width').value = 25")
    page.draw((.2, .2), (.5, .5))
    assert not page.hole().any() and "No hole" in page.status()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(tab, address, scheme):
    opened = Page(tab, address, scheme=scheme)
    assert opened.evaluate("name => matchMedia(`(prefers-color-scheme: ${name})`).matches", scheme)
    opened.evaluate("document.querySelector('details').open = true; say('An error.', true)")
    assert too_faint(opened) == []
    opened.evaluate("say('All is well.')")
    assert too_faint(opened) == []
    opened.close()


@pytest.mark.parametrize("name", ["turned.JPG", "clear.webp", "palette.png", "deep.png", "cmyk.jpg"])
def test_odd_pictures_look_as_in_python(page, name):
    "Turned upright as EXIF says; white behind what is transparent. Decoders may differ by a little."
    from pconv_edu.pictures import load_image
    page.open(ROOT / "data_samples/odd" / name)
    wanted, found = (
        load_image(ROOT / "data_samples/odd" / name).permute(1, 2, 0).numpy() * 255,
        page.pixels("photo")[..., :3],
    )
    assert found.shape == wanted.shape and np.abs(found - wanted).mean() < (20 if name == "cmyk.jpg" else 2)


def test_samples_can_be_chosen(page):
    before, other = page.pixels("photo"), next(name for name in SAMPLES if name != FIRST["sample"])
    page.evaluate("""other => {
        $('sample').value = other;
        $('sample').dispatchEvent(new Event('change'));
    }""", other)
    page.wait("other => name === other", other)
    page.settle()
    assert not page.hole().any()  # the first one alone comes with a stroke
    assert not np.array_equal(page.pixels("photo"), before)


# what goes wrong is said in words

def test_a_file_that_is_no_picture(page, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    page.tab.choose("#file", tmp_path / "text.jpg")
    page.wait("!!document.querySelector('#status.error')")
    assert "“text.jpg” is no picture" in page.status()


def test_everything_painted_over(page):
    page.open(photo(40, 40))
    page.evaluate("document.getElementById('width').max = 400; document.getElementById('width').value = 400")
    page.draw((.5, .5))
    assert "Everything is painted over" in page.status() and page.hole().all()


def test_a_page_not_copied_whole(tab, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "page")
    (tmp_path / "page/parts/model.js").unlink()
    broken = Page(tab, (tmp_path / "page/index.html").as_uri())
    assert "cannot run here: parts/model.js cannot be read" in broken.status()
    broken.tab.close()


def test_a_browser_without_webassembly(tab, address):
    old = Page(tab, address, init="delete globalThis.WebAssembly")
    assert "WebAssembly is switched off" in old.status()
    old.tab.close()


# where it is opened

def test_a_double_click_is_enough(tab, folder, net):
    "Opened as a file, without any server."
    page = Page(tab, (folder / "index.html").as_uri())
    page.draw((.3, .3), (.7, .6))
    hole = page.hole()
    compare(
        page.pixels("filled")[..., :3], inpaint(page.pixels("photo")[..., :3], (hole * 255).astype(np.uint8), net), hole
    )
    page.close()


def test_on_a_phone(tab, address):
    page = Page(tab, address, size=(390, 844), phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert all(page.tab.box(f"#{name}")["height"] >= 40 for name in ("open", "brush", "undo", "save", "width"))
    box = page.tab.box("#paint")
    assert box["width"] > 350
    page.tab.gesture("touch", [(box["x"] + box["width"] / 2, box["y"] + 60)])
    page.wait("strokes.length === 1")
    page.settle()
    assert page.hole().any() and "Filled" in page.status()
    page.close()


def test_the_built_page_names_no_other_place(folder):
    for name in ("index.html", "page.css", "page.js"):
        assert "http" not in (folder / name).read_text(encoding="utf-8").replace("http-equiv", "")
    assert (folder / "licences.txt").exists() and "all " in (folder / "sizes.txt").read_text()
