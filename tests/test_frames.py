"""The frames of a `play` box: which settings are drawn, and what the site shows of them."""
import json
import sys
from pathlib import Path

import ipywidgets as w
import pytest

from pconv_edu.course import frames
from pconv_edu.course.widgets import play

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import make_players


class Drawn:
    "A stand-in for a `Drawing`, whose picture says what it was drawn for."
    format = "png"

    def __init__(self, **values): self.values = values

    def to_bytes(self, dpi=None) -> bytes: return json.dumps(self.values, sort_keys=True).encode()


def test_settings_of_each_kind_of_control():
    assert frames.settings(w.IntSlider(min=2, max=8, step=3)) == [("2", 2), ("5", 5), ("8", 8)]
    assert frames.settings(w.FloatSlider(min=0., max=.3, step=.1)) == [("0", 0.), ("0.1", .1), ("0.2", .2), ("0.3", .3)]
    assert frames.settings(w.Checkbox()) == [("no", False), ("yes", True)]
    assert frames.settings(w.Dropdown(options={"red": 0, "blue": 2})) == [("red", 0), ("blue", 2)]
    with pytest.raises(TypeError, match="Text"): frames.settings(w.Text())


@pytest.mark.parametrize("length, most, start, kept", [
    (5, 9, 2, [0, 1, 2, 3, 4]), (11, 3, 5, [0, 5, 10]), (11, 3, 4, [0, 4, 10]), (11, 1, 7, [7]), (4, 2, 3, [0, 3])])
def test_a_thinned_control_keeps_its_start(length, most, start, kept):
    assert frames.thinned(list(range(length)), most, start) == kept


def test_a_grid_stays_within_its_limit_and_the_longest_control_gives_way():
    kept = frames.grid([100, 5, 2], [50, 1, 0], 40)
    assert [len(places) for places in kept][1:] == [5, 2] and len(kept[0]) == 4 and 50 in kept[0]


def test_every_control_of_a_crowded_grid_still_moves():
    assert [len(places) for places in frames.grid([11, 21, 11, 121, 51], [1, 6, 1, 120, 1], 20)] == [2] * 5


def test_play_leaves_every_combination_in_the_order_of_the_player(tmp_path, monkeypatch):
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    play(lambda **values: Drawn(**values), start={"b": "y"}, a=(1, 3), b=["x", "y"])
    about = json.loads((tmp_path / "00/player.json").read_text())
    shown = [json.loads((tmp_path / "00" / name).read_text()) for name in about["frames"]]
    assert shown == [{"a": a, "b": b} for a in (1, 2, 3) for b in ("x", "y")]
    assert [control["labels"] for control in about["controls"]] == [["1", "2", "3"], ["x", "y"]]
    assert [control["start"] for control in about["controls"]] == [0, 1]


def test_equal_frames_are_kept_once(tmp_path, monkeypatch):
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    play(lambda a: Drawn(half=a // 2), a=(0, 5))
    assert len(list((tmp_path / "00").glob("*.png"))) == 3


def test_a_box_that_cannot_be_drawn_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    play(lambda text: Drawn(text=text), text=w.Text("free"))
    assert "kernel" in make_players.player(tmp_path / "00", "there", "A page")


def test_without_the_variable_nothing_is_drawn_beforehand(tmp_path, monkeypatch):
    monkeypatch.delenv(frames.FOLDER, raising=False)
    drawn = []
    play(lambda a: drawn.append(a) or Drawn(a=a), a=(0, 5))
    assert drawn == [0]
