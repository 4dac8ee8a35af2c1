"""`play` redraws when a control moves, and says so when the drawing fails."""
import pytest
import ipywidgets as w

from pconv_edu.figures import Drawing
from pconv_edu.course.widgets import play


def draw(size=1, word="a", dark=False) -> Drawing:
    "A picture that differs for each setting."
    if size == 3: raise ValueError("size 3 cannot be drawn")
    drawing = Drawing(figsize=(1, 1), facecolor="black" if dark else "white")
    drawing.text(.5, .5, word * size)
    return drawing


@pytest.fixture
def box(): return play(draw, start={"size": 2}, size=(1, 4), word=["a", "b"], dark=False)


def parts(box): return {part.description: part for part in box.children[:3]}, box.children[-2], box.children[-1]


def test_kinds_of_controls(box):
    controls, _, _ = parts(box)
    assert [type(c) for c in controls.values()] == [w.IntSlider, w.Dropdown, w.Checkbox]
    assert controls["size"].value == 2


def test_a_slider_redraws_while_it_moves():
    sliders = [*play(draw, size=(1, 2)).children[:1], *play(lambda x: draw(), x=(0., 1.)).children[:1]]
    assert [type(slider) for slider in sliders] == [w.IntSlider, w.FloatSlider]
    assert all(slider.continuous_update for slider in sliders)  # not only when it is let go


def test_a_picture_as_wide_as_the_page_does_not_scroll(box):
    "Bug: JupyterLab puts two pixels around a widget, so that 100 % of the page's width were four too many."
    _, _, image = parts(box)
    assert (image.layout.max_width, image.layout.margin) == ("100%", "0")


@pytest.mark.parametrize("name, value", [("size", 4), ("word", "b"), ("dark", True)])
def test_a_moved_control_changes_the_picture(box, name, value):
    controls, _, image = parts(box)
    before = image.value
    controls[name].value = value
    assert image.value != before and image.value[:4] == b"\x89PNG"


def test_an_error_is_shown_and_goes_away_again(box):
    controls, note, image = parts(box)
    kept = image.value
    controls["size"].value = 3
    assert "size 3 cannot be drawn" in note.value and image.value == kept
    controls["size"].value = 1
    assert note.value == ""


def test_an_error_is_shown_as_text_and_not_as_markup():
    "A message with < in it used to vanish from the page."
    def refuse(size):
        if size == 2: raise ValueError("size <b>2</b> & more")
        return draw(size)
    box = play(refuse, size=(1, 4))
    box.children[0].value = 2
    assert "size &lt;b&gt;2&lt;/b&gt; &amp; more" in box.children[-2].value


def test_a_failing_first_drawing_is_raised():
    with pytest.raises(ValueError, match="size 3"): play(draw, start={"size": 3}, size=(1, 4))


def test_a_control_that_is_none_of_the_kinds_is_named():
    with pytest.raises(ValueError, match="control 'size' is 7"): play(draw, size=7)
