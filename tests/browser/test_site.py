"""`make docs-browser` finds what is wrong with a page of the site: each fault is planted in a small page of its own."""
import functools
import http.server
import json
import shutil
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
pytest.importorskip("playwright")
import make_players
from try_site import Quiet, look


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "A folder with the site's player and its frames, and the address of a server for it."
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "site/_static/player.js", folder)
    for i in range(4): Image.new("RGB", (60, 40), (60 * i, 0, 90)).save(folder / f"{i}.png")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def page_with(folder: Path, frames: list[int], more: str = "", style: str = "") -> str:
    controls = [{"name": name, "kind": "slider", "labels": ["1", "2"], "of": 2, "start": 0} for name in ("size", "depth")]
    about = {"controls": controls, "frames": [f"{i}.png" for i in frames]}
    (folder / "player.json").write_text(json.dumps(about))
    box = make_players.player(folder, ".", "A box")
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <link rel="icon" href="data:,"><script src="player.js"></script>
        <style>body {{ color: #222; background: #fff }} {style}</style><title>A page</title><body>{box}{more}</body>"""


FAULTS = {  # what is planted → the page's frames, HTML, style; a part of what is said
    "a slider without effect": ([0, 0, 1, 1], "", "", "moving “depth1” changes nothing"),
    "a missing frame": ([0, 1, 2, 9], "", "", "no picture at "),
    "a missing picture": ([0, 1, 2, 3], "<img src='none.png' alt='none'>", "", "404 for "),
    "a wide table": ([0, 1, 2, 3], "<p style='width: 900px'>wide</p>", "", "px wider than the screen"),
    "a faint word": ([0, 1, 2, 3], "<p style='color: #999'>faint</p>", "", "“faint” has a contrast of 2.85"),
    "faint in the dark alone": ([0, 1, 2, 3], "<p class='x'>dim</p>",
                                "@media (prefers-color-scheme: dark) { .x { color: #999 } }", "“dim” has a contrast"),
    "a script's error": ([0, 1, 2, 3], "<script>console.error('planted')</script>", "", "planted"),
    "another server": ([0, 1, 2, 3], "<img src='http://other.invalid/a.png' alt='x'>", "",
                       "asked for http://other.invalid/a.png"),
}


def looked_at(tab, site, *page) -> list[str]:
    folder, address = site
    file = folder / f"{len(list(folder.glob('*.html')))}.html"  # another name each time: a browser keeps what it has
    file.write_text(page_with(folder, *page), encoding="utf-8")
    opened = tab(address + file.name, size=(390, 844), scheme="dark")
    try: return look(opened)
    finally: opened.close()


def test_a_sound_page_has_nothing_wrong(tab, site): assert looked_at(tab, site, [0, 1, 2, 3]) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(tab, site, fault):
    *page, wanted = FAULTS[fault]
    found = looked_at(tab, site, *page)
    assert any(wanted in line for line in found), found
