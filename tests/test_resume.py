"""What makes a resumed run the same run, what refuses another one, and what must never end a healthy one."""
import json
import multiprocessing
import os
import select
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from pconv_edu import checkpoint, trainer as trainer_module
from pconv_edu.commands import train as command
from pconv_edu.data import InpaintingDataset
from pconv_edu.guards import NotFinite
from pconv_edu.log import Log, read_log
from pconv_edu.losses import LossWeights
from pconv_edu.masks import rect_mask
from pconv_edu.options import Options, changes
from pconv_edu.phases import Phase
from pconv_edu.pictures import save_image
from pconv_edu.train import fit
from pconv_edu.trainer import Trainer
from pconv_edu.unet import PConvUNet

LONG = Phase("a", 4, 2e-4), Phase("b", 3, 5e-5, freeze_encoder_bn=True)
SHORT = LONG[:1]


def pictures(count: int = 5, size: int = 24) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(3, size, size, generator=generator) for _ in range(count)]


def photos(folder: Path, count: int = 6) -> Path:
    for i, picture in enumerate(pictures(count)): save_image(picture, folder / "photos" / f"{i}.png")
    return folder / "photos"


def tiny(kind=PConvUNet, **options):
    torch.manual_seed(0)
    return kind(widths=(4, 8), **options)


def go(out, images=None, **options):
    if "net" not in options: options["net"] = tiny()
    given = dict(out=out, phases=SHORT, size=16, batch=2, vgg=None, save_every=2, draw=False,
                 progress=False, device="cpu")
    return fit(pictures() if images is None else images, **{**given, **options})


def last(folder) -> checkpoint.Checkpoint: return checkpoint.load(checkpoint.latest(folder))


def assert_same(a, b, groups=("net", "optimizer")):
    for group in groups:
        for name, value in last(a).tensors[group].items(): assert torch.equal(value, last(b).tensors[group][name]), name


def at_step(monkeypatch, step: int, action):
    "From now on, `action(trainer)` when the first batch of that step is computed."
    forward = Trainer.forward
    def watched(trainer, image, mask):
        if trainer.step == step: action(trainer)
        return forward(trainer, image, mask)
    monkeypatch.setattr(Trainer, "forward", watched)


class Killed(BaseException):
    "Stands for kill -9: `fit` has no chance to save."


def kill(trainer): raise Killed


# The configuration

OLD = {  # as the first version of `fit` wrote it down
    "accumulate": 1, "batch": 2, "clip": None, "ema": None, "precision": "float32", "seed": 0, "size": 16,
    "sync_bn": True, "vgg": "NoneType", "weights": {"hole": 6, "perceptual": 0, "style": 0, "tv": 0.1, "valid": 1},
    "net": {"head": "linear", "partial": True, "upsample": "nearest", "widths": [4, 8]},
    "phases": [{"freeze_encoder_bn": False, "hours": None, "lr": 0.0002, "name": "a", "steps": 4},
               {"freeze_encoder_bn": True, "hours": None, "lr": 5e-05, "name": "b", "steps": 3}],
}


def made_old(folder: Path):
    "The newest checkpoint as an older version would have written it."
    saved = last(folder)
    config = OLD | {name: saved.state["config"][name] for name in ("data", "files", "phases")}
    state = {name: saved.state[name] for name in ("log_bytes", "net", "scaler", "step", "steps")}
    checkpoint.save(folder, state["step"], saved.tensors, {**state, "config": config})


