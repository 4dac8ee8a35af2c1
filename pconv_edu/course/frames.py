"""The pictures of a `play` box, drawn beforehand over its grid: the site shows them where no kernel runs."""
import json
import os
import time
from collections.abc import Callable
from math import prod
from pathlib import Path

import ipywidgets as w

from pconv_edu.figures import MOVING

FOLDER = "PCONV_EDU_FRAMES"  # environment variable: where `play` leaves its frames; unset: it leaves none
MOST, SECONDS, BYTES = 120, 4, 600_000  # of one box: frames, seconds of drawing, bytes of all frames


def settings(control: w.Widget) -> list[tuple[str, object]]:
    "Every setting of a control, as (label, value). Raises `TypeError` for a control whose settings cannot be listed."
    if isinstance(control, w.Dropdown): return [(str(label), value) for label, value in control._options_full]
    if isinstance(control, w.Checkbox): return [("no", False), ("yes", True)]
    if isinstance(control, w.IntSlider): return [(str(v), v) for v in range(control.min, control.max + 1, control.step)]
    if not isinstance(control, w.FloatSlider):
        raise TypeError(f"the settings of a {type(control).__name__} cannot be listed")
    count = round((control.max - control.min) / control.step) + 1
    values = [round(control.min + i * control.step, 9) for i in range(count)]
    return [(f"{v:.4g}", v) for v in values]


def thinned(places: list[int], most: int, start: int) -> list[int]:
    "At most `most` of `places`, evenly spread, with both ends where there is room and always with `start`."
    if len(places) <= most: return places
    if most == 1: return [start]
    kept = {places[round(i * (len(places) - 1) / (most - 1))] for i in range(most)}
    if start not in kept:
        kept.remove(min(kept, key=lambda place: abs(place - start)))
        kept.add(start)
    return sorted(kept)


def grid(lengths: list[int], starts: list[int], most: int) -> list[list[int]]:
    """Which settings of each control are drawn, so that all combinations are at most `most`: the longest gives way
    first.
    """
    counts = list(lengths)
    # two of each remain, even above `most`: a slider with one setting does not move
    while prod(counts) > most and max(counts) > 2: counts[counts.index(max(counts))] -= 1
    return [thinned(list(range(length)), count, start) for length, count, start in zip(lengths, counts, starts)]


def combinations(kept: list[list[int]]) -> list[tuple[int, ...]]:
    "Every combination of settings, the last control's changing fastest."
    found = [()]
    for places in kept: found = [(*before, place) for before in found for place in places]
    return found


def record(draw: Callable, controls: dict[str, w.Widget], place: Path) -> dict:
    """Draw the box's frames into the folder `place`; returns what the player needs to know of them.

    How many there are follows from the first one: its seconds and its bytes, against SECONDS and BYTES.
    """
    known = {name: settings(control) for name, control in controls.items()}
    starts = [_nearest(found, controls[name].value) for name, found in known.items()]
    began = time.perf_counter()
    first = draw(**{name: found[start][1] for (name, found), start in zip(known.items(), starts)})
    size = len(first.to_bytes(MOVING))
    most = min(MOST, int(SECONDS / (time.perf_counter() - began)), BYTES // size)
    kept = grid([len(found) for found in known.values()], starts, max(1, most))
    files, frames = {}, []
    for chosen in combinations(kept):
        drawing = draw(**{name: found[at][1] for (name, found), at in zip(known.items(), chosen)})
        picture = drawing.to_bytes(MOVING)
        name = files.setdefault(picture, f"{len(files):03}.{drawing.format}")
        if not (place / name).exists(): (place / name).write_bytes(picture)
        frames.append(name)
    return {
        "controls": [
            {
                "name": name.replace("_", " "),
                "kind": {w.Dropdown: "menu", w.Checkbox: "check"}.get(type(controls[name]), "slider"),
                "labels": [found[at][0] for at in places],
                "start": places.index(start),
                "of": len(found),
            }
            for (name, found), places, start in zip(known.items(), kept, starts)
        ],
        "frames": frames,
    }


def _nearest(found: list[tuple[str, object]], value) -> int:
    "Where `value` is among the settings; for a number between two, the nearer one."
    values = [setting for _, setting in found]
    if any(setting is value or _same(setting, value) for setting in values):
        return next(i for i, setting in enumerate(values) if setting is value or _same(setting, value))
    return min(range(len(values)), key=lambda i: abs(values[i] - value))


def _same(a, b) -> bool:
    "Equality that is a bool, also for tensors and arrays."
    same = a == b
    return same if isinstance(same, bool) else False


def left_for_the_site(draw: Callable, controls: dict[str, w.Widget]):
    "What `play` calls: nothing, unless the site is being built."
    if FOLDER not in os.environ: return
    folder = Path(os.environ[FOLDER])
    place = folder / f"{len(list(folder.glob('*'))):02}"
    place.mkdir(parents=True)
    try: about = record(draw, controls, place)
    except Exception as error: about = {"error": f"{type(error).__name__}: {error}"}  # the page then says so
    (place / "player.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
