"""`make stress`: kill, signal, starve, poison and forge training runs in great number, and see each come out the same.

`python tools/stress_train.py [part …] [--share .1]` runs some parts only, or a share of the full numbers.
"""
import argparse
import errno
import json
import os
import random
import resource
import re
import shutil
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]
import test_checkpoint
from pconv_edu import checkpoint, guards
from pconv_edu.losses import LossWeights
from pconv_edu.phases import Phase
from pconv_edu.train import fit
from pconv_edu.trainer import Trainer
from pconv_edu.unet import PConvUNet

torch.set_num_threads(1)  # before the first fork: a forked child has no other threads
PHASES = Phase("initial", 40, 2e-4), Phase("fine-tune", 20, 5e-5, freeze_encoder_bn=True)
STEPS = 60


def run(out: Path, **options):
    """60 steps across both phases, 2 batches of one picture each, a checkpoint every 7; an epoch ends in the middle
    of a step.
    """
    torch.manual_seed(0)
    pictures = [torch.rand(3, 24, 24) for _ in range(7)]
    return fit(
        **{
            **dict(
                images=pictures, out=out, net=PConvUNet(widths=(4, 8)), phases=PHASES, size=16, batch=1,
                accumulate=2, ema=0.9, save_every=7, draw=False, weights=LossWeights(perceptual=0, style=0),
                progress=False, device="cpu",
            ),
            **options,
        }
    )


def child(work) -> int:
    "Do `work` in a forked process; returns its id."
    pid = os.fork()
    if pid: return pid
    status = 70
    try:
        sys.stderr = open(os.devnull, "w")
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a tool that runs in the background ignores it
        work()
        status = 0
    except SystemExit as error: status = error.code
    except KeyboardInterrupt: status = 130
    finally: os._exit(status)


