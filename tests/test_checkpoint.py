"""A checkpoint is there whole or not at all; a damaged or forged one is refused, and no code in it ever runs."""
import errno
import hashlib
import os
import pickle
import random
import re
import shutil
import signal
import stat
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
import safetensors.torch
import torch

from pconv_edu import checkpoint
from pconv_edu.checkpoint import BadCheckpoint, latest, load, load_latest, save


def tensors(step: int) -> dict:
    "Two groups whose values tell their step."
    return {
        "net": {"w": torch.full((4, 3), float(step)), "count": torch.tensor(step)},
        "optimizer": {"w/exp_avg": torch.arange(12.0) + step},
    }


def put(folder, step: int, **options) -> Path:
    return save(folder, step, tensors(step), {"step": step, "lr": .1 + .2}, **options)


def assert_is(path: Path, step: int):
    found = load(path)
    assert found.state == {"step": step, "lr": .1 + .2}
    for group, named in tensors(step).items():
        assert found.tensors[group].keys() == named.keys()
        for name, value in named.items():
            assert found.tensors[group][name].dtype == value.dtype and torch.equal(found.tensors[group][name], value)


def names(folder) -> list[str]: return sorted(p.name for p in Path(folder).iterdir())


def test_what_is_saved_comes_back(tmp_path):
    path = put(tmp_path, 500)
    assert path == tmp_path / "step_00000500" and latest(tmp_path) == path
    assert_is(path, 500)
    assert names(path) == ["manifest.json", "net.safetensors", "optimizer.safetensors", "state.json"]


def test_any_layout_and_kind_of_tensor_comes_back(tmp_path):
    group = {
        "last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "half": torch.randn(3).bfloat16(),
        "part": torch.arange(12.0).view(3, 4)[:, 1:3],
        "scalar": torch.tensor(7),
        "wanted": torch.ones(2, requires_grad=True),
    }
    found = load(save(tmp_path, 1, {"net": group, "optimizer": {}}, {})).tensors
    assert (
        all(torch.equal(found["net"][k], v) and found["net"][k].dtype == v.dtype for k, v in group.items())
        and found["optimizer"] == {}
    )


def test_weights_are_the_averaged_ones_where_there_are_any(tmp_path):
    plain, averaged = {"w": torch.zeros(2)}, {"w": torch.ones(2)}
    assert load(save(tmp_path, 1, {"net": plain}, {})).weights["w"].sum() == 0
    assert load(save(tmp_path, 2, {"net": plain, "ema": averaged}, {})).weights["w"].sum() == 2


def test_the_newest_ones_and_the_best_stay(tmp_path):
    for step, score in enumerate([5., 2., 4., None, 3., 6.]): put(tmp_path, step, keep=2, score=score)
    assert names(tmp_path) == ["step_00000001", "step_00000004", "step_00000005"]


def test_a_damaged_later_one_does_not_push_out_good_ones(tmp_path):
    "Counted among the newest, it was all that keep=1 left: the save that had just ended was deleted, too."
    for step in (1, 2, 3): put(tmp_path, step)
    (tmp_path / "step_00000003" / "net.safetensors").write_bytes(b"cut")
    with pytest.warns(UserWarning): assert latest(tmp_path).name == "step_00000002"
    assert_is(put(tmp_path, 2, keep=1), 2)
    with pytest.warns(UserWarning): assert_is(latest(tmp_path), 2)
    put(tmp_path, 4, keep=1)
    assert names(tmp_path) == ["step_00000004"]


def test_two_names_of_one_tensor(tmp_path):
    "Tied weights: safetensors refuses tensors that share memory, at the first save."
    w = torch.rand(3, 3)
    path = save(tmp_path, 1, {"net": {"a": w, "b": w}}, {})
    assert torch.equal(load(path).tensors["net"]["a"], w) and torch.equal(load(path).tensors["net"]["b"], w)


def test_the_same_step_can_be_saved_again(tmp_path):
    put(tmp_path, 3)
    save(tmp_path, 3, {"net": {"w": torch.ones(1)}}, {"again": True})
    assert load(latest(tmp_path)).state == {"again": True} and names(tmp_path) == ["step_00000003"]


