"""Brush, marks and the Python side of `DrawHole`; its page is driven in tests/browser."""
import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from pconv_edu.draw import DrawHole, from_url, paint, preview, sheet, stroke_hole, to_url
from pconv_edu.pictures import BadImage

STROKE = {"points": [[10, 10], [40, 20]], "width": 8, "hole": True}


def light(image, mask):
    "Fills with a light grey."
    light.calls.append(mask.clone())
    return torch.full_like(image, .8)


@pytest.fixture
def grey():
    "A dark grey photo of 60 × 40 pixels."
    light.calls = []
    return Image.new("RGB", (60, 40), (40, 40, 40))


@pytest.fixture
def hand(grey): return DrawHole(grey, light, layers=[(3, 2, 1)] * 3)


def brute(size, points, width):
    "Distance to 20,000 points along the way, in float64."
    way = np.concatenate(
        [np.linspace(p, q, 20_000 // max(1, len(points) - 1)) for p, q in zip(points, points[1:] or points)]
    )
    centres = np.stack(np.meshgrid(np.arange(size[0]) + .5, np.arange(size[1]) + .5), -1)
    nearest = np.array([[np.hypot(*(way - centre).T).min() for centre in row] for row in centres])
    return nearest, nearest <= width / 2


# the brush
# -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("points", [[[12, 9]], [[3, 3], [25, 14]], [[5, 15], [14, 2], [22, 15]], [[20, 8], [20, 8]]])
def test_a_stroke_is_all_that_lies_near_its_way(points):
    nearest, wanted = brute((28, 18), points, 7)
    clear = abs(nearest - 3.5) > 1e-2  # where the sampled way decides for sure
    assert (stroke_hole((28, 18), points, 7) == wanted)[clear].all() and clear.mean() > .95


def test_a_disc_counted_by_hand():
    "Width 3 around a pixel's centre: the pixel, its four sides and its four corners (distance 1.41)."
    assert stroke_hole((7, 7), [[3.5, 3.5]], 3).sum() == 9
    assert stroke_hole((7, 7), [[3.5, 3.5]], 2).sum() == 5


def test_a_fast_hand_leaves_no_gaps():
    hole = stroke_hole((200, 30), [[10, 15], [190, 15]], 8)
    assert hole[15, 8:192].all()


@pytest.mark.parametrize("points", [[[-50, -50]], [[500, 5], [500, 20]], [[-20, 5], [-10, 5]]])
def test_a_stroke_outside_the_picture_is_no_hole(points): assert not stroke_hole((60, 40), points, 9).any()


def test_a_stroke_may_leave_the_picture_and_come_back():
    hole = stroke_hole((60, 40), [[5, 20], [-30, 20], [5, 30]], 4)
    assert hole[20, 0] and not hole[:, 30:].any()


def test_like_pillow_draws_it():
    "Another library's disc, away from the rim where both may round."
    picture = Image.new("1", (80, 80))
    ImageDraw.Draw(picture).ellipse((20, 20, 60, 60), fill=1)
    assert (np.array(picture) ^ stroke_hole((80, 80), [[40.5, 40.5]], 41)).mean() < .01


@pytest.mark.parametrize("points, width", [([], 5), ([[1, 1]], 0), ([[1, 1]], float("nan"))])
def test_a_stroke_without_points_or_width_is_refused(points, width):
    with pytest.raises(ValueError, match="a stroke has one point or more"): stroke_hole((60, 40), points, width)


def test_marks_in_their_order():
    empty = np.zeros((40, 60), bool)
    one = paint(empty, STROKE)
    assert not empty.any() and one.any()
    assert not paint(one, STROKE | {"hole": False}).any()
    assert not paint(one, {"clear": True}).any()
    loaded = np.eye(40, 60) > 0
    assert (paint(one, {"sheet": 0}, [loaded]) == loaded).all()


# pictures on their way
# -------------------------------------------------------------------------------------------------

def test_there_and_back_as_png():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))
    assert from_url(to_url(picture)).tobytes() == picture.tobytes()


def test_a_file_that_is_no_picture_is_named():
    with pytest.raises(BadImage, match="notes.txt"):
        from_url("data:text/plain;base64," + base64.b64encode(b"hello").decode(), "notes.txt")
    with pytest.raises(BadImage, match="empty.png.*0 bytes"): from_url("data:image/png;base64,", "empty.png")