def ended(pid: int) -> int:
    "Wait for a child; its exit status, or minus the signal that killed it."
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def assert_same(out: Path, whole: Path):
    "The finished run in `out` is `whole` to the last bit: log, state, every tensor."
    a, b = (checkpoint.load(checkpoint.latest(folder)) for folder in (out, whole))
    assert a.state == b.state and (out / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()
    for group, tensors in b.tensors.items():
        assert tensors.keys() == a.tensors[group].keys()
        for name, value in tensors.items(): assert torch.equal(value, a.tensors[group][name]), (group, name)
    leftovers = [p.name for p in out.iterdir() if p.name.startswith(".") and p.name != ".lock"]
    assert not leftovers, leftovers


def kills(folder: Path, share: float) -> str:
    "kill -9 at seeded random times; a run that came to its end is compared and started again."
    rng, whole, out = random.Random(1), folder / "whole", folder / "run"
    start = time.perf_counter()
    assert ended(child(lambda: run(whole))) == 0
    long, count, finished = time.perf_counter() - start, 0, 0
    while count < 200 * share:
        pid = child(lambda: run(out))
        time.sleep(rng.uniform(0, .8 * long))
        os.kill(pid, signal.SIGKILL)
        if ended(pid) == -signal.SIGKILL: count += 1
        if checkpoint.latest(out) and checkpoint.latest(out).name == f"step_{STEPS:08}" or rng.random() < .1:
            assert ended(child(lambda: run(out))) == 0
            assert_same(out, whole)
            finished += 1
            shutil.rmtree(out)
    assert ended(child(lambda: run(out))) == 0
    assert_same(out, whole)
    return f"{count} kill -9 over {finished + 1} runs, each run the same to the last bit, no leftovers"


SHORT = Phase("initial", 4, 2e-4), Phase("fine-tune", 3, 5e-5, freeze_encoder_bn=True)

def short(out: Path): return run(out, phases=SHORT, save_every=1, keep=2)


def at_call(number: int, action, counted: list[int]):
    """From now on, in this process: the save after step 5 does `action()` instead of its `number`-th write, fsync,
    rename, unlink, …
    """
    save = checkpoint.save
    def planted(path, step, *args, **kwargs):
        if step != 5: return save(path, step, *args, **kwargs)
        with test_checkpoint.planted(number, action) as seen:
            try: return save(path, step, *args, **kwargs)
            finally: counted.append(len(seen))
    checkpoint.save = planted


def calls_of_a_save(folder: Path) -> int:
    """How many such calls a save makes that also deletes an old checkpoint; leaves the run that nobody disturbed in
    folder/whole.
    """
    save, counted = checkpoint.save, []
    at_call(0, None, counted)
    try: short(folder / "whole")
    finally: checkpoint.save = save
    return counted[0]


def assert_old_or_new(out: Path, folder: Path):
    "The newest checkpoint is step 4 or 5 and undamaged; resuming from it gives the run that nobody disturbed."
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checkpoint.latest(out).name in ("step_00000004", "step_00000005"), os.listdir(out)
    assert ended(child(lambda: short(out))) == 0
    assert_same(out, folder / "whole")


def crashes(folder: Path, share: float) -> str:
    "Exit without a word at each write, fsync, rename and unlink of a run's save."
    calls = calls_of_a_save(folder)
    tried = range(1, calls + 1, max(1, round(1 / share)))
    for number in tried:
        out = folder / str(number)
        def dying():
            at_call(number, lambda: os._exit(9), [])
            short(out)
        assert ended(child(dying)) == 9
        assert_old_or_new(out, folder)
        shutil.rmtree(out)
    return (f"exit at {len(tried)} of the {calls} writes, fsyncs, renames and unlinks of a save: the old or the "
            f"new state, and the same run from there")


def disks(folder: Path, share: float) -> str:
    "A disk that is full, and one that fails, at each of these calls."
    calls, said, silent = calls_of_a_save(folder), 0, 0
    for code in (errno.ENOSPC, errno.EIO):
        def fail(): raise OSError(code, os.strerror(code))
        for number in range(1, calls + 1, max(1, round(1 / share))):
            out, save = folder / f"{code}_{number}", checkpoint.save
            at_call(number, fail, [])
            try: short(out)
            except OSError as error:
                assert error.errno == code and re.search(
                    r"needs [\d,]+ bytes and [\d,]+ are free.*step_00000005", str(error)
                ), error
                said, refused = said + 1, True
            else: silent, refused = silent + 1, False  # making a folder that is there already
            finally: checkpoint.save = save
            if refused: assert_old_or_new(out, folder)
            assert_same(out, folder / "whole")
            shutil.rmtree(out)
    assert silent <= 2, silent
    return (f"{said} full or failing disks: an error with path, needed and free bytes; the checkpoint before it "
            f"whole, and the same run from there")


def resumes(folder: Path, share: float) -> str:
    "Die at every step (before its first or second batch), with 0 and 2 workers."
    whole, done, forward = folder / "whole", 0, Trainer.forward
    assert ended(child(lambda: run(whole))) == 0
    for workers in (0, 2):
        for step in range(0, STEPS, max(1, round(1 / share))):
            out, seen = folder / f"{workers}_{step}", []
            def dying(state, image, mask):
                seen.append(state.step)
                if seen.count(step) == 1 + step % 2: os._exit(9)
                return forward(state, image, mask)
            Trainer.forward = dying
            assert ended(child(lambda: run(out, workers=workers))) == 9
            Trainer.forward = forward
            assert ended(child(lambda: run(out, workers=workers))) == 0
            assert_same(out, whole)
            shutil.rmtree(out)
            done += 1
    return f"{done} resumes, each step with 0 and with 2 workers: the same to the last bit"


def signals(folder: Path, share: float) -> str:
    "SIGTERM, SIGINT and SIGUSR1 in the middle of training: saved, and out soon."
    rng, whole, slowest, count = random.Random(2), folder / "whole", 0, 0
    assert ended(child(lambda: run(whole))) == 0
    for i in range(max(3, round(30 * share))):
        number, out = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)[i % 3], folder / str(i)
        pid, log = child(lambda: run(out)), out / "events.jsonl"
        while not log.exists(): time.sleep(.005)  # training has begun
        time.sleep(rng.uniform(0, .5))
        start = time.perf_counter()
        os.kill(pid, number)
        status = ended(pid)
        slowest = max(slowest, time.perf_counter() - start)
        if status: count += 1
        assert status in (0, 128 + number), status
        saved = checkpoint.load(checkpoint.latest(out)).state["step"]
        assert status == 0 or json.loads(log.read_text().splitlines()[-1])["step"] + 1 == saved
        assert ended(child(lambda: run(out))) == 0
        assert_same(out, whole)
    return f"{count} signals: saved and out within {slowest:.1f} s, the same to the last bit afterwards"


