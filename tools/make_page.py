"""`make page`: a folder with a page that fills holes in the browser, with the weights that ship; it needs no server and
fetches nothing.

ONNX Runtime Web comes from the npm registry once, at a fixed version whose hash is checked.
"""
import argparse
import base64
import gzip
import json
import shutil
import sys
import tempfile
from pathlib import Path

from fetch_npm import fetch

from pconv_edu.commands import path
from pconv_edu.export import export_onnx, model_card, read_facts
from pconv_edu.inpainting import reach_of
from pconv_edu.pictures import list_images
from pconv_edu.weights import load_pretrained

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "data_samples/weights/pconv_small.safetensors"
RUNTIME = "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# What the page opens with: a stroke, in shares of the photo, that the weights fill well. tools/once/choose_sample.py
FIRST = {"sample": "hills", "points": [[.47, .68], [.48, .78], [.57, .83]], "width": .06}
CODE, WASM = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
LICENCES = f"""onnxruntime-web {RUNTIME} (parts/runtime.js, parts/wasm.js)
Copyright (c) Microsoft Corporation. MIT License:

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

All else: pconv_edu, Apache License 2.0. The licence of the weights stands on their card.
"""


def contents(weights: Path) -> dict:
    """What the page shows and needs to know: sample pictures as data URLs, the network's reach, the facts of the
    weights (null where nobody wrote them down).
    """
    samples = {
        path.stem: "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
        for path in list_images(ROOT / "data_samples/pictures")
    }
    known = weights.with_suffix(".json").exists()
    return dict(
        weights=weights.name, reach=reach_of(load_pretrained(weights)),
        facts=read_facts(weights) if known else None, card="card.md" if known else None, samples=samples, first=FIRST,
    )


def pack(folder: Path, name: str, data: bytes) -> tuple[str, int, int]:
    "Write a part as a script, `part(name, gzip in base64)`; returns its name, the bytes of `data` and of the script."
    path = folder / "parts" / f"{name}.js"
    path.write_text(
        f'part("{name}", "{base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()}");\n', encoding="utf-8"
    )
    return f"parts/{name}.js", len(data), path.stat().st_size


def onnx_bytes(weights: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return export_onnx(load_pretrained(weights), Path(folder) / "net.onnx", half=True).read_bytes()


def size_table(rows: list[tuple[str, int, int]]) -> str:
    "Each file, its bytes as they are, and as they lie in the page."
    rows = [*rows, ("all", sum(row[1] for row in rows), sum(row[2] for row in rows))]
    return (
        "\n".join(
            [
                f"{'file':20} {'bytes':>12} {'in the page':>12}",
                *(f"{name:20} {whole:12,} {packed:12,}" for name, whole, packed in rows),
            ]
        )
        + "\n"
    )


def build(weights: Path, out: Path) -> str:  # the table of sizes
    """Write the page into `out`.

    Raises `ConnectionError` where the runtime cannot be fetched, `ValueError` for weights that cannot be read.
    """
    runtime = fetch("onnxruntime-web", RUNTIME, INTEGRITY, [CODE, WASM])
    parts = {
        "worker": (ROOT / "page/fill.js").read_bytes(),
        "runtime": (runtime / CODE).read_bytes(),
        "wasm": (runtime / WASM).read_bytes(),
        "model": onnx_bytes(weights),
        "contents": json.dumps(contents(weights)).encode(),
    }
    (out / "parts").mkdir(parents=True, exist_ok=True)
    rows = []
    for name in ("index.html", "page.css", "page.js"):
        shutil.copyfile(ROOT / "page" / name, out / name)
        rows.append((name, size := (out / name).stat().st_size, size))
    rows += [pack(out, name, data) for name, data in parts.items()]
    if weights.with_suffix(".json").exists():
        (out / "card.md").write_text(model_card(read_facts(weights)), encoding="utf-8")
    (out / "licences.txt").write_text(LICENCES, encoding="utf-8")
    (out / "sizes.txt").write_text(table := size_table(rows), encoding="utf-8")
    return table


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--weights", type=path, default=WEIGHTS,
        help="a .safetensors file of save_pretrained, or a training folder (default: the weights that ship)",
    )
    parser.add_argument("--out", type=path, default=ROOT / "_page", help="the folder to write (default: _page)")
    args = parser.parse_args(arguments)
    if not args.weights.exists():
        sys.exit(
            f"make page: there are no weights at '{args.weights}'; train some (make demo) and give them: python "
            "tools/make_page.py --weights runs/demo"
        )
    try: table = build(args.weights, args.out)
    except (ConnectionError, ValueError, ImportError) as error: sys.exit(f"make page: {error}")
    print(
        f"{table}\nThe page is {args.out / 'index.html'}: open it by a double click, or put the folder on any web "
        "server."
    )


if __name__ == "__main__": main()
