"""Draw the frames of every page's `play` boxes: the site's players. `make docs` calls this.

A page is run only when its code or the package has changed since its frames were drawn; they are kept in build/players.
"""
import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from html import escape
from pathlib import Path

from execnb.shell import CaptureShell
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from course import ROOT, Lesson, in_order

PLAYERS = ROOT / "build/players"
# What every page imports. One process does so once, and each page starts as a copy of it.
PRELOAD = ["pconv_edu.train", "pconv_edu.course.widgets", "matplotlib.pyplot", "execnb.shell"]


def has_players(lesson: Lesson) -> bool: return any(is_player(cell) for cell in lesson.cells)


def is_player(cell: dict) -> bool:
    "Does the cell show a `play` box?"
    return cell["cell_type"] == "code" and any(
        line.startswith("play(") for line in "".join(cell["source"]).splitlines()
    )


def state_of(lesson: Lesson) -> str:
    "A checksum of everything that the frames of a page depend on: its code, the package, the samples."
    digest = hashlib.sha256()
    for cell in lesson.cells:
        if cell["cell_type"] == "code": digest.update("".join(cell["source"]).encode())
    for path in sorted((ROOT / "pconv_edu").rglob("*.py")):
        if "exercises" not in path.parts: digest.update(path.read_bytes())
    for path in sorted((ROOT / "data_samples").rglob("*")):
        if path.is_file(): digest.update(f"{path.name} {path.stat().st_size}".encode())
    return digest.hexdigest()[:16]


def draw_frames(lesson: Lesson) -> float | None:
    "Run the page up to its last `play`, its frames into build/players; returns the seconds, None if they were there."
    place, start = PLAYERS / lesson.stem, time.time()
    state = state_of(lesson)
    if (place / "state").exists() and (place / "state").read_text() == state: return None
    shutil.rmtree(place, ignore_errors=True)
    (place / "boxes").mkdir(parents=True)
    last = max(i for i, cell in enumerate(lesson.cells) if is_player(cell))
    os.chdir(lesson.path.parent)
    os.environ["PCONV_EDU_FRAMES"] = str(place / "boxes")
    shell = CaptureShell(lesson.path)
    for cell in lesson.cells[:last + 1]:
        if cell["cell_type"] != "code": continue
        error = shell.run_cell("".join(cell["source"])).exception
        if error: raise RuntimeError(f"{lesson.path.name}, cell {cell['id']}: {error!r}") from error
    (place / "state").write_text(state)
    return time.time() - start


def draw_all(pages: list[Lesson]):
    "The frames of every page that has players, on all cores, a process for each page; says what took how long."
    os.environ["OMP_NUM_THREADS"] = "1"
    start = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    if os.name == "posix": start.set_forkserver_preload(PRELOAD)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=start, max_tasks_per_child=1) as pool:
        for lesson, seconds in zip(pages, pool.map(draw_frames, pages)):
            if seconds is not None: print(f"players: {lesson.stem} {seconds:.0f} s", flush=True)


def player(box: Path, address: str, title: str) -> str:
    "The HTML of one box: controls, and the picture of the settings that it starts with."
    about = json.loads((box / "player.json").read_text(encoding="utf-8"))
    if "error" in about:
        return (
            '<p class="player-note">This box needs a running kernel: open the page in JupyterLab to play with it.</p>'
        )
    start = 0
    for control in about["controls"]: start = start * len(control["labels"]) + control["start"]
    first = about["frames"][start]
    width, height = Image.open(box / first).size
    data = json.dumps({"at": address, **about}).replace("<", "\\u003c")
    thin = any(len(control["labels"]) < control["of"] for control in about["controls"])
    note = "Only some settings are drawn here; in JupyterLab all of them are." if thin else ""
    return (
        f'<div class="player" role="group" aria-label="{escape(title)}: controls and picture">'
        f'<script type="application/json">{data}</script><div class="player-controls"></div>'
        f'<img src="{address}/{first}" width="{width}" height="{height}" alt="{escape(title)}">'
        f'<p class="player-note">{note}</p></div>'
    )


def players(lesson: Lesson, static: Path) -> list[str]:
    "The HTML of each box of a page, in order; their frames are copied into `static`/players."
    boxes = sorted((PLAYERS / lesson.stem / "boxes").glob("*"))
    found = []
    for box in boxes:
        shutil.copytree(box, static / "players" / lesson.stem / box.name, ignore=shutil.ignore_patterns("*.json"))
        found.append(player(box, f"../_static/players/{lesson.stem}/{box.name}", f"{lesson.title}, box {box.name}"))
    return found


if __name__ == "__main__":
    wanted = [
        lesson for lesson in in_order() if has_players(lesson) and (not sys.argv[1:] or lesson.stem in sys.argv[1:])
    ]
    start = time.time()
    draw_all(wanted)
    size = sum(path.stat().st_size for path in PLAYERS.rglob("*") if path.is_file()) / 2**20
    print(f"players: {len(wanted)} pages, {size:.1f} MB, in {time.time() - start:.0f} s")