def poison(folder: Path, share: float) -> str:
    "NaN and inf in the loss: the step is not taken, its pictures are named."
    forward, count, checked = Trainer.forward, max(2, round(100 * share)), []
    bad = set(random.Random(3).sample(range(2 * count), count))
    def poisoned(state, image, mask):
        loss, terms = forward(state, image, mask)
        return (loss * float("nan" if state.step % 2 else "inf") if state.step in bad else loss), terms
    def watched(state):
        before = {name: value.clone() for name, value in state.net.named_parameters()}
        statistics = [value.clone() for value in state.buffers_before]
        skip(state)
        assert all(torch.equal(a, b) for a, b in zip(statistics, state.net.buffers()))
        assert all(torch.equal(value, before[name]) for name, value in state.net.named_parameters())
        checked.append(state.step)
        return False
    skip, Trainer.forward, Trainer.skip = Trainer.skip, poisoned, watched
    try:
        result = run(folder / "skip", phases=(Phase("initial", 2 * count, 2e-4),), on_nan="skip")
        assert set(checked) == bad == {line["step"] for line in result.history if line.get("skipped")}
        events = [
            event for event in map(json.loads, open(folder / "skip" / "events.jsonl")) if event["event"] == "skipped"
        ]
        assert [len(event["pictures"]) for event in events] == [2] * count
        try: run(folder / "stop", phases=(Phase("initial", 2 * count, 2e-4),))
        except guards.NotFinite as error: assert error.step == min(bad)
        else: raise AssertionError("the run was not stopped")
    finally: Trainer.forward, Trainer.skip = forward, skip
    return (f"{count} losses that are not a number: step not taken, weights untouched, pictures named; asked to "
            f"stop, it stopped at the first")


def forgeries(folder: Path, share: float) -> str:
    "Forged checkpoints of fourteen kinds."
    kinds, each = test_checkpoint.FORGERIES, max(1, round(5000 * share / len(test_checkpoint.FORGERIES) + .5))
    os.chdir(folder)
    for kind in kinds:
        for seed in range(each):
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                test_checkpoint.forge(folder / "forged", kind, 1000 + seed)
            shutil.rmtree(folder / "forged")
    return (f"{each * len(kinds)} forged checkpoints of {len(kinds)} kinds: all refused, none ran code, the one "
            f"before found and named")


def endurance(folder: Path, share: float) -> str:
    "Very many tiny steps: memory and open files stay."
    steps, seen = max(1000, round(100_000 * share)), []
    files, memory = (
        lambda: len(os.listdir("/proc/self/fd")),
        lambda: int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize(),
    )
    move = Trainer.optimizer_step
    def counting(state):
        if state.step in (steps // 10, steps - 1): seen.append((files(), memory()))
        return move(state)
    Trainer.optimizer_step = counting
    torch.manual_seed(0)
    start = time.time()
    mask = torch.ones(1, 8, 8)
    mask[:, 2:6, 3:7] = 0
    try:
        fit(
            [torch.rand(3, 16, 16) for _ in range(3)], [mask], out=folder / "long", net=PConvUNet(widths=(4,)),
            phases=(Phase("initial", steps, 1e-5),), size=8, batch=1, draw=False, save_every=steps // 20,
            weights=LossWeights(perceptual=0, style=0), progress=False, device="cpu",
        )
    finally: Trainer.optimizer_step = move
    (files_a, memory_a), (files_b, memory_b) = seen
    growth = memory_b / memory_a - 1
    assert files_a == files_b and growth < .01, (seen, growth)
    return (f"{steps:,} steps in {time.time() - start:.0f} s: memory {growth:+.2%} since the first tenth, "
            f"{files_b - files_a} more open files")


PARTS = {part.__name__: part for part in (crashes, disks, poison, forgeries, signals, kills, resumes, endurance)}

def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which parts; all of them when none is named")
    parser.add_argument("--share", type=float, default=1., help="share of the full numbers, such as 0.1")
    given, failed = parser.parse_args(), 0
    for name in given.parts or PARTS:
        folder, start = Path(tempfile.mkdtemp()), time.time()
        try: said = PARTS[name](folder, given.share)
        except AssertionError as error: said, failed = f"FAILED: {error!r}", failed + 1
        print(f"{name:<10} {said} ({time.time() - start:.0f} s)", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__": sys.exit(main())
