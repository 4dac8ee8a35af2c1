"""The checks of the browser tests fail when they should: each fault is planted in a notebook of its own."""
import urllib.error
import urllib.request

import pytest
from lab import TOKEN, Notebook, notebook
from test_lessons import moves

DEAF = """
from pconv_edu.figures import Drawing
from pconv_edu.course.widgets import play
play(lambda size: Drawing(figsize=(1, 1)), size=(1, 4))
"""
BROKEN_PICTURE = "from IPython.display import HTML\nHTML('<img src=\"/nothing-is-here.png\">')"


def _comes(page, true, seconds: int = 20) -> bool:
    "What the browser reports comes some time after what it reports on."
    for _ in range(seconds * 4):
        if true(): return True
        page.wait_for_timeout(250)
    return False


def test_planted_faults_are_found(chromium, jupyter, nbs):
    (nbs / "faults.ipynb").write_text(
        notebook([DEAF, BROKEN_PICTURE, "raise ValueError('planted')", "'never reached'"])
    )
    book = Notebook(chromium, jupyter, "faults.ipynb")
    book.start()
    book.wait()
    assert book.errors() == ["ValueError: planted", "not run: 'never reached'"]
    book.look_through()
    assert any(text.startswith("no picture at") and text.endswith("/nothing-is-here.png") for text in book.complaints)
    assert _comes(book.page, lambda: any("404" in text and "nothing-is-here" in text for text in book.complaints))
    [cell] = book.widget_cells()
    output = book.show_cell(cell)
    output.locator("img").first.wait_for()
    assert not moves(book.page, output, seconds=4)  # a control that changes nothing
    book.close()


def test_only_the_poll_of_the_servers_list_of_kernels_is_overlooked():
    book = Notebook.__new__(Notebook)
    book.complaints = []
    for text in (
        "500 http://127.0.0.1:1/api/kernels?17",
        "Failed to load resource: the server responded with a status of 500 () http://127.0.0.1:1/api/kernels?17",
        "404 http://127.0.0.1:1/api/kernels?17", "500 http://127.0.0.1:1/api/kernels/5b",
        "500 http://127.0.0.1:1/api/contents/a.ipynb?17",
    ): book._complain(text)
    assert [text[:3] + text[-4:] for text in book.complaints] == ["404s?17", "500s/5b", "500b?17"]


def test_nobody_without_the_token_reads_or_runs_anything(jupyter):
    "Other users of the machine can reach the port."
    for place in ("contents", "kernels"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{jupyter}/api/{place}", timeout=60)
        assert urllib.request.urlopen(f"{jupyter}/api/{place}?token={TOKEN}", timeout=60).status == 200


def test_the_repository_is_not_written_to(nbs):
    "Outputs belong into the copy."
    from conftest import ROOT
    assert ROOT not in nbs.parents and (nbs / "00_start_here.ipynb").exists()
