"""The benchmark of filling: the same photo and mask for all, in turns, and memory in a process of its own."""
import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("cv2")
from pconv_edu.course import bench_inpaint
from pconv_edu.course.bench_inpaint import as_table, compare, draw_rows, example, opencv, peak
from pconv_edu.unet import PConvUNet


@pytest.mark.parametrize("method", ["telea", "ns"])
def test_opencv_gets_white_as_hole_and_keeps_the_rest(method):
    """Polarity mixed up: the classical methods would be timed on the other three quarters of the photo."""
    photo, mask = example(64)
    assert abs((mask == 255).mean() - .25) < .01 and set(np.unique(mask)) == {0, 255}
    filled = opencv(method)(photo, mask)
    assert np.array_equal(filled[mask == 0], photo[mask == 0]) and not np.array_equal(filled, photo)


def test_rows_table_and_picture():
    row = compare(PConvUNet(widths=(4, 8)), size=32, repeats=2)
    assert set(row["ms"]) == {"network", "telea", "ns"} and min(row["ms"].values()) > 0
    low, high = sorted(row["network/telea"])[::2]
    assert low <= row["network/telea"][0] <= high
    json.dumps(row)
    lines = as_table([row, row]).splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1 and "| 32² | 25% |" in lines[2]
    assert len(draw_rows([row, row]).axes[0].patches) == 6


def test_without_opencv_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"pconv_edu\[classical\]"): opencv("telea")


def test_more_pixels_take_more_memory():
    assert 20e6 < peak(megapixels=2) - peak(megapixels=.05) < 1.5e9


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench_inpaint, "peak", lambda net, megapixels: int(megapixels * 2**30))
    rows = bench_inpaint.main(
        ["--sizes", "32", "--repeats", "2", "--megapixels", "3", "--out", str(tmp_path), "--device", "cpu"]
    )
    assert len(rows) == 1 and {p.name for p in tmp_path.iterdir()} == {"inpaint.json", "inpaint.md", "inpaint.png"}
    assert (
        json.loads((tmp_path / "inpaint.json").read_text())["GiB"] == {"3.0": 3.0}
        and "3.0 megapixels: 3.0 GiB" in capsys.readouterr().out
    )


def test_help():
    done = subprocess.run(
        [sys.executable, "-m", "pconv_edu.course.bench_inpaint", "--help"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and "--megapixels" in done.stdout and "--peak" not in done.stdout