def test_a_run_of_the_first_version_resumes_to_the_last_bit(tmp_path, monkeypatch):
    go(tmp_path / "whole", phases=LONG)
    with monkeypatch.context() as patch:
        at_step(patch, 5, kill)
        with pytest.raises(Killed): go(tmp_path / "cut", phases=LONG)
    made_old(tmp_path / "cut")
    with pytest.raises(ValueError, match="seed: 0 → 1"): go(tmp_path / "cut", phases=LONG, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(go(tmp_path / "cut", phases=LONG).history) == 7
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_what_an_older_version_did_not_know_has_its_default():
    class Later(torch.nn.Module):
        def __init__(self, widths, gated=False): super().__init__()
    new = {"weights": {"hole": 6, "later": 0}, "phases": [{**OLD["phases"][0]}], "vgg": None, "valid": None,
           "net": {"widths": [4], "gated": False}, "net_class": "Later"}
    old = {
        "weights": {"hole": 6},
        "phases": [{"name": "a", "steps": 4, "lr": 2e-4}],
        "vgg": None,
        "net": {"widths": [4]},
    }
    assert changes(old, new, Later([4])) == []
    assert [line.split(":")[0] for line in changes(old, {**new, "weights": {"hole": 6, "later": 1}}, Later([4]))] == [
        "weights"
    ]
    assert [
        line.split(":")[0] for line in changes(old, {**new, "net": {"widths": [4], "gated": True}}, Later([4]))
    ] == ["net"]


def test_a_run_from_before_channels_and_edges_resumes_beside_them():
    "Its configuration names four arguments of the network; another value of a later one is a change."
    new = {"weights": {"hole": 6}, "phases": OLD["phases"], "vgg": None, "valid": None, "net_class": "PConvUNet"}
    config = lambda **options: json.loads(json.dumps(PConvUNet((4, 6), **options).config))
    old = {**new, "net": {"widths": [4, 6], "head": "linear", "partial": True, "upsample": "nearest"}}
    assert changes(old, {**new, "net": config()}, PConvUNet((4, 6))) == []
    for options in (dict(in_channels=1), dict(out_channels=1), dict(padding_mode="circular")):
        found, = changes(old, {**new, "net": config(**options)}, PConvUNet((4, 6)))
        assert found.startswith("net: ")


class Other(PConvUNet):
    "The same tensors, and another forward."
    def forward(self, image, mask): return super().forward(image, mask) * .5


def data(images=None, **options) -> InpaintingDataset:
    return InpaintingDataset(images or pictures(), size=16, **options)


@pytest.mark.parametrize(
    "before, after, item",
    [
        (dict(images=data()), dict(images=data(flip=False)), "pairs"),
        (dict(images=data()), dict(images=data(zoom=(1, 1.5))), "pairs"),
        (dict(images=data()), dict(images=data(crop="centre")), "pairs"),
        (
            dict(masks=[rect_mask(16, k, 2, 6, 6) for k in range(9)]),
            dict(masks=[rect_mask(16, k, 2, 6, 7) for k in range(9)]),
            "masks",
        ),
        (dict(valid=pictures(2), valid_pairs=2), dict(valid=[1 - p for p in pictures(2)], valid_pairs=2), "valid"),
        (dict(valid=pictures(2), valid_pairs=2), dict(valid=pictures(2), valid_pairs=1), "valid"),
        (dict(), dict(net=tiny(Other)), "net_class"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_makes_it_another_run_is_named(tmp_path, before, after, item, dry_run):
    go(tmp_path, **before)
    log = (tmp_path / "log.jsonl").read_bytes()
    with pytest.raises(ValueError) as caught: go(tmp_path, **after, dry_run=dry_run)
    assert f"\n  {item}: " in str(caught.value) and "resume='changed'" in str(caught.value)
    assert (tmp_path / "log.jsonl").read_bytes() == log
    go(tmp_path, **before)  # and the run itself resumes


def test_validation_may_begin_later(tmp_path):
    go(tmp_path)
    go(tmp_path, valid=pictures(2), valid_pairs=2)


class Drop(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.drop = tiny(), torch.nn.Dropout(.3)

    def forward(self, image, mask): return self.drop(self.net(image, mask))


def test_a_network_with_dropout_resumes_to_the_last_bit_and_leaves_the_callers_generator(tmp_path, monkeypatch):
    net = Drop()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    go(tmp_path / "whole", net=net)
    assert torch.equal(torch.rand(1), expected)
    with monkeypatch.context() as patch:
        at_step(patch, 3, kill)
        with pytest.raises(Killed): go(tmp_path / "cut", net=Drop())
    torch.manual_seed(77)
    go(tmp_path / "cut", net=Drop())
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_a_rehearsal_changes_nothing(tmp_path):
    "Hours are measured with the real step: afterwards the run is that of the same number of steps, bit for bit."
    options = dict(valid=pictures(2), valid_pairs=2, ema=.9)
    hours = Phase("a", None, 2e-4, hours=1e-9), Phase("b", 3, 5e-5, freeze_encoder_bn=True)
    go(tmp_path / "hours", net=Drop2(), phases=hours, **options)
    go(tmp_path / "steps", net=Drop2(), phases=(Phase("a", 1, 2e-4), hours[1]), **options)
    assert_same(tmp_path / "hours", tmp_path / "steps", ("net", "optimizer", "ema"))


class Drop2(Drop):
    def __init__(self):
        super().__init__()
        self.encoder = self.net.encoder


# The log

def resumed(tmp_path, how: str) -> list[int]:
    "The steps in the history of a run whose log has met with `how`; `fit` must warn and go on."
    with pytest.warns(UserWarning, match="log.jsonl"): result = go(tmp_path, phases=LONG, resume="changed")
    assert last(tmp_path).state["step"] == 7
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(tmp_path, phases=LONG, resume=True)  # from now on without a word
    return [line["step"] for line in result.history]


@pytest.mark.parametrize("how", ["gone", "cut", "a byte", "another run's", "another run's, longer"])
@pytest.mark.parametrize("old", [False, True], ids=["", "old"])
def test_a_log_that_is_not_the_runs_never_ends_it(tmp_path, how, old):
    run, path = tmp_path / "run", tmp_path / "run" / "log.jsonl"
    go(run)
    if old:
        if how == "a byte": pytest.skip("an older version did not write down the log's hash")
        made_old(run)
    go(tmp_path / "other", phases=(Phase("z", 2 if how.endswith("s") else 9, 9e-4),), seed=3)
    known = path.read_bytes()
    if how == "gone": path.unlink()
    elif how == "cut": path.write_bytes(known[:-9])
    elif how == "a byte": path.write_bytes(b"{ " + known[2:])
    else: path.write_bytes((tmp_path / "other" / "log.jsonl").read_bytes())
    kept = path.read_bytes() if path.exists() else None
    assert resumed(run, how) == [4, 5, 6]
    assert kept is None or (run / "log_put_aside_1.jsonl").read_bytes() == kept


def test_a_damaged_line_costs_no_run(tmp_path):
    go(tmp_path)
    path = tmp_path / "log.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"step": 1', b'\xff"step": 1'))
    with pytest.warns(UserWarning, match="line 2 is damaged"):
        assert [line["step"] for line in read_log(tmp_path)] == [0, 2, 3]


def test_a_folder_that_is_deleted_while_it_trains(tmp_path, monkeypatch):
    at_step(monkeypatch, 3, lambda trainer: shutil.rmtree(trainer.folder))
    with pytest.warns(UserWarning, match="was deleted"): go(tmp_path / "run", phases=LONG)
    assert last(tmp_path / "run").state["step"] == 7
    assert [line["step"] for line in read_log(tmp_path / "run")] == [4, 5, 6]


# Errors and signals

def test_not_finite_names_the_pictures_that_were_used(tmp_path, monkeypatch):
    "The place of a damaged file is taken by the next one: that one is named."
    folder = photos(tmp_path)
    (folder / "2.png").write_bytes(b"x")
    found = InpaintingDataset(folder, size=16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        at = next(n for n in range(6) if found.name(n) == "2.png")
        used = found.source.name(found.sample(at)[2]["image"])
        forward = Trainer.forward
        def poisoned(trainer, *batch):
            loss, terms = forward(trainer, *batch)
            return (loss * float("nan") if trainer.step == at else loss), terms
        monkeypatch.setattr(Trainer, "forward", poisoned)
        with pytest.raises(NotFinite) as caught: go(tmp_path / "run", folder, batch=1, phases=(Phase("a", 6, 1e-4),))
    assert caught.value.pictures == [used] != ["2.png"]


@pytest.mark.parametrize("name", ["loader", "forward", "between"])
def test_an_error_saves_the_steps_that_are_done(tmp_path, monkeypatch, name):
    "And the run resumes to the last bit."
    long = (Phase("a", 6, 2e-4),)
    go(tmp_path / "whole", phases=long, save_every=100)
    def fail(*_, **__): raise RuntimeError("broken")
    with monkeypatch.context() as patch:
        if name == "forward":
            at_step(patch, 3, fail)
        elif name == "between":
            patch.setattr(
                Trainer,
                "enter",
                lambda self, *given, enter=Trainer.enter: fail() if self.step == 3 else enter(self, *given),
            )
        else:
            patch.setattr(
                trainer_module,
                "_seed",
                lambda seed, step, rank, real=trainer_module._seed: fail() if step == 3 else real(seed, step, rank),
            )
        with pytest.raises(RuntimeError, match="broken"): go(tmp_path / "cut", phases=long, save_every=100)
    assert checkpoint.latest(tmp_path / "cut").name == "step_00000003"
    go(tmp_path / "cut", phases=long, save_every=100)
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_an_error_while_the_weights_move_saves_nothing(tmp_path, monkeypatch):
    "Weights of no step would make another run."
    def half(trainer):
        for p in trainer.net.parameters(): p.data.add_(1)
        raise RuntimeError("broken")

    monkeypatch.setattr(
        Trainer,
        "update_ema",
        lambda trainer, real=Trainer.update_ema: half(trainer) if trainer.step == 3 else real(trainer),
    )
    with pytest.raises(RuntimeError, match="broken"): go(tmp_path, phases=LONG)
    assert checkpoint.latest(tmp_path).name == "step_00000002"


STAGES = {  # where the run is when its worker is killed → what holds it there; the steps that the checkpoint has
    "loading": (trainer_module, "_seed", 3), "forward": (Trainer, "forward", 4), "gradient": (Trainer, "clip", 4),
    "Adam": (torch.optim.Adam, "step", 4), "average": (Trainer, "update_ema", 4), "log": (Log, "add", 4),
    "validation": (Trainer, "untouched", 4), "save": (checkpoint, "save", 4),
}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_that_is_killed_costs_no_step(tmp_path, monkeypatch, stage):
    """PyTorch raises its error wherever Python is: in the middle of Adam's step it cost all since the last checkpoint,
    and in the middle of validation the averaged weights could have been saved for the run's own.

    Each stage is held until the worker is dead, so that the news has come: no matter of time.
    """
    options = dict(phases=(Phase("a", 8, 2e-3),), ema=.9, valid=pictures(2), valid_pairs=2, save_every=4)
    owner, name, expected = STAGES[stage]
    real, killed = getattr(owner, name), []

    def held(*args, **kwargs):
        made = real(*args, **kwargs)
        if running and running[0].step == 3 and not killed:
            for worker in multiprocessing.active_children():
                killed.append(worker.pid)
                os.kill(worker.pid, signal.SIGKILL)
                os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        return made

    running, enter = [], Trainer.enter
    monkeypatch.setattr(Trainer, "enter", lambda trainer, *given: running.append(trainer) or enter(trainer, *given))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, held)
        with pytest.raises(RuntimeError, match="DataLoader worker .* is killed by signal"):
            go(tmp_path / "cut", workers=1, **options)
    assert killed and last(tmp_path / "cut").state["step"] == expected
    go(tmp_path / "cut", **options)
    go(tmp_path / "whole", **options)
    assert_same(tmp_path / "whole", tmp_path / "cut", ("net", "optimizer", "ema"))
    assert (tmp_path / "cut/log.jsonl").read_bytes() == (tmp_path / "whole/log.jsonl").read_bytes()


def test_a_log_that_fails_costs_no_step(tmp_path, monkeypatch):
    "TensorBoard's disk is another one, and was full: the step was done, and everything since the last save was lost."
    def full(log, real=Log.add, **line):
        real(log, **line)
        if line["step"] == 2: raise OSError("the other disk is full")

    monkeypatch.setattr(Log, "add", full)
    with pytest.raises(OSError, match="the other disk"): go(tmp_path, save_every=100)
    assert last(tmp_path).state["step"] == 3 and [line["step"] for line in read_log(tmp_path)] == [0, 1, 2]


CHILD = """
import os, signal, sys, time, torch
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
torch.set_num_threads(1)
from pconv_edu.guards import Signals
with Signals() as signals:
    print("here", flush=True)
    while not signals.received: time.sleep(.01)  # not `pause`: the signal may come before it
    print("heard", flush=True)
    while True: signal.pause()  # a step that hangs
"""


def next_line(child: subprocess.Popen) -> str:
    assert select.select([child.stdout], [], [], 120)[0], "no word of the child within 120 s"
    return child.stdout.readline()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    "first, second", [("SIGINT", "SIGINT"), ("SIGTERM", "SIGTERM"), ("SIGINT", "SIGTERM"), ("SIGTERM", "SIGINT")]
)
def test_a_second_signal_ends_a_step_that_hangs(first, second):
    "A handler that has run is an event, so the second signal is sent after the first was heard."
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child = subprocess.Popen([sys.executable, "-c", CHILD], text=True, **pipes)
    try:
        assert next_line(child) == "here\n"
        child.send_signal(getattr(signal, first))
        assert next_line(child) == "heard\n"
        child.send_signal(getattr(signal, second))
        child.communicate(timeout=120)
    finally: child.kill()
    assert child.returncode == (-signal.SIGINT if second == "SIGINT" else 128 + signal.SIGTERM)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_handlers_of_others_are_as_before():
    "Python's table does not know what C libraries have registered; a signal that is ignored stays so."
    code = """
import faulthandler, os, signal
faulthandler.register(signal.SIGUSR1)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from pconv_edu.guards import Signals
with Signals() as signals: os.kill(os.getpid(), signal.SIGTERM)
assert signals.received is None and signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
os.kill(os.getpid(), signal.SIGUSR1)
print("alive")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "alive\n" and "Current thread" in done.stderr


# Files and folders

@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks in another way")
@pytest.mark.parametrize("name", ["ENOSYS", "ENOLCK", "EOPNOTSUPP", "EINVAL"])
def test_a_file_system_without_locks(tmp_path, monkeypatch, name):
    import errno
    import fcntl
    def no(*_): raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))
    monkeypatch.setattr(fcntl, "flock", no)
    with pytest.warns(UserWarning, match="without locks"): assert len(go(tmp_path / "run").history) == 4


@pytest.mark.parametrize("where", ["photos", "photos/runs/a"])
def test_out_inside_the_pictures_is_refused(tmp_path, monkeypatch, where):
    folder = photos(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as caught: go(where, folder)
    assert f"'{where}'" in str(caught.value) and str(folder) in str(caught.value)
    assert len(list(folder.iterdir())) == 6
    with pytest.raises(ValueError, match="valid="): go(where, valid=str(folder), valid_pairs=2)
    go("beside", folder)


def test_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    photos(tmp_path)
    assert go("~/runs/a", "~/photos", valid="~/photos", valid_pairs=2).folder == tmp_path / "runs" / "a"


def test_a_batch_that_the_network_cannot_take_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="1 × 1"): go(tmp_path / "run", size=4, batch=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("moves", [0, 1, 2, 3])
def test_putting_an_older_run_aside_can_be_cut_off(tmp_path, monkeypatch, moves):
    "Nothing of the older run is lost, or taken for the new one."
    go(tmp_path)
    log, done, rename = (tmp_path / "log.jsonl").read_bytes(), [], Path.rename
    def cut(self, target):
        if len(done) == moves: raise Killed
        done.append(self)
        return rename(self, target)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        with pytest.raises(Killed): go(tmp_path, resume=False)
    assert len(go(tmp_path, phases=(Phase("a", 2, 2e-4),)).history) == 2
    assert (tmp_path / "earlier_1" / "log.jsonl").read_bytes() == log
    assert sorted(p.name for p in (tmp_path / "earlier_1").glob("step_*")) == ["step_00000002", "step_00000004"]


def test_options_know_their_names_and_the_command_its_version(capsys):
    assert Options(pictures(), vgg=None).weights == LossWeights(perceptual=0, style=0)
    with pytest.raises(SystemExit) as left: command.main(["--version"])
    assert left.value.code == 0 and capsys.readouterr().out.startswith("pconv_train ")
    said = " ".join(command.parser().format_help().split())
    for word in ("name:steps:lr[:frozen]", "hole=6", "seven_stage"): assert word in said


# Teams

TEAM = """
import json, os, sys, torch
from pathlib import Path
torch.set_num_threads(1)
from pconv_edu.phases import Phase
from pconv_edu.train import fit
from pconv_edu.trainer import Trainer
from pconv_edu.unet import PConvUNet
rank, out = int(os.environ["RANK"]), Path(sys.argv[1])
options = dict(out=out / "run", phases=(Phase("a", 6, 2e-3),), size=16, batch=2, vgg=None, save_every=100, draw=False,
               progress=False, device="cpu")
pictures = [torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(k)) for k in range(6)]
forward = Trainer.forward
torch.manual_seed(0)
{}
try: said = len(fit(pictures, net=PConvUNet(widths=(4, 8)), **options).history)
except BaseException as error: said = f"{{type(error).__name__}}: {{error}}"
(out / str(rank)).write_text(json.dumps(said))
os._exit(0)
"""


def team(tmp_path, code: str) -> list:
    "What each of two processes returned or raised; they are joined by gloo, with no agent above them."
    import socket
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    script = tmp_path / "script.py"
    script.write_text(TEAM.format(code))
    about = dict(WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), OMP_NUM_THREADS="1")
    members = [
        subprocess.Popen(
            [sys.executable, script, tmp_path],
            stderr=subprocess.DEVNULL,
            env={**os.environ, **about, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    try:
        for member in members: member.wait(timeout=240)
    finally:
        for member in members: member.kill()
    return [json.loads((tmp_path / str(rank)).read_text()) for rank in range(2)]


def test_a_member_with_other_data_is_named_on_all(tmp_path):
    said = team(tmp_path, "pictures, options['seed'] = pictures[:6 - 2 * rank], rank")
    for each in said:
        assert each.startswith("ValueError") and "on rank 1" in each
        for item in ("data", "files", "seed"): assert f"\n  {item}: " in each
    assert not list((tmp_path / "run").glob("step_*"))


def test_the_checkpoint_is_the_one_that_the_leader_names(tmp_path):
    """Rank 0 resumed at its step 4 and rank 1, whose folder was empty, at 0.

    A checkpoint that is not the same for both, or that one cannot read, ends both.
    """
    team(tmp_path, """
def broken(trainer, *batch):
    if trainer.step == 3: raise ValueError("enough")
    return forward(trainer, *batch)
Trainer.forward = broken
""")
    assert last(tmp_path / "run").state["step"] == 3
    said = team(tmp_path, """
from pconv_edu import trainer
if rank: trainer._hash_of = lambda path: "another"
""")
    for each in said:
        assert each.startswith("ValueError") and "\n  checkpoint: " in each and "another on rank 1" in each
    said = team(tmp_path, """
from pconv_edu import checkpoint
def gone(path): raise FileNotFoundError(2, "No such file", str(path))
if rank: checkpoint.load = gone
""")
    assert said[0].startswith("RuntimeError: rank 1 of 2 failed with FileNotFoundError") and "step_00000003" in said[0]
    assert said[1].startswith("FileNotFoundError") and "step_00000003" in said[1]
    team(tmp_path, """
steps = []
def watched(trainer, *batch):
    steps.append(trainer.step)
    (out / f"steps{rank}").write_text(json.dumps(steps))
    return forward(trainer, *batch)
Trainer.forward = watched
if rank: options["out"] = out / "empty"
""")
    assert [json.loads((tmp_path / f"steps{rank}").read_text()) for rank in range(2)] == [[3, 4, 5], [3, 4, 5]]
    assert last(tmp_path / "run").state["step"] == 6


def test_a_member_with_other_code_is_named_on_all(tmp_path):
    said = team(tmp_path, """
from pconv_edu import trainer
if rank: trainer.code_version = lambda: "an older one"
""")
    for each in said: assert each.startswith("ValueError") and "\n  code: " in each and "an older one on rank 1" in each
    assert not list((tmp_path / "run").glob("step_*"))


def test_a_member_that_cannot_begin_ends_all(tmp_path):
    said = team(tmp_path, "if rank: pictures = '/nowhere'")
    assert "rank 1 of 2" in said[0] and "/nowhere" in said[0] and "/nowhere" in said[1]


def test_a_signal_to_one_member_ends_all_after_the_save(tmp_path):
    said = team(tmp_path, """
import signal
def signalled(trainer, *batch):
    if trainer.step == 2 and rank == 1: os.kill(os.getpid(), signal.SIGTERM)
    return forward(trainer, *batch)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
Trainer.forward = signalled
""")
    assert said == ["SystemExit: 143", "SystemExit: 143"] and last(tmp_path / "run").state["step"] == 3


def test_a_member_that_fails_is_named_on_all(tmp_path):
    "The others said 'Connection closed by peer', of gloo, and nobody knew which of the processes to look at."
    said = team(tmp_path, """
def broken(trainer, *batch):
    if trainer.step == 3 and rank == 1: raise ValueError("photos/3.png is broken")
    return forward(trainer, *batch)
Trainer.forward = broken
""")
    assert said[1] == "ValueError: photos/3.png is broken"
    assert said[0] == "RuntimeError: rank 1 of 2 failed with ValueError: photos/3.png is broken"
    assert last(tmp_path / "run").state["step"] == 3
