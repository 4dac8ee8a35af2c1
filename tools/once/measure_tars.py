"""Measure `TarImages` against a folder on many small generated JPEGs (half a GB for 100,000), and work out 8 million.

    .venv/bin/python tools/once/measure_tars.py [--count 100000] [--place /a/folder/with/room]

What it writes is deleted at the end.
"""
import argparse
import io
import random
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from pconv_edu.pictures import list_images
from pconv_edu.tars import TarImages


def pictures(count: int) -> list[bytes]:
    "Different small JPEGs."
    rng, made = np.random.default_rng(0), []
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(file, "JPEG")
        made.append(file.getvalue())
    return made


def write(place: Path, count: int, shards: int = 10):
    "The same files in `place/tars` and, a thousand to a folder, in `place/folder`."
    data = pictures(200)
    (place / "tars").mkdir()
    for shard in range(shards):
        with tarfile.open(place / "tars" / f"shard-{shard:04}.tar", "w") as tar:
            for k in range(count * shard // shards, count * (shard + 1) // shards):
                name, picture = f"{k // 1000:05}/{k:08}.jpg", data[k % 200]
                info = tarfile.TarInfo(name)
                info.size = len(picture)
                tar.addfile(info, io.BytesIO(picture))
                (place / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
                (place / "folder" / name).write_bytes(picture)


def timed(make):
    start = time.perf_counter()
    made = make()
    return made, time.perf_counter() - start


def measure(place: Path, count: int) -> dict[str, float]:
    "Seconds (of one picture, where it says so) and bytes."
    write(place, count)
    _, build = timed(lambda: TarImages(place / "tars"))
    tars, reopen = timed(lambda: TarImages(place / "tars"))
    files, listing = timed(lambda: list_images(place / "folder"))
    order = random.Random(0).sample(range(count), min(5000, count))
    assert all(tars.read(i) == files[i].read_bytes() for i in order[:500]), "tar and folder disagree"
    _, seek = timed(lambda: [tars.read(i) for i in order])
    _, read = timed(lambda: [files[i].read_bytes() for i in order])
    return {
        "build the index": build,
        "open it again": reopen,
        "list the folder": listing,
        "read one from the tars": seek / len(order),
        "read one from the folder": read / len(order),
        "bytes of index a picture": tars.index.stat().st_size / count,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--place", help="where to write (default: the system's place for temporary files)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.place) as place: found = measure(Path(place), asked.count)
    for what, value in found.items(): print(f"{what:28} {value:.6g}{'' if 'bytes' in what else ' s'}")
    times = 8_000_000 / asked.count
    print(
        f"8 million, worked out: index {found['build the index'] * times / 60:.0f} minutes, once, "
        f"{8 * found['bytes of index a picture']:.0f} MB; "
        f"listing a folder {found['list the folder'] * times / 60:.0f} minutes, each time"
    )


if __name__ == "__main__": main()
