"""Try an installed wheel outside the repository: fit, inpaint, evaluate, the commands, and a few lessons.

    python -m venv /tmp/wheel && /tmp/wheel/bin/pip install dist/*.whl nbclient ipykernel
    /tmp/wheel/bin/python tools/try_wheel.py [01 22 …]
"""
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

NBS = Path(__file__).resolve().parents[1] / "nbs"
LESSONS = "00", "01", "02", "04", "08", "14", "15", "22", "w03", "w11"  # pages that need no extra
PACKAGES = "torch", "torchvision", "numpy", "pillow", "scikit-image", "scipy", "fastcore", "safetensors", "ipywidgets"


def train_fill_and_score():
    from PIL import Image

    from pconv_edu import evaluate, fit, inpaint
    from pconv_edu.files import sample_files
    from pconv_edu.phases import Phase
    phases = Phase("one", 2, 1e-3), Phase("two", 1, 1e-3, freeze_encoder_bn=True)
    run = fit(sample_files("pictures"), out="run", size=64, batch=2, vgg="shipped", phases=phases, progress=False)
    assert len(run.history) == 3
    photo = Image.open(sample_files("pictures/hills.jpg"))
    mask = Image.open(sample_files("masks_white/1_border.png")).resize(photo.size, Image.Resampling.NEAREST)
    photo.save("photo.png"), mask.save("mask.png")
    assert inpaint(photo, mask).size == photo.size  # with the weights that ship
    print(evaluate(run.net, sample_files("pictures"), per_bin=1, size=64))


def run_lesson(path: Path):
    import nbclient
    import nbformat
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()


def main(lessons):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        import pconv_edu
        home = Path(pconv_edu.__file__)
        if NBS.parent in home.parents and ".venv" not in home.parts: sys.exit(f"this is the repository's: {home}")
        print(f"python {sys.version.split()[0]}, {', '.join(f'{name} {version(name)}' for name in PACKAGES)}")
        train_fill_and_score()
        fill, draw = "pconv_inpaint photo.png --mask mask.png -o filled.png", "pconv_masks masks --per-bin 1 --size 64"
        for line in (fill, draw):
            command, *rest = line.split()
            subprocess.run([Path(sysconfig.get_path("scripts"), command), *rest], check=True)
        for path in sorted(NBS.glob("*.ipynb")):
            if path.name.split("_")[0] not in lessons: continue
            run_lesson(Path(shutil.copy(path, folder)))
            print(f"ran {path.name}", flush=True)
        os.chdir(NBS)  # Windows does not remove a folder that a process is in


if __name__ == "__main__": main(sys.argv[1:] or LESSONS)