def test_a_photo_that_a_phone_turned_comes_upright():
    turned = Image.new("RGB", (30, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(file := io.BytesIO(), "JPEG", exif=exif)
    assert from_url("data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()).size == (20, 30)


@pytest.mark.parametrize(
    "kind, wanted",
    [
        (Image.new("RGBA", (4, 3), (0, 0, 0, 0)), 255), (Image.new("L", (4, 3), 7), 7),
        (np.full((3, 4), 257 * 9, np.uint16), 9), (torch.full((3, 3, 4), 0.2), 51),
    ],
)
def test_a_preview_of_any_kind(kind, wanted):
    assert preview(kind).size == (4, 3) and preview(kind).getpixel((0, 0)) == (wanted,) * 3


def test_a_large_photo_is_shown_smaller():
    assert preview(np.zeros((100, 5000, 3), np.uint8)).size == (2048, 41)
    assert sheet(torch.ones(1, 100, 5000)).size == (2048, 41)


# the widget
# ------------------------------------------------------------------------------------------------------------

def test_a_stroke_is_filled_and_seen(hand, grey):
    seen = []
    hand.observe(lambda change: seen.append(change["new"].shape), "mask")
    before = hand.shown
    hand.marks = [STROKE]
    assert seen == [(1, 40, 60)] and hand.mask.dtype == torch.float32 and set(hand.mask.unique().tolist()) == {0., 1.}
    inside = stroke_hole((60, 40), STROKE["points"], 8)
    assert ((hand.mask[0].numpy() == 0) == inside).all()
    filled = np.array(hand.filled)
    assert (filled[inside] == 204).all() and (filled[~inside] == 40).all() and hand.shown != before
    assert type(hand.filled) is type(grey)


@pytest.mark.parametrize(
    "image",
    [
        np.full((40, 60), 40, np.uint8), np.zeros((40, 60, 4), np.uint8), torch.rand(3, 40, 60),
        torch.rand(1, 3, 40, 60), np.zeros((40, 60, 3), np.uint16),
    ],
)
def test_the_kind_of_picture_comes_back(image):
    light.calls = []
    hand = DrawHole(image, light)
    hand.marks = [STROKE]
    assert type(hand.filled) is type(image) and hand.filled.shape == image.shape and hand.filled.dtype == image.dtype


def test_a_path_and_the_callers_picture_stays(tmp_path, grey):
    grey.save(tmp_path / "photo.png")
    hand, array = DrawHole(tmp_path / "photo.png", light), np.zeros((40, 60, 3), np.uint8)
    assert hand.size == [60, 40]
    other = DrawHole(array, light)
    array[:] = 255
    other.marks = [STROKE]
    assert other.filled.max() == 204


def test_a_new_widget_waits_for_nothing():
    "Or the page says '· working …', and then that the kernel may be gone."
    mask = torch.ones(1, 40, 60)
    mask[:, :9] = 0
    for hand in (DrawHole(np.zeros((40, 60, 3), np.uint8), light),
                 DrawHole(np.zeros((40, 60, 3), np.uint8), light, mask=mask)):
        assert hand.answered == hand.asked


def test_one_change_is_computed_once(hand):
    "The page sends marks, the switch of the layers and its counter together."
    hand.set_state({"marks": [STROKE], "show_layers": True, "asked": hand.asked + 1})
    assert len(light.calls) == 1 and hand.answered == hand.asked and hand.film.startswith("data:image/png")
    hand.set_state({"show_layers": False, "asked": hand.asked + 1})
    assert len(light.calls) == 1 and hand.film == "" and hand.answered == hand.asked


def test_undo_and_clear_bring_back_the_photo(hand, grey):
    hand.marks = [STROKE]
    hand.marks = [STROKE, {"clear": True}]
    assert hand.mask.all() and hand.filled.tobytes() == grey.tobytes() and len(light.calls) == 1
    hand.marks = [STROKE]
    first = hand.mask
    hand.marks = [STROKE, STROKE | {"points": [[50, 30]]}]
    hand.marks = [STROKE]
    assert torch.equal(hand.mask, first)


def test_the_cache_of_painted_marks_changes_nothing(hand):
    marks = [
        STROKE, {"points": [[20, 5], [20, 35]], "width": 5, "hole": False},
        {"points": [[45, 30]], "width": 12, "hole": True},
    ]
    for n in (1, 3, 2, 3, 0, 3): hand.marks = marks[:n]
    fresh = DrawHole(Image.new("RGB", (60, 40)), light)
    fresh.marks = marks
    assert torch.equal(hand.mask, fresh.mask)


def test_an_error_is_shown_and_the_next_stroke_goes_on(hand):
    "An exception in a callback is seen by nobody unless the widget shows it."
    hand.net = lambda image, mask: 1 / 0
    hand.set_state({"marks": [STROKE], "asked": hand.asked + 1})
    assert (
        hand.note.startswith("ZeroDivisionError: division by zero")
        and "in <lambda>" in hand.trace
        and hand.answered == hand.asked
    )
    hand.net = light
    hand.marks = [STROKE, STROKE]
    assert hand.note == ""


def test_an_interrupted_fill_does_not_wait_for_ever(hand):
    def stopped(image, mask): raise KeyboardInterrupt
    hand.net = stopped
    hand.set_state({"marks": [STROKE], "asked": hand.asked + 1})
    assert "KeyboardInterrupt" in hand.note and hand.answered == hand.asked


def test_an_all_hole_picture_and_a_suspicious_polarity_are_told(hand):
    hand.marks = [{"points": [[30, 20]], "width": 500, "hole": True}]
    assert "the whole picture is hole" in hand.note
    hand.marks = [{"points": [[0, 20], [20, 20]], "width": 60, "hole": True}]
    assert "% of the picture is hole" in hand.note


def test_layers_on_demand(hand):
    hand.marks, hand.show_layers = [STROKE], True
    assert "before" in hand.film_text and "layer 3: 0.0%" in hand.film_text
    film = hand.film
    hand.marks = [STROKE, STROKE | {"points": [[30, 30], [50, 30]]}]
    assert hand.film != film


def test_a_function_has_no_layers_and_says_so(grey):
    hand = DrawHole(grey, light)
    hand.show_layers = True
    assert "give DrawHole(..., layers=...)" in hand.note


def test_masks_from_files_white_is_hole(hand):
    picture = Image.new("L", (60, 40))
    picture.paste(255, (5, 5, 15, 10))
    hand.load_mask(picture)
    assert int((hand.mask == 0).sum()) == 50 and hand.marks == [{"sheet": 0}] and len(hand.sheets) == 1
    hand.load_mask(1 - hand.mask)
    assert int((hand.mask == 0).sum()) == 2400 - 50
    hand.marks = hand.marks[:-1]
    assert int((hand.mask == 0).sum()) == 50


def test_a_mask_of_another_size_is_refused_with_both_sizes(hand):
    with pytest.raises(ValueError, match="30 × 20 pixels and the picture 60 × 40"):
        hand.load_mask(Image.new("L", (30, 20)))
    with pytest.raises(ValueError, match="30 × 20"):
        DrawHole(Image.new("RGB", (60, 40)), light, mask=Image.new("L", (30, 20)))


def test_a_mask_to_start_with(grey):
    mask = torch.ones(1, 40, 60)
    mask[:, 3:6, 4:9] = 0
    assert torch.equal(DrawHole(grey, light, mask=mask).mask, mask)


def test_a_batch_is_refused():
    with pytest.raises(ValueError, match="a batch of 2"): DrawHole(torch.rand(2, 3, 8, 8), light)


def upload(hand, kind: str, name: str, data: bytes, step: int):
    "As the page sends a file: in parts."
    url = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    for i in range(0, len(url), step):
        hand._receive(hand, {"load": kind, "name": name, "part": url[i:i + step], "last": i + step >= len(url)}, None)


def png(picture) -> bytes:
    picture.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


@pytest.mark.parametrize("step", [10, 64, 10**6])
def test_a_photo_arrives_in_parts(hand, step):
    "Jupyter ends a connection over messages of more than 10 MB, so large files must come in several."
    hand.marks = [STROKE]
    upload(hand, "photo", "mine.png", png(Image.new("RGB", (30, 50), (1, 2, 3))), step)
    assert hand.size == [30, 50] and hand.marks == [] and hand.filled.getpixel((0, 0)) == (1, 2, 3) and hand.note == ""
    assert hand.asked == hand.answered


def test_a_photo_made_for_printing_arrives_as_rgb(hand):
    Image.new("CMYK", (30, 50), (0, 255, 255, 0)).save(file := io.BytesIO(), "JPEG")
    upload(hand, "photo", "print.jpg", file.getvalue(), 10**6)
    assert hand.note == "" and hand.size == [30, 50] and hand.filled.mode == "RGB"


def test_a_mask_arrives_and_a_bad_file_is_told(hand):
    upload(hand, "mask", "hole.png", png(Image.new("L", (60, 40))), 50)
    assert hand.marks == [{"sheet": 0}] and hand.mask.all()
    upload(hand, "mask", "notes.txt", b"hello", 50)
    assert "notes.txt" in hand.note and len(hand.marks) == 1
    upload(hand, "photo", "wide.png", b"", 50)
    assert "wide.png" in hand.note and hand.size == [60, 40]


def test_an_upload_that_broke_off_spoils_nothing_after_it(hand):
    red, blue = ("data:;base64," + base64.b64encode(png(Image.new("RGB", (30, 50), color))).decode()
                 for color in ("red", "blue"))
    send = lambda part, **rest: hand._receive(hand, {"load": "photo", "name": "a.png", "part": part, **rest}, None)
    send(red[:40], id="1", first=True, last=False)  # and no more
    send(blue[:40], id="2", first=True, last=False)
    send(red[40:], id="1", first=False, last=True)  # the first one wakes up, too late
    assert hand.size == [60, 40]
    send(blue[40:], id="2", first=False, last=True)
    assert hand.size == [30, 50] and hand.filled.getpixel((0, 0)) == (0, 0, 255) and hand.note == ""


def test_a_mask_without_a_hole_is_told(hand, grey):
    upload(hand, "mask", "empty.png", png(Image.new("L", (60, 40))), 10**6)
    assert "no hole" in hand.note and hand.mask.all()
    hand.marks = [STROKE]
    assert hand.note == ""
    assert "no hole" in DrawHole(grey, light, mask=Image.new("L", (60, 40))).note


def test_a_photo_given_as_the_mask_is_told(hand):
    noise = np.random.default_rng(0).integers(60, 200, (40, 60), np.uint8)
    upload(hand, "mask", "photo.png", png(Image.fromarray(noise)), 10**6)
    assert "photo" in hand.note


def test_what_is_saved_has_all_pixels(monkeypatch):
    light.calls = []
    hand = DrawHole(np.zeros((30, 3000, 4), np.uint8), light)
    hand.marks = [{"points": [[1500, 15]], "width": 10, "hole": True}]
    sent = []
    monkeypatch.setattr(hand, "send", sent.append)
    for what in ("mask", "filled"): hand._receive(hand, {"save": what}, None)
    assert [message["save"] for message in sent] == ["mask.png", "filled.png"]
    mask, filled = (from_url(message["url"]) for message in sent)
    assert mask.size == filled.size == (3000, 30)
    assert (np.array(mask) == np.where(hand.mask[0] == 0, 255, 0)).all()
    hand.load_mask(mask)  # what was saved is read again as the same
    assert torch.equal(hand.mask, torch.from_numpy(np.array(mask) == 0)[None].float())


def test_the_last_state_as_a_figure(hand):
    hand.marks = [STROKE]
    drawing = hand.figure()
    assert [axes.get_title() for axes in drawing.axes] == ["drawn", "filled"]
    drawn = drawing.axes[0].images[0].get_array()
    assert np.allclose(drawn[15, 25], np.array([0xE6, 0x9F, 0]) / 255, atol=.01)


def test_without_a_net_the_shipped_one_is_asked_for(grey, monkeypatch):
    import pconv_edu.draw as draw
    monkeypatch.setattr(draw, "load_pretrained", lambda: light)
    assert DrawHole(grey).net is light


def test_the_pages_script_travels_with_the_package():
    assert "export default" in DrawHole._esm and ".pconv-draw" in DrawHole._css