def test_keeping_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="keep=0"): put(tmp_path, 1, keep=0)


def test_a_number_that_json_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    put(tmp_path, 1)
    with pytest.raises(ValueError): save(tmp_path, 2, tensors(2), {"loss": float("nan")})
    assert names(tmp_path) == ["step_00000001"]


# --- killed in the middle of a save ---------------------------------------------------------------

CALLS = ("open", "mkdir", "fsync", "replace", "unlink", "rmdir")

@contextmanager
def planted(number: int, action, calls=CALLS):
    "At the `number`-th of these system calls `action()` happens instead. Yields a list that counts them."
    seen, real = [], {name: getattr(os, name) for name in calls}
    def wrap(name):
        def call(*args, **kwargs):
            seen.append(name)
            if len(seen) == number: action()
            return real[name](*args, **kwargs)
        return call
    write = Path.write_bytes
    def half(self, data):  # the first half of a file reaches the disk
        with open(self, "wb") as file: file.write(data[:len(data) // 2])
        seen.append("write")
        if len(seen) == number: action()
        return write(self, data)
    try:
        Path.write_bytes = half
        for name in calls: setattr(os, name, wrap(name))
        yield seen
    finally:
        Path.write_bytes = write
        for name in calls: setattr(os, name, real[name])


def count_calls(folder, step: int, **options) -> int:
    with planted(0, None) as seen: put(folder, step, **options)
    return len(seen)


def killed_at(number: int, folder, step: int, **options):
    "Save in a child process that dies without a word at its `number`-th system call."
    child = os.fork()
    if not child:
        signal.alarm(120)  # a child that hangs is ended, and the test fails instead of waiting
        try:
            with planted(number, lambda: os._exit(9)): put(folder, step, **options)
        finally: os._exit(0)
    assert os.waitpid(child, 0)[1] >> 8 == 9


@pytest.mark.parametrize("again", [False, True], ids=["next step", "same step again"])
def test_a_kill_during_the_save_leaves_the_old_or_the_new_one(tmp_path, again):
    "Bug: the checkpoint is written over the last one, in place; a kill during the save loses both."
    new = 3 if again else 4
    def start(name):
        for step in (1, 2, 3): put(tmp_path / name, step)
    start("count")
    calls = count_calls(tmp_path / "count", new)
    assert calls > 15
    for number in range(1, calls + 1):
        folder = tmp_path / str(number)
        start(folder)
        killed_at(number, folder, new)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nothing that `latest` sees is damaged
            assert_is(latest(folder), 4 if (folder / "step_00000004").exists() else 3)
        put(folder, 5)
        assert names(folder) == [
            f"step_{step:08}" for step in ([2, 3, 5] if again or not (folder / "step_00000004").exists() else [3, 4, 5])
        ]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_full_or_failing_disk_leaves_what_was_there_and_says_so(tmp_path, code):
    put(tmp_path / "count", 1)
    calls = count_calls(tmp_path / "count", 2)
    def fail(): raise OSError(code, os.strerror(code))
    for number in range(1, calls + 1):
        folder = tmp_path / str(number)
        put(folder, 1)
        try:
            with planted(number, fail):
                put(folder, 2)
        except OSError as error:
            assert error.errno == code and re.search(
                r"needs [\d,]+ bytes and [\d,]+ are free.*step_00000002", str(error)
            )
        else:
            assert number == 1  # making the folder, which is there already
        assert_is(latest(folder), 2 if (folder / "step_00000002").exists() else 1)
        put(folder, 3)
        assert not [name for name in names(folder) if name.startswith(".")]


def test_a_disk_without_room_is_noticed_before_the_first_byte(tmp_path, monkeypatch):
    put(tmp_path, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(OSError, match="10 are free"): put(tmp_path, 2)
    assert names(tmp_path) == ["step_00000001"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOTSUP])
def test_where_folders_cannot_be_synced_checkpoints_are_written(tmp_path, monkeypatch, code):
    "Bug: on such a network drive no checkpoint was ever written, and the reason given was lack of room."
    real = os.fsync
    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode): raise OSError(code, os.strerror(code))
        return real(handle)
    monkeypatch.setattr(os, "fsync", fsync)
    put(tmp_path, 1), put(tmp_path, 2), put(tmp_path, 2)
    assert_is(latest(tmp_path), 2)


@pytest.mark.parametrize("usage", ["fails", "says 0 of 0"])
def test_where_the_free_room_is_not_known_checkpoints_are_written(tmp_path, monkeypatch, usage):
    def unknown(_):
        if usage == "fails": raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        return shutil._ntuple_diskusage(0, 0, 0)
    monkeypatch.setattr(shutil, "disk_usage", unknown)
    put(tmp_path, 1)
    assert_is(latest(tmp_path), 1)


def test_a_read_only_disk_is_no_lack_of_room(tmp_path):
    put(tmp_path, 1)
    def fail(): raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    with pytest.raises(OSError, match="step_00000002") as error, planted(2, fail): put(tmp_path, 2)
    assert error.value.errno == errno.EROFS and "room" not in str(error.value)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EBUSY, errno.ENOTEMPTY])
