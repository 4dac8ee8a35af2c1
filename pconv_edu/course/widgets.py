"""Interactive parts that the lessons share: sliders that redraw a picture."""
from collections.abc import Callable
from html import escape

import ipywidgets as w

from pconv_edu.course.frames import left_for_the_site
from pconv_edu.figures import MOVING


def _control(name: str, value) -> w.Widget:
    "A slider for `(low, high[, step])`, a menu for a list or dict, a checkbox for a bool; widgets pass through."
    label = name.replace("_", " ")
    if isinstance(value, w.Widget): return value
    if isinstance(value, bool): return w.Checkbox(value=value, description=label)
    if isinstance(value, (list, dict)): return w.Dropdown(options=value, description=label)
    if not isinstance(value, tuple) or len(value) not in (2, 3):
        raise ValueError(f"control {name!r} is {value!r}; "
                         "give (low, high), (low, high, step), a list, a dict, a bool or a widget")
    low, high = value[:2]
    whole = all(isinstance(v, int) for v in value)
    step = value[2] if len(value) == 3 else (1 if whole else (high - low) / 20)
    slider = w.IntSlider if whole else w.FloatSlider
    return slider(min=low, max=high, step=step, value=low, description=label)  # redraws while it moves


def play(
    draw: Callable,  # takes the controls' values by name, returns a `Drawing`
    start: dict | None = None,  # the values to start with
    **controls,      # name=(low, high[, step]), a list or dict of choices, a bool, or a widget
) -> w.VBox:
    """Show `draw(...)` under controls; the picture is redrawn when one of them moves.

    An error in `draw` is shown in place of the picture. Raises it at once if the first drawing fails.
    """
    parts = {name: _control(name, value) for name, value in controls.items()}
    for name, value in (start or {}).items(): parts[name].value = value
    values = lambda: {name: part.value for name, part in parts.items()}
    first = draw(**values())
    left_for_the_site(draw, parts)
    image = w.Image(value=first.to_bytes(MOVING), format=first.format, layout=w.Layout(max_width="100%", margin="0"))
    note = w.HTML()

    def redraw(_):
        try:
            drawing = draw(**values())
            image.format, image.value, note.value = drawing.format, drawing.to_bytes(MOVING), ""
        except Exception as error:  # shown, because a widget's callback has nowhere else to say it
            said = f"<b>{type(error).__name__}:</b> {escape(str(error))}"
            note.value = f'<div class="play-error" role="alert">{said}</div>'

    for part in parts.values(): part.observe(redraw, "value")
    return w.VBox([*parts.values(), note, image], layout=w.Layout(align_items="flex-start"))
