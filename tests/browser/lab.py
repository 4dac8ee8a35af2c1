"""One notebook in JupyterLab: open it, run it, look at what came out."""
import json
import re
import secrets
import time
from pathlib import Path

TOKEN = secrets.token_hex(16)  # of the server that these tests start: nobody else on the machine may use it

# What the browser says that is none of the lessons' doing. Each was looked at; all else fails a test.
HARMLESS = (
    # JupyterLab asks for the list of kernels while the server starts one: its `last_activity` is still None, a
    # TraitError there
    r"\b500\b.*/api/kernels\?\d+$",
)


def notebook(cells) -> str:
    "A notebook of code cells, as the text of its file."
    made = [
        {"cell_type": "code", "id": f"cell{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
        for i, cell in enumerate(cells)
    ]
    return json.dumps(
        {
            "cells": made,
            "metadata": {"kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


class Notebook:
    """A page with one notebook of the server at `address`; `.complaints` gathers the console's errors.

    `page`: one that another notebook has left.
    """

    def __init__(self, chromium, address: str, name: str, page=None):
        self.name, self.complaints, self.started = name, [], time.time()
        self.page = page or chromium.new_page(viewport={"width": 1280, "height": 1000})
        self.page.set_default_timeout(120_000)  # a busy machine takes its time
        self._listeners = {
            "console": lambda message: (
                self._complain(f"{message.text} {message.location['url']}") if message.type == "error" else None
            ),
            "pageerror": lambda error: self._complain(f"uncaught: {error}"),
            "response": lambda answer: (
                self._complain(f"{answer.status} {answer.url}") if answer.status >= 400 else None
            ),
        }
        for event, listener in self._listeners.items(): self.page.on(event, listener)
        if page:
            page.evaluate(
                "async (path) => { window.allRan = undefined; await "
                "window.jupyterapp.commands.execute('docmanager:open', { path }); }",
                f"nbs/{name}",
            )
        else: self.page.goto(f"{address}/lab/workspaces/{Path(name).stem}/tree/nbs/{name}?reset&token={TOKEN}")

    def _complain(self, text: str):
        if not any(re.search(known, text) for known in HARMLESS): self.complaints.append(text[:500])

    def start(self):
        "Wait until the kernel is there, then run all cells, in the background."
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        self.page.evaluate("""async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            await panel.context.ready;
            await panel.sessionContext.ready;
            await panel.sessionContext.session.kernel.info;
            window.jupyterapp.commands.execute("notebook:run-all-cells").then((done) => { window.allRan = done; }, (error) => { window.allRan = String(error); });
        }""")

    def wait(self, seconds: int = 300):
        "Until all cells have run."
        self.page.wait_for_function("window.allRan !== undefined", timeout=seconds * 1000, polling=500)
        self.seconds = time.time() - self.started

    def errors(self) -> list[str]:
        "Errors among the outputs of the cells, and cells that were not run."
        return self.page.evaluate("""() => {
            const cells = window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.filter((cell) => cell.cell_type === "code");
            const errors = cells.flatMap((cell) => cell.outputs.filter((output) => output.output_type === "error")).map((e) => `${e.ename}: ${e.evalue}`);
            return [...errors, ...cells.filter((cell) => cell.source.trim() && !cell.execution_count).map((cell) => `not run: ${String(cell.source).slice(0, 80)}`)];
        }""")

    def widget_cells(self) -> list[int]:
        "Numbers of the cells that show a widget."
        return self.page.evaluate("""() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap((cell, i) =>
            (cell.outputs ?? []).some((output) => (output.data ?? {})["application/vnd.jupyter.widget-view+json"]) ? [i] : [])""")

    def show_cell(self, number: int):
        "Scroll to a cell (JupyterLab draws only those in sight); returns the place of its output."
        self.page.evaluate(
            "async (i) => { await window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start'); }", number
        )
        output = self.page.locator(f".jp-Cell[data-windowed-list-index='{number}'] .jp-OutputArea")
        output.first.wait_for(timeout=30_000)
        return output.first

    def look_through(self, seconds: int = 20):
        """Scroll through the whole page, so that every output is drawn once; pictures that did not load join the
        complaints.
        """
        for source in self.page.evaluate("""async (ends) => {
            const pane = document.querySelector(".jp-WindowedPanel-outer"), broken = new Set();
            const pause = () => new Promise((done) => setTimeout(done, 60));
            for (let y = 0; y < pane.scrollHeight; y += 900) {
                pane.scrollTop = y;
                await pause();
                const pictures = () => [...pane.querySelectorAll("img")].filter((picture) => picture.getAttribute("src"));
                while (pictures().some((picture) => !picture.complete) && Date.now() < ends) await pause();
                for (const picture of pictures()) if (!picture.complete || !picture.naturalWidth) broken.add(picture.src);
            }
            return [...broken];
        }""", (time.time() + seconds) * 1000): self._complain(f"no picture at {source}")

    def leave(self):
        "Stop the kernel and close the notebook; returns the page, with JupyterLab in it, for the next one."
        self.page.evaluate("""async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            await panel.sessionContext.shutdown();
            panel.dispose();
        }""")
        for event, listener in self._listeners.items(): self.page.remove_listener(event, listener)
        return self.page

    def close(self):
        "Stop the kernel and close the page."
        try:
            self.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")
        finally: self.page.close()