def test_an_old_one_that_somebody_reads_in_costs_no_run(tmp_path, monkeypatch, code):
    "Windows and NFS delete no file that is open: the save goes through, and a later one deletes."
    def no(path, *_, **__): raise OSError(code, os.strerror(code), str(path))
    put(tmp_path, 1)
    with monkeypatch.context() as m:
        m.setattr(shutil, "rmtree", no)
        with pytest.warns(UserWarning, match="step_00000001"): put(tmp_path, 2, keep=1)
    assert_is(latest(tmp_path), 2)
    put(tmp_path, 3, keep=1)
    assert names(tmp_path) == ["step_00000003"]


# --- readers beside a writer ----------------------------------------------------------------------

def test_each_file_is_read_and_hashed_once(tmp_path, monkeypatch):
    "Bug: `latest` read and hashed all, and `load` did it again: 2.2 s for 300 MB."
    put(tmp_path, 1)
    read, real = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self.name) or real(self))
    hashed, true_hash = [], checkpoint._hash
    monkeypatch.setattr(checkpoint, "_hash", lambda data: hashed.append(len(data)) or true_hash(data))
    assert load_latest(tmp_path).path.name == "step_00000001"
    assert sorted(read) == sorted(set(read)) and len(hashed) == len(read)  # the manifest's own hash among them


@pytest.mark.parametrize("event", ["deleted", "replaced"])
def test_a_checkpoint_that_goes_while_it_is_read_is_no_damaged_one(tmp_path, monkeypatch, event):
    "A run with keep=1 saves step 2 in the middle of reading step 1: the answer is step 2, without a warning."
    put(tmp_path, 1)
    real, done = checkpoint._read, []
    def read(folder, name):
        found = real(folder, name)
        if not done:
            done.append(name)
            put(tmp_path, 2 if event == "deleted" else 1, keep=1)
        return found
    monkeypatch.setattr(checkpoint, "_read", read)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_is(load_latest(tmp_path).path, 2 if event == "deleted" else 1)


# --- damaged and forged ones ----------------------------------------------------------------------

class Evil:
    "Unpickling this leaves a trace."
    def __reduce__(self): return os.mkdir, ("code_ran",)


def sealed(path: Path, **entries):
    "Write a manifest of `path` whose hashes are all right, with other `entries`."
    listed = {
        f.name: {"bytes": len(f.read_bytes()), "sha256": hashlib.sha256(f.read_bytes()).hexdigest()}
        for f in path.iterdir()
        if f.name != "manifest.json"
    }
    manifest = {"format": 1, "step": 2, "score": None, "files": listed, **entries}
    (path / "manifest.json").write_bytes(
        checkpoint._json({**manifest, "sha256": hashlib.sha256(checkpoint._json(manifest)).hexdigest()})
    )


def cut(path, rng):
    file = rng.choice(sorted(path.iterdir()))
    file.write_bytes(file.read_bytes()[:rng.randrange(len(file.read_bytes()))])

