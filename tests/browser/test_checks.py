"""The checks of the browser tests fail when they should: each fault is planted in a notebook of its own."""
from lab import Notebook, notebook
from test_lessons import moves

DEAF = """
from pconv_edu.pictures import Drawing
from pconv_edu.widgets import play
play(lambda size: Drawing(figsize=(1, 1)), size=(1, 4))
"""
BROKEN_PICTURE = "from IPython.display import HTML\nHTML('<img src=\"/nothing-is-here.png\">')"


def test_planted_faults_are_found(chromium, jupyter, nbs):
    (nbs / "faults.ipynb").write_text(notebook([DEAF, BROKEN_PICTURE, "raise ValueError('planted')", "'never reached'"]))
    book = Notebook(chromium, jupyter, "faults.ipynb")
    book.start()
    book.wait()
    assert book.errors() == ["ValueError: planted", "not run: 'never reached'"]
    assert any("404" in text and "nothing-is-here" in text for text in book.complaints)
    [cell] = book.widget_cells()
    output = book.show_cell(cell)
    output.locator("img").first.wait_for()
    assert not moves(book.page, output, seconds=4)  # a control that changes nothing
    book.close()


def test_the_repository_is_not_written_to(nbs):
    "Outputs belong into the copy."
    from conftest import ROOT
    assert ROOT not in nbs.parents and (nbs / "00_start_here.ipynb").exists()
