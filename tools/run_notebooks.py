"""Run notebooks from top to bottom and keep their outputs, as they are committed: `make notebooks`.

Widget views are left out of the saved outputs (they show nothing without a kernel; each has a static figure above it).
"""
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbdev.clean import clean_nb
from execnb.nbio import dict2nb, write_nb

ROOT = Path(__file__).resolve().parents[1]
WIDGET = "application/vnd.jupyter.widget-view+json"


def keep(output) -> bool:
    "Is this output worth committing?"
    return WIDGET not in output.get("data", {}) and not (output.output_type == "stream" and output.name == "stderr")


def run(notebook: Path) -> float:
    "Run `notebook` in place, clean it and save it; returns its seconds."
    start = time.time()
    nb = nbformat.read(notebook, as_version=4)
    NotebookClient(
        nb, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(notebook.parent)}}
    ).execute()
    for cell in nb.cells:
        if cell.cell_type == "code": cell.outputs = [output for output in cell.outputs if keep(output)]
    nb.metadata = {"kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}}
    saved = dict2nb(nbformat.versions[4].nbjson.JSONReader().reads(nbformat.writes(nb)))
    clean_nb(saved, allowed_cell_metadata_keys=["tags", "jupyter"])
    write_nb(saved, notebook)
    return time.time() - start


if __name__ == "__main__":
    for path in [Path(p) for p in sys.argv[1:]] or sorted((ROOT / "nbs").glob("*.ipynb")):
        seconds = run(path.resolve())
        print(f"{path.name}: {seconds:.0f} s, {path.stat().st_size / 1024:.0f} KB", flush=True)