def flip(path, rng):
    file = rng.choice(sorted(path.iterdir()))
    data = bytearray(file.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)

def exchange_files(path, rng):
    a, b = path / "net.safetensors", path / "optimizer.safetensors"
    a.rename(path / "x"), b.rename(a), (path / "x").rename(b)

def exchange_tensors(path, rng):
    values = safetensors.torch.load_file(path / "net.safetensors")
    safetensors.torch.save_file({"w": values["w"] + 1, "count": values["count"]}, path / "net.safetensors")

def from_another_step(path, rng):
    name = rng.choice(["state.json", "net.safetensors", "manifest.json"])
    shutil.copy(path.with_name("step_00000001") / name, path)

def another_step_whole(path, rng):
    shutil.rmtree(path)
    shutil.copytree(path.with_name("step_00000001"), path)

def missing(path, rng): rng.choice(sorted(path.iterdir())).unlink()
def pickled(path, rng): (path / "net.safetensors").write_bytes(pickle.dumps(Evil()))

def pickled_and_sealed(path, rng):
    pickled(path, rng)
    sealed(path)

def pickle_beside(path, rng):
    (path / "net.pkl").write_bytes(pickle.dumps(Evil()))
    sealed(path)

def outside(path, rng):
    name = rng.choice(
        ["../secret.safetensors", "/etc/passwd", "..", "a/b.json", "net.safetensors\0", "~/x.json", "..\\x.json"]
    )
    data = b"{}"
    path.parent.joinpath("secret.safetensors").write_bytes(data)
    sealed(path, files={name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}})

def linked(path, rng):
    secret = path.parent / "secret"
    secret.write_bytes((path / "net.safetensors").read_bytes())
    (path / "net.safetensors").unlink()
    (path / "net.safetensors").symlink_to(secret)

def nonsense(path, rng):
    text = rng.choice(
        [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b'{"sha256": 1}', b'{"files": {}}', b"[" * 100_000]
    )
    (path / rng.choice(["manifest.json", "state.json"])).write_bytes(text)
    if rng.random() < 0.3:
        sealed(path, files=rng.choice([{}, [], None, 3, {"net.safetensors": 3}, {"net.safetensors": {}}]))

def newer_format(path, rng): sealed(path, format=2)

FORGERIES = [
    cut,
    flip,
    exchange_files,
    exchange_tensors,
    from_another_step,
    another_step_whole,
    missing,
    pickled,
    pickled_and_sealed,
    pickle_beside,
    outside,
    linked,
    nonsense,
    newer_format,
]


def forge(folder: Path, kind, seed: int):
    "Put checkpoints 1 and 2 into `folder`, damage 2, and see it refused and 1 found."
    for step in (1, 2): put(folder, step)
    damaged = folder / "step_00000002"
    kind(damaged, random.Random(seed))
    with pytest.raises(BadCheckpoint) as caught: load(damaged)
    assert caught.value.path == str(damaged) and caught.value.reason
    with pytest.warns(UserWarning, match="step_00000002.*Going back to step_00000001"):
        assert latest(folder).name == "step_00000001"
    assert not Path("code_ran").exists()


@pytest.mark.parametrize("kind", FORGERIES, ids=lambda kind: kind.__name__)
def test_a_damaged_or_forged_checkpoint_is_refused_and_the_one_before_it_found(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    for seed in range(12): forge(tmp_path / str(seed), kind, seed)


def test_when_none_is_whole_that_is_an_error_and_no_fresh_start(tmp_path):
    (put(tmp_path, 1) / "state.json").write_bytes(b"{}")
    with pytest.raises(BadCheckpoint, match="none of its 1 checkpoints is whole.*state.json"): latest(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"): load(tmp_path / "nowhere")
    assert latest(tmp_path / "nowhere") is None


def test_a_checkpoint_may_be_copied_under_another_name(tmp_path):
    shutil.copytree(put(tmp_path, 1), tmp_path / "my favourite")
    assert_is(tmp_path / "my favourite", 1)
