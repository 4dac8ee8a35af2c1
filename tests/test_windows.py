"""`fit`, `inpaint`, `evaluate` and the commands on a system that behaves as Windows does, as far as one can imitate it.

A new process takes away what Windows lacks, and refuses what Windows refuses. What it cannot show: paths with
drives and backslashes, real locks, DLLs. Only a run on Windows itself shows those (`.github/workflows/test.yml`).
"""
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="open files are found in Linux' /proc")

WINDOWS = r"""
import ctypes, errno, os, signal, sys, types, warnings
import filelock, psutil, torch, matplotlib.pyplot, skimage.metrics, PIL.Image, scipy.stats  # have looked by then
from pconv_edu.torchvision_guard import ensure_torchvision
ensure_torchvision()
for name in ("fcntl", "resource", "pwd", "grp", "termios"): sys.modules[name] = None  # importing them fails

for name in ("register_at_fork", "fork", "getuid", "geteuid", "sched_getaffinity", "O_DIRECTORY"):
    if hasattr(os, name): delattr(os, name)
for name in ("SIGUSR1", "SIGUSR2", "SIGKILL", "SIGHUP", "SIGALRM", "SIGQUIT"): delattr(signal, name)

true_open, true_fsync, true_cdll = os.open, os.fsync, ctypes.CDLL

def refuse(path, why=errno.EACCES): raise PermissionError(why, "refused, as on Windows", os.fspath(path))

def in_use(path):
    "Has this process opened or mapped the file, or one inside the folder?"
    path = os.path.realpath(path)
    files = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
    with open("/proc/self/maps", encoding="utf-8") as maps:
        files += [line.split(None, 5)[5].strip() for line in maps if line.count("/")]
    return any(file == path or file.startswith(path + "/") for file in files)

def open_(path, *args, **more):
    if os.path.isdir(path): refuse(path)
    return true_open(path, *args, **more)

def fsync(handle):
    with open(f"/proc/self/fdinfo/{handle}", encoding="utf-8") as info:
        flags = int(info.read().split("flags:")[1].split()[0], 8)
    if not flags & (os.O_WRONLY | os.O_RDWR): raise OSError(errno.EBADF, "fsync of a handle for reading")
    true_fsync(handle)

def guarded(true, *, replaces):
    def changed(path, *args, **more):
        paths = [path, *args[:1]] if replaces is not None else [path]
        for one in paths:
            if not isinstance(one, int) and os.path.exists(one) and "dir_fd" not in more and in_use(one): refuse(one)
        if replaces is False and os.path.exists(args[0]): raise FileExistsError(errno.EEXIST, "there already", args[0])
        if replaces and os.path.isdir(args[0]): refuse(args[0])
        return true(path, *args, **more)
    return changed

os.open, os.fsync = open_, fsync
os.rename, os.replace = guarded(os.rename, replaces=False), guarded(os.replace, replaces=True)
os.unlink = os.remove = guarded(os.unlink, replaces=None)

def cdll(name, *args, **more):
    if name is None: raise TypeError("LoadLibrary() argument 1 must be str, not None")
    return true_cdll(name, *args, **more)
ctypes.CDLL = cdll
warnings.filterwarnings("error", category=EncodingWarning, module="pconv_edu")  # Windows' encoding is not UTF-8

import pconv_edu.files, pconv_edu.guards
pconv_edu.files.WINDOWS, pconv_edu.guards.sys = True, types.SimpleNamespace(platform="win32")
"""


def as_on_windows(code: str, folder: Path) -> str:
    "What `code` prints there."
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", WINDOWS + code], cwd=folder, capture_output=True,
        text=True, encoding="utf-8", timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_fit_inpaint_evaluate_and_the_commands(tmp_path):
    code = """
def refused(do, *args):
    try: do(*args)
    except (OSError, ImportError, TypeError, AttributeError): return True
open("a", "w", encoding="utf-8").close(); open("b", "w", encoding="utf-8").close(); os.mkdir("d")
held = open("a", encoding="utf-8")
inside = open("d/inside", "w", encoding="utf-8")
assert all([refused(*trial) for trial in (
    (__import__, "fcntl"), (__import__, "resource"), (os.open, ".", os.O_RDONLY), (os.fsync, held.fileno()),
    (os.replace, "b", "a"), (os.remove, "a"), (os.rename, "b", "a"), (os.rename, "d", "e"), (ctypes.CDLL, None),
    (getattr, signal, "SIGUSR1"))]), "the imitation lets something through"
held.close(), inside.close()
os.replace("b", "a"), os.rename("d", "e"), os.remove("e/inside")

from pathlib import Path
import torch
from pconv_edu import evaluate, fit, inpaint, load_pretrained, irregular_mask
from pconv_edu.phases import Phase
from pconv_edu.pictures import save_image
from pconv_edu.unet import PConvUNet

os.mkdir("photos"), os.mkdir("masks")
for i in range(3):
    save_image(torch.rand(3, 40, 48), f"photos/{i}.png")
    save_image(1 - irregular_mask((40, 48), .2, seed=i).expand(3, -1, -1), f"masks/{i}.png")
how = dict(out="runs/é", net=PConvUNet(widths=(4, 8)), size=32, batch=2, vgg="random", save_every=2, keep=1,
           valid="photos", valid_pairs=2, progress=False)
phases = Phase("one", 3, 1e-3), Phase("two", 3, 1e-3, freeze_encoder_bn=True)
fit("photos", phases=phases[:1], **how)
run = fit("photos", phases=phases, resume="changed", **how)  # resumes after step 3
assert [row["step"] for row in run.history] == [*range(6)], run.history
net = load_pretrained("runs/é")
assert all(torch.equal(a, b) for a, b in zip(net.parameters(), run.net.parameters()))
inpaint("photos/0.png", "masks/0.png", net).save("filled.png")
inpaint("photos/0.png", "masks/0.png", net).save("filled.png")  # over the one that is there
table = evaluate(net, "photos", "masks", size=32)
assert len(str(table)) > 50

from pconv_edu.commands import evaluate as e, inpaint as i, masks as m, train as t
assert i.main(["photos", "--mask", "masks", "-o", "out", "--net", "runs/é"]) == 0
assert e.main(["photos", "--masks", "masks", "--net", "runs/é", "mean", "--size", "32", "-o", "table"]) == 0
assert m.main(["made", "--per-bin", "1", "--size", "32"]) == 0
assert t.main(["photos", "--out", "runs/two", "--size", "32", "--batch", "2", "--vgg", "random",
               "--phases", "one:1:1e-3", "--no-progress"]) == 0
names = [path.name for path in Path().rglob("*")]
assert len(names) > 30 and not [name for name in names if set(name) & set('<>:"|?*') or name[-1] in ". "], names
"""
    assert as_on_windows(code + 'print("all of it ran")', tmp_path).endswith("all of it ran\n")
