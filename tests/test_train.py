"""`fit`: the same run however often it is stopped, and nothing touched when it cannot run."""
import copy
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import psutil
import pytest
import torch
from PIL import Image

from pconv_edu import checkpoint, trainer as trainer_module
from pconv_edu.commands import train as command_module
from pconv_edu.data import InpaintingDataset
from pconv_edu.guards import NotFinite, Signals
from pconv_edu.log import read_log
from pconv_edu.losses import LossWeights
from pconv_edu.masks import rect_mask
from pconv_edu.phases import Phase
from pconv_edu.pictures import save_image
from pconv_edu.train import fit
from pconv_edu.trainer import Trainer
from pconv_edu.unet import PConvUNet

PHASES = Phase("initial", 4, 2e-4), Phase("fine-tune", 3, 5e-5, freeze_encoder_bn=True)
PIXELS = LossWeights(perceptual=0, style=0)  # no VGG: quick


def pictures(count: int = 5, size: int = 40) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(3, size, size, generator=generator) for _ in range(count)]


def tiny() -> PConvUNet:
    torch.manual_seed(0)
    return PConvUNet(widths=(8, 16))


def go(out, **options):
    given = dict(images=pictures(), out=out, net=tiny(), phases=PHASES, size=32, batch=2, vgg="random", weights=PIXELS,
                 save_every=1000, draw=False, progress=False)
    return fit(**{**given, **options})


def log_of(folder) -> bytes: return (Path(folder) / "log.jsonl").read_bytes()


def assert_same_run(a, b):
    "Weights, BatchNorm, Adam, EMA, scaler and log of two runs are the same to the last bit."
    left, right = (checkpoint.load(checkpoint.latest(folder)) for folder in (a, b))
    assert left.state == right.state and left.tensors.keys() == right.tensors.keys()
    for group, named in left.tensors.items():
        assert named.keys() == right.tensors[group].keys()
        for name, value in named.items(): assert torch.equal(value, right.tensors[group][name]), (group, name)
    assert log_of(a) == log_of(b)


# --- what a run is

def test_both_phases_run_and_are_logged(tmp_path):
    result = go(tmp_path / "run", weights=LossWeights())
    assert [line["step"] for line in result.history] == list(range(7))
    assert [line["phase"] for line in result.history] == ["initial"] * 4 + ["fine-tune"] * 3
    assert [line["lr"] for line in result.history] == [2e-4] * 4 + [5e-5] * 3
    for line in result.history:
        total = sum(
            getattr(LossWeights(), term) * line[term] for term in ("valid", "hole", "perceptual", "style", "tv")
        )
        assert line["loss"] == pytest.approx(total, rel=1e-5)
    assert not result.net.training and result.folder == tmp_path / "run"
    names = {p.name for p in result.folder.iterdir()}
    assert names == {".lock", "config.yaml", "events.jsonl", "log.jsonl", "step_00000004", "step_00000007"}


def test_fit_does_what_a_loop_by_hand_does(tmp_path):
    "The slow loop: Adam at each phase's rate over the dataset's positions in their order."
    from pconv_edu.losses import InpaintingLoss
    from pconv_edu.unet import freeze_encoder_bn
    result, net, data, loss = go(tmp_path), tiny(), InpaintingDataset(pictures(), size=32), InpaintingLoss(PIXELS)
    optimizer = torch.optim.Adam(net.parameters())
    for step in range(7):
        freeze_encoder_bn(net.train(), step >= 4)
        optimizer.param_groups[0]["lr"] = 2e-4 if step < 4 else 5e-5
        image, mask = (torch.stack(part) for part in zip(data[2 * step], data[2 * step + 1]))
        optimizer.zero_grad()
        loss(net(image, mask), image, mask)[0].backward()
        optimizer.step()
    for name, value in net.state_dict().items():
        assert torch.allclose(value, result.net.state_dict()[name], atol=1e-6), name


def test_fine_tuning_leaves_the_encoders_batchnorm_alone(tmp_path):
    """Bug: freezing sets only `eval()` and the affine still trains; or `train()` un-freezes it in the next step or
    after validation.
    """
    go(tmp_path, save_every=1, valid=pictures(2), valid_pairs=2, keep=10)
    nets = [checkpoint.load(tmp_path / f"step_{step:08}").tensors["net"] for step in (3, 4, 5, 7)]
    bn = [name for name in nets[0] if name.startswith("encoder.") and ".bn." in name]
    same = lambda a, b: [torch.equal(nets[a][name], nets[b][name]) for name in bn]
    assert bn and not any(same(0, 1)) and all(same(1, 2)) and all(same(1, 3))
    assert not torch.equal(nets[1]["decoder.0.bn.running_mean"], nets[3]["decoder.0.bn.running_mean"])


def test_accumulated_batches_give_the_gradient_of_one_large_one(tmp_path):
    "Without BatchNorm, whose statistics depend on the batch, 2 × 2 pictures are 1 × 4."
    def plain():
        torch.manual_seed(0)
        return PConvUNet(widths=(8,))
    small = go(tmp_path / "a", net=plain(), batch=2, accumulate=2)
    large = go(tmp_path / "b", net=plain(), batch=4)
    # Adam would hide a gradient that is twice too large; its norm does not
    for a, b in zip(small.history, large.history):
        for term in ("loss", "hole", "grad_norm"): assert a[term] == pytest.approx(b[term], rel=1e-5), (a["step"], term)


def test_averaged_weights(tmp_path):
    "After each step: average = .5 · average + .5 · weights."
    result = go(tmp_path, ema=.5, save_every=1, keep=10)
    key = "decoder.0.conv.weight"
    average = tiny().state_dict()[key]
    for step in range(1, 8):
        average = 0.5 * average + 0.5 * checkpoint.load(tmp_path / f"step_{step:08}").tensors["net"][key]
    assert torch.allclose(result.net.state_dict()[key], average, atol=1e-7)


def test_the_gradient_is_clipped(tmp_path):
    free, cut = go(tmp_path / "a"), go(tmp_path / "b", clip=1e-4)
    assert (
        free.history[0]["loss"] == cut.history[0]["loss"]
        and free.history[0]["grad_norm"] == cut.history[0]["grad_norm"] > 1e-4
    )
    assert free.history[2]["loss"] != cut.history[2]["loss"]


@pytest.mark.parametrize(
    "options",
    [
        dict(precision="bfloat16"), dict(precision="float16"), dict(channels_last=True),
        dict(checkpoint_loss=True, weights=LossWeights()), dict(workers=2),
    ],
    ids=lambda options: next(iter(options)) + str(options.get("precision", "")),
)
def test_ways_to_go_faster_train_the_same(tmp_path, options):
    plain = go(tmp_path / "a", weights=options.get("weights", PIXELS)).history
    other = go(tmp_path / "b", **options).history
    for a, b in zip(plain, other):  # the norm tells whether a scaled gradient was brought back to its own scale
        for term in ("loss", "grad_norm"):
            assert a[term] == pytest.approx(b[term], rel=0.05 if "precision" in options else 1e-3), (a["step"], term)


def test_compiled_it_trains_the_same(tmp_path):
    if sys.platform != "linux" or not shutil.which("g++"): pytest.skip("torch.compile needs a C++ compiler here")
    options = dict(phases=(Phase("initial", 2, 2e-4), Phase("fine-tune", 2, 5e-5, freeze_encoder_bn=True)))
    torch.manual_seed(0)
    net = PConvUNet(widths=(8,))
    plain, compiled = (
        go(tmp_path / name, net=copy.deepcopy(net), compile=name == "compiled", **options)
        for name in ("plain", "compiled")
    )
    for a, b in zip(plain.history, compiled.history): assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
    assert len(plain.history) == len(compiled.history) == 4
    assert not any(
        "_orig_mod" in name for name in checkpoint.load(checkpoint.latest(tmp_path / "compiled")).tensors["net"]
    )


def test_a_network_that_comes_compiled_is_saved_under_its_own_names(tmp_path):
    "Plain or compiled, and resumed as the other of the two: the same run. Older runs kept the wrapper's names."
    plain, compiled = tmp_path / "plain", tmp_path / "compiled"
    with torch.compiler.set_stance("force_eager"):
        go(plain, ema=.9)
        go(compiled, net=torch.compile(tiny()), ema=.9)
        assert_same_run(plain, compiled)
        shutil.rmtree(compiled / "step_00000007")
        go(compiled, ema=.9)
        assert_same_run(plain, compiled)
        shutil.rmtree(compiled / "step_00000007")
        older = checkpoint.load(compiled / "step_00000004")
        wrapped = {group: {f"_orig_mod.{name}": t for name, t in named.items()}
                   for group, named in older.tensors.items()}
        checkpoint.save(compiled, 4, wrapped, older.state)
        go(compiled, net=torch.compile(tiny()), ema=.9)
    assert_same_run(plain, compiled)


def test_without_vgg_there_is_no_perceptual_and_no_style_term(tmp_path, monkeypatch):
    from pconv_edu.losses import total
    monkeypatch.setattr(total, "VGG16Features", lambda *_: pytest.fail("a VGG-16 was built"))
    history = go(tmp_path, vgg=None, weights=None).history
    for line in history:
        assert {"valid", "hole", "tv"} < set(line) and not {"perceptual", "style"} & set(line)
        assert line["loss"] == pytest.approx(line["valid"] + 6 * line["hole"] + .1 * line["tv"], rel=1e-5)
    assert checkpoint.load(checkpoint.latest(tmp_path)).state["config"]["weights"] == {
        "valid": 1,
        "hole": 6,
        "perceptual": 0,
        "style": 0,
        "tv": 0.1,
    }
    assert go(tmp_path, vgg=None, weights=PIXELS).history == history  # said otherwise, the same run


def test_weights_of_ones_own(tmp_path):
    for line in go(tmp_path, weights=LossWeights(valid=2, hole=3, perceptual=0, style=0, tv=0)).history:
        assert "tv" not in line and line["loss"] == pytest.approx(2 * line["valid"] + 3 * line["hole"], rel=1e-5)


def test_tensorboard_shows_what_the_log_says_after_a_kill_too(tmp_path, monkeypatch):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    options = dict(tensorboard=True, valid=pictures(2), valid_pairs=2, draw=True)
    # saved after step 4; the fifth step is in the event files and taken once more
    killed_at(5, tmp_path, monkeypatch, **options)
    result = go(tmp_path, **options)
    board = accumulators.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert set(board.Tags()["scalars"]) == {"lr", "loss", "valid", "hole", "tv", "grad_norm", "validation"}
    for name in ("loss", "hole", "lr", "grad_norm"):
        assert [(e.step, pytest.approx(e.value)) for e in board.Scalars(name)] == [
            (line["step"], line[name]) for line in result.history
        ]
    assert [e.step for e in board.Images("samples")] == [e.step for e in board.Scalars("validation")] == [3, 6]


def test_a_missing_tensorboard_is_named_before_anything_is_touched(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # importing it fails
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'pconv_edu\[tensorboard\]'"):
        go(tmp_path / "run", tensorboard=True)
    assert (
        command_module.main([str(photos(tmp_path)), "--out", str(tmp_path / "run"), "--vgg", "None", "--tensorboard"])
        == 2
    )
    assert capsys.readouterr().err.startswith("error: tensorboard=True needs") and not (tmp_path / "run").exists()


def test_samples_curves_and_the_best_checkpoint(tmp_path):
    result = go(tmp_path, valid=pictures(2), valid_pairs=2, draw=True, keep=1)
    assert {p.name for p in (tmp_path / "samples").iterdir()} == {f"step_{step:08}.jpg" for step in (4, 7)} and (
        tmp_path / "curves.png"
    ).exists()
    scores = {
        event["step"] + 1: event["score"]
        for event in map(json.loads, open(tmp_path / "events.jsonl"))
        if event["event"] == "validated"
    }
    assert {p.name for p in tmp_path.glob("step_*")} == {f"step_{step:08}" for step in {7, min(scores, key=scores.get)}}
    assert [line["step"] for line in result.history] == list(range(7))


def test_a_run_asked_for_in_hours(tmp_path):
    result = go(tmp_path, phases=(Phase("initial", None, 1e-4, hours=1e-9), Phase("fine-tune", 2, 1e-5)))
    assert [line["phase"] for line in result.history] == ["initial", "fine-tune", "fine-tune"]
    # resumes: nothing has changed
    go(tmp_path, phases=(Phase("initial", None, 1e-4, hours=1e-9), Phase("fine-tune", 2, 1e-5)))


def test_a_dry_run_says_what_would_happen_and_writes_nothing(tmp_path, capsys):
    net = tiny()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plan = go(tmp_path / "run", net=net, dry_run=True)
    said = capsys.readouterr().out
    assert (
        plan["pictures"] == 5
        and plan["hours"] == pytest.approx(plan["seconds_per_step"] * 7 / 3600)
        and plan["seconds_per_step"] > 0
    )
    assert "5, the first is list[" in said and "fine-tune" in said and "starts from scratch" in said
    assert not (tmp_path / "run").exists() and all(
        torch.equal(value, before[name]) for name, value in net.state_dict().items()
    )


def test_a_dry_run_says_where_a_run_would_go_on(tmp_path, capsys):
    go(tmp_path, phases=PHASES[:1])
    go(tmp_path, phases=PHASES[:1], dry_run=True)
    assert f"in {tmp_path}, which resumes from step_00000004" in capsys.readouterr().out


# --- stopped and resumed

class Killed(BaseException):
    "Stands for kill -9 in these tests: `fit` has no chance to save."


def killed_at(step: int, out, monkeypatch, inside: int = 0, **options):
    "Run until batch number `inside` of `step` is about to be computed, and die there."
    seen, forward = [], Trainer.forward
    def dying(run, image, mask):
        if run.step == step and len(seen) == inside: raise Killed
        if run.step == step: seen.append(1)
        return forward(run, image, mask)
    monkeypatch.setattr(Trainer, "forward", dying)
    with pytest.raises(Killed): go(out, **options)
    monkeypatch.setattr(Trainer, "forward", forward)


FULL = dict(accumulate=2, ema=.9, save_every=2)

@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    "The run that was never stopped: 7 steps of 2 × 2 pictures, 5 pictures an epoch."
    out = tmp_path_factory.mktemp("whole")
    go(out, **FULL)
    return out


@pytest.mark.parametrize("step, inside", [(0, 0), (1, 0), (3, 0), (3, 1), (4, 0), (4, 1), (5, 1), (6, 0)])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, monkeypatch, whole, step, inside):
    """In mid-epoch, in mid-accumulation, on the boundary of the phases.

    Bug: resume restores the weights and no optimizer, position in the data, or phase: silently another run.
    """
    killed_at(step, tmp_path, monkeypatch, inside, **FULL)
    go(tmp_path, **FULL)
    assert_same_run(tmp_path, whole)


def test_killed_again_and_again(tmp_path, monkeypatch, whole):
    for step in (2, 3, 5, 6): killed_at(step, tmp_path, monkeypatch, **FULL)
    go(tmp_path, **FULL, workers=2)
    assert_same_run(tmp_path, whole)


@pytest.mark.parametrize(
    "options", [dict(precision="bfloat16"), dict(precision="float16"), dict(channels_last=True), dict(clip=0.5)],
    ids=lambda o: str(next(iter(o.values()))),
)
def test_resume_is_exact_with_options_too(tmp_path, monkeypatch, options):
    go(tmp_path / "whole", **options)
    killed_at(5, tmp_path / "cut", monkeypatch, **options)
    go(tmp_path / "cut", **options)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")


def test_a_damaged_last_checkpoint_costs_only_its_steps(tmp_path, monkeypatch, whole):
    killed_at(6, tmp_path, monkeypatch, **FULL)
    (tmp_path / "step_00000006" / "net.safetensors").write_bytes(b"cut")
    with pytest.warns(UserWarning, match="step_00000006.*Going back to step_00000004"): go(tmp_path, **FULL)
    assert_same_run(tmp_path, whole)


def test_it_says_whether_it_resumes_or_starts_from_scratch(tmp_path, capsys):
    go(tmp_path, progress=True)
    assert f"starts from scratch: 7 steps, 5 pictures, in {tmp_path}" in capsys.readouterr().out
    go(tmp_path, progress=True)
    assert f"resumes from step 7 of 7, in {tmp_path}: it is finished" in capsys.readouterr().out
    go(tmp_path, progress=True, resume=False)
    assert "starts from scratch" in capsys.readouterr().out
    assert (tmp_path / "earlier_1" / "step_00000007").is_dir()  # nothing of the older run is lost


@pytest.mark.parametrize(
    "options, said",
    [
        (dict(batch=3), "batch: 2 → 3"), (dict(seed=1), "seed: 0 → 1"),
        (dict(images=pictures(6)), "data: 5 pictures"), (dict(ema=0.5), "ema: None → 0.5"),
        (dict(phases=PHASES[:1]), "phases: "), (dict(net=PConvUNet(widths=(8, 8))), "net: "),
        (dict(weights=LossWeights(tv=0, perceptual=0, style=0)), "weights: "),
        (dict(images=[p * 0.5 for p in pictures()]), "data: 5 pictures"),
        (dict(images=pictures()[:2] + [pictures()[2].flip(1)] + pictures()[3:]), "files: 0 mask files"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_another_configuration_or_other_data_is_refused(tmp_path, options, said):
    go(tmp_path, phases=PHASES[:1] if "phases" not in options else PHASES)
    before = log_of(tmp_path)
    with pytest.raises(ValueError, match="was trained differently") as caught:
        go(tmp_path, **{"phases": PHASES[:1], **options})
    assert said in str(caught.value) and "resume='changed'" in str(caught.value) and log_of(tmp_path) == before


def test_another_file_under_an_old_name_is_another_run(tmp_path):
    from pconv_edu.pictures import save_image
    for i, picture in enumerate(pictures(9)):
        save_image(picture, tmp_path / "photos" / f"{i}.png")
        save_image(1 - rect_mask(40, i, 8, 8, 8), tmp_path / "masks" / f"{i}.png")
    options = dict(images=tmp_path / "photos", masks=tmp_path / "masks")
    go(tmp_path / "run", **options)
    for folder in ("photos", "masks"):
        kept = {path: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for path, data in kept.items():
            path.write_bytes(data + b" ")  # a picture still, and one byte more
            with pytest.raises(ValueError, match="files: 9 mask files"): go(tmp_path / "run", **options)
            path.write_bytes(data)
    go(tmp_path / "run", **options)


def test_a_run_of_an_older_version_goes_on(tmp_path, monkeypatch):
    "What its checkpoint did not write down is no change."
    configured = Trainer.configured
    monkeypatch.setattr(Trainer, "configured", lambda run: {k: v for k, v in configured(run).items() if k != "files"})
    go(tmp_path, phases=PHASES[:1])
    monkeypatch.setattr(Trainer, "configured", configured)
    go(tmp_path, phases=PHASES[:1])
    with pytest.raises(ValueError, match="seed: 0 → 1"): go(tmp_path, phases=PHASES[:1], seed=1)


def test_another_file_in_a_tar_is_another_run(tmp_path):
    "Bug: the mark of the files saw nothing of a tar."
    def pack(path, middle):
        path.parent.mkdir()
        with tarfile.open(path, "w") as tar:
            for i, picture in enumerate(pictures(9)):
                save_image(middle if i == 4 else picture, tmp_path / f"{i}.png")
                tar.add(tmp_path / f"{i}.png", f"{i}.png")
    pack(tmp_path / "a" / "photos.tar", pictures(9)[4])
    pack(tmp_path / "b" / "photos.tar", pictures(9)[4] * .5)
    go(tmp_path / "run", images=tmp_path / "a" / "photos.tar")
    with pytest.raises(ValueError, match="files: 0 mask files") as caught:
        go(tmp_path / "run", images=tmp_path / "b" / "photos.tar")
    assert "data: " not in str(caught.value)  # the names and the pairs at both ends are the same
    go(tmp_path / "run", images=tmp_path / "a" / "photos.tar")


def test_a_change_that_is_wanted(tmp_path):
    go(tmp_path, phases=PHASES[:1])
    assert len(go(tmp_path, phases=PHASES, resume="changed").history) == 7


def test_a_change_that_is_wanted_in_a_run_of_hours(tmp_path, monkeypatch):
    "Bug: the hours had been turned into steps when the run began, and a change made them hours again: `int + None`."
    def steps(seconds, last=PHASES[1], **options):
        monkeypatch.setattr(Trainer, "seconds_per_step", lambda run: seconds)
        return len(go(tmp_path, phases=(Phase("initial", None, 2e-4, hours=4 / 3600), last), **options).history)
    assert steps(1.) == 4 + 3
    assert steps(.5, clip=1., resume="changed") == 4 + 3  # the same phases: as many steps as they had
    assert steps(.5, Phase("longer", 5, 5e-5), clip=1., resume="changed") == 8 + 5  # others: counted anew


# --- refused before anything is touched

@pytest.mark.parametrize(
    "options, said",
    [
        (dict(net="smal"), "did you mean 'small'"),
        (dict(precision="bfloat"), "did you mean 'bfloat16'"),
        (dict(batch=0), "batch=0; give a whole number, 1 or more"),
        (dict(size=32.5), "size=32.5"),
        (dict(hole="whit"), "did you mean 'white'"),
        (dict(ema=1), "ema=1"),
        (dict(phases=()), "phases=()"),
        (dict(phases=PHASES[0]), "sequence of Phase"),
        (dict(clip=-1), "clip=-1"),
        (dict(accumulate=True), "accumulate=True"),
        (dict(resume="chnaged"), "did you mean 'changed'"),
        (dict(images="nowhere"), "no folder 'nowhere'"),
        (dict(images=[]), "empty"),
        (dict(vgg="nowhere.pth", weights=LossWeights()), "nowhere.pth"),
        (dict(workers=-1), "workers=-1"),
        (dict(images=InpaintingDataset(pictures(), size=48)), "size=48"),
        (dict(images=InpaintingDataset(pictures(), size=32), masks="x"), "leave masks= out"),
        (dict(net=torch.nn.Conv2d(3, 3, 1)), "no .encoder"),
        (dict(device="cudaa"), "did you mean 'cuda'"),
        (dict(device="cpu0"), "did you mean 'cpu'"),
        (
            dict(vgg=None, weights=LossWeights()),
            "vgg=None, and the weights of perceptual (0.05) and style (120) need VGG-16",
        ),
        (dict(vgg=None, weights=LossWeights(style=0)), "perceptual (0.05) need"),
        (dict(weights={"hole": 6}), "give LossWeights(...)"),
        (dict(on_nan="skipp"), "did you mean 'skip'"),
        (dict(compile="yes"), "compile='yes'"),
        (dict(progress=None), "progress=None"),
        (dict(ema="0.9"), "ema='0.9'"),
        (dict(keep=0), "keep=0"),
        (dict(save_every=0), "save_every=0"),
        (dict(valid_pairs=0), "valid_pairs=0"),
        (dict(valid="nowhere"), "no folder 'nowhere'"),
        (dict(phases="initial"), "sequence of Phase"),
        (dict(seed=-1), "seed=-1"),
        (dict(clip=True), "clip=True"),
        (dict(clip=0), "clip=0 would cut"),
        (dict(clip=0.0), "a number above 0"),
        (dict(clip=float("inf")), "clip=inf"),
        (dict(valid=[]), "empty"),
    ],
)
def test_options_are_checked_before_anything_is_touched(tmp_path, options, said):
    with pytest.raises((ValueError, FileNotFoundError, RuntimeError)) as caught: go(tmp_path / "run", **options)
    assert said in str(caught.value) and not (tmp_path / "run").exists()


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(TypeError, match="fit has no argument 'batch_size'; did you mean 'batch'"):
        fit("photos", batch_size=4)


# --- dangers

def poison(monkeypatch, steps, value=float("nan")):
    forward = Trainer.forward
    def poisoned(run, image, mask):
        loss, terms = forward(run, image, mask)
        return (loss * value if run.step in steps else loss), terms
    monkeypatch.setattr(Trainer, "forward", poisoned)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_pictures(tmp_path, monkeypatch, value):
    go(tmp_path / "whole", phases=(Phase("initial", 2, 2e-4),))
    poison(monkeypatch, {2}, value)
    with pytest.raises(NotFinite, match="step 2: the loss is not a finite number") as caught: go(tmp_path / "cut")
    data = InpaintingDataset(pictures(), size=32)
    assert caught.value.pictures == [data.name(4), data.name(5)] and caught.value.pictures[0] in str(caught.value)
    saved, good = (checkpoint.load(tmp_path / folder / "step_00000002").tensors for folder in ("cut", "whole"))
    for group in good:  # weights, BatchNorm and Adam as they were before the step
        for name, tensor in good[group].items(): assert torch.equal(tensor, saved[group][name]), name


def test_steps_without_a_number_are_skipped_when_asked(tmp_path, monkeypatch):
    poison(monkeypatch, {1, 5})
    result = go(tmp_path, on_nan="skip", save_every=1, keep=20)
    assert [line["step"] for line in result.history if line.get("skipped")] == [1, 5] and result.history[1][
        "loss"
    ] is None
    for step in (1, 5):
        before, after = (checkpoint.load(tmp_path / f"step_{s:08}").tensors["net"] for s in (step, step + 1))
        assert all(torch.equal(value, after[name]) for name, value in before.items())
    named = [
        event["pictures"] for event in map(json.loads, open(tmp_path / "events.jsonl")) if event["event"] == "skipped"
    ]
    assert [len(names) for names in named] == [2, 2]


def test_a_network_that_explodes_is_noticed_by_its_gradient(tmp_path, monkeypatch):
    forward = Trainer.forward
    def exploding(run, image, mask):
        loss, terms = forward(run, image, mask)
        loss.register_hook(lambda g: g * float("inf"))
        return loss, terms
    monkeypatch.setattr(Trainer, "forward", exploding)
    with pytest.raises(NotFinite, match="grad_norm="): go(tmp_path)


def test_a_damaged_picture_costs_no_run(tmp_path):
    "Bug: one damaged file ends a day of training, without its name."
    from pconv_edu.pictures import save_image
    for i, picture in enumerate(pictures()): save_image(picture, tmp_path / "photos" / f"{i}.png")
    (tmp_path / "photos" / "broken.png").write_bytes((tmp_path / "photos" / "0.png").read_bytes()[:60])
    with pytest.warns(UserWarning, match="broken.png"):
        assert len(go(tmp_path / "run", images=tmp_path / "photos").history) == 7


def test_a_second_run_in_the_same_folder_is_refused(tmp_path, monkeypatch):
    forward, refused = Trainer.forward, []
    def second(run, image, mask):
        if not refused:
            refused.append(1)
            with pytest.raises(RuntimeError, match=f"process {os.getpid()}.*is training in '{tmp_path}'"): go(tmp_path)
        return forward(run, image, mask)
    monkeypatch.setattr(Trainer, "forward", second)
    assert len(go(tmp_path).history) == 7 and refused


def test_a_worker_that_outlives_a_killed_run_does_not_hold_its_folder(tmp_path):
    "Bug: a forked DataLoader worker inherits the lock; after kill -9 the run cannot be started again for seconds."
    from pconv_edu.guards import only_run
    born, tell = os.pipe()
    with only_run(tmp_path):
        worker = os.fork()
        if not worker:
            os.write(tell, b"!")
            time.sleep(600)
            os._exit(0)
    try:
        assert select.select([born], [], [], 120)[0], "the worker has not begun within 120 s"
        with only_run(tmp_path): pass
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def test_a_killed_process_gives_its_folder_back_and_is_named_before(tmp_path):
    hold = "import sys, pathlib\nfrom pconv_edu.guards import only_run\n" \
           "with only_run(pathlib.Path(sys.argv[1])): print('held', flush=True), sys.stdin.read()"
    from pconv_edu.guards import only_run
    streams = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", hold, tmp_path], **streams) as other:
        try:
            assert other.stdout.readline() == b"held\n"
            for _ in range(2):  # who was refused does not wipe the holder's number
                with pytest.raises(RuntimeError, match=f"process {other.pid}\\)"):
                    with only_run(tmp_path): pass
        finally: other.kill()
    with only_run(tmp_path): pass


def test_the_holder_is_named_where_the_byte_that_is_locked_cannot_be_read(tmp_path, monkeypatch):
    "As on Windows, whose locks hold readers off, too. filelock takes the first byte there."
    import io

    from pconv_edu import guards
    class Locked(io.FileIO):
        def _free(self):
            if self.tell() < 1: raise PermissionError(13, "another process has locked a portion of the file")
        def readinto(self, buffer): return self._free() or super().readinto(buffer)
        def readall(self): return self._free() or super().readall()
    def open_(path, mode): return io.BufferedRandom(Locked(path, mode.replace("b", "")))
    with guards.only_run(tmp_path):
        monkeypatch.setattr(guards, "open", open_, raising=False)
        with pytest.raises(PermissionError): open_(tmp_path / ".lock", "r+b").read()
        with pytest.raises(RuntimeError, match=f"process {os.getpid()}\\)"):
            with guards.only_run(tmp_path): pass


def test_the_score_is_that_of_the_network_one_gets(tmp_path):
    """Bug: with `ema=` the raw weights were scored, and 'best' was chosen by a network that nobody receives.

    Scoring must not touch the run.
    """
    from pconv_edu.losses import InpaintingLoss
    # in parts of 2, 2 and 1
    scored = go(tmp_path / "scored", ema=.9, save_every=1, valid=pictures(5), valid_pairs=5, keep=10)
    score = [json.loads(line)["score"] for line in open(tmp_path / "scored" / "events.jsonl") if "validated" in line][
        -1
    ]
    data = InpaintingDataset(pictures(5), size=32, crop="centre", flip=False)
    image, mask = (torch.stack(part) for part in zip(*data))
    with torch.no_grad():
        assert float(InpaintingLoss(PIXELS)(scored.net(image, mask), image, mask)[0]) == pytest.approx(score, rel=1e-5)
    go(tmp_path / "alone", ema=.9, save_every=1, keep=10)
    assert log_of(tmp_path / "scored") == log_of(tmp_path / "alone")
    tensors = [checkpoint.load(tmp_path / name / "step_00000007").tensors for name in ("scored", "alone")]
    for group in ("net", "ema", "optimizer"):
        for name, value in tensors[0][group].items(): assert torch.equal(value, tensors[1][group][name]), (group, name)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows")
def test_a_system_without_one_of_the_signals(monkeypatch):
    monkeypatch.delattr(signal, "SIGUSR1")
    before = signal.getsignal(signal.SIGTERM)
    with Signals(): assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    "name, leaves", [("SIGTERM", SystemExit), ("SIGUSR1", SystemExit), ("SIGINT", KeyboardInterrupt)]
)
def test_a_signal_saves_and_leaves(tmp_path, monkeypatch, whole, name, leaves):
    forward, sent = Trainer.forward, []
    def signalled(run, image, mask):
        if run.step == 2 and not sent:
            sent.append(os.kill(os.getpid(), getattr(signal, name)))
        return forward(run, image, mask)
    monkeypatch.setattr(Trainer, "forward", signalled)
    number = getattr(signal, name)
    before = signal.signal(number, signal.default_int_handler)  # whoever started the tests may ignore it
    try:
        with pytest.raises(leaves): go(tmp_path, **FULL)
        assert signal.getsignal(number) is signal.default_int_handler
    finally: signal.signal(number, before)
    assert checkpoint.latest(tmp_path).name == "step_00000003"
    go(tmp_path, **FULL)
    assert_same_run(tmp_path, whole)


def test_a_full_disk_ends_the_run_with_the_checkpoint_before_it_whole(tmp_path, monkeypatch):
    import errno
    go(tmp_path, phases=PHASES[:1])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(OSError, match="10 are free.*untouched") as caught: go(tmp_path, resume="changed")
    assert caught.value.errno == errno.ENOSPC and checkpoint.latest(tmp_path).name == "step_00000004"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="device='cuda', and PyTorch sees no such GPU here"):
        go(tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()


def test_memory_that_is_really_used_up_says_so(tmp_path):
    "In the step of Adam as well, and in the rehearsal."
    class Hungry(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 3, 1)
        def forward(self, image, mask): return self.conv(image) + torch.empty(1 << 62, dtype=torch.uint8).sum()
    for dry_run in (False, True):
        with pytest.raises(MemoryError, match="Change one of: batch=2 → 1.*can't allocate memory"):
            go(tmp_path / "run", net=Hungry(), phases=PHASES[:1], dry_run=dry_run)


def test_out_of_memory_says_what_to_change(tmp_path, monkeypatch):
    def full(run, image, mask): raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    monkeypatch.setattr(Trainer, "forward", full)
    with pytest.raises(
        MemoryError, match="batch=2 → 1 with accumulate=2; checkpoint_loss=True; precision='bfloat16'; size=32 → 16"
    ):
        go(tmp_path)


def test_importing_train_needs_no_notebook_packages():
    packages = ("ipywidgets", "fastcore", "anywidget", "IPython")
    code = f"import sys, pconv_edu.train; print([m for m in {packages} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=300)
    assert done.stdout.strip() == "[]"


# --- the command, and many processes


def photos(folder) -> Path:
    from pconv_edu.pictures import save_image
    for i, picture in enumerate(pictures(6)): save_image(picture, Path(folder) / "photos" / f"{i}.png")
    return Path(folder) / "photos"


SCRIPT = """
import sys, torch
from pconv_edu.losses import LossWeights
from pconv_edu.phases import Phase
from pconv_edu.train import fit
from pconv_edu.unet import PConvUNet
torch.set_num_threads(1)
torch.manual_seed(0)
images, out, *more = sys.argv[1:]
phases = Phase("initial", 4, 2e-4), Phase("fine-tune", 3, 5e-5, True)
fit(images, out=out, net=PConvUNet(widths=(8, 16)), phases=phases, size=32, batch=4, accumulate=2, save_every=2,
    weights=LossWeights(perceptual=0, style=0), draw=False, device="cpu", **eval(more[0] if more else "{}"))
"""

def launch(script: Path, processes: int, *arguments, torchrun=("--standalone",)) -> subprocess.Popen:
    "The script under torchrun, on this machine, without network."
    command = [sys.executable, "-m", "torch.distributed.run", *torchrun, f"--nproc-per-node={processes}",
               str(script), *map(str, arguments)]
    return subprocess.Popen(
        command if processes > 1 else [sys.executable, str(script), *map(str, arguments)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def alone(images: Path, out: Path):
    "The script in this very process."
    threads = torch.get_num_threads()
    try: exec(SCRIPT.replace("sys.argv[1:]", repr([str(images), str(out)])), {})
    finally: torch.set_num_threads(threads)


def finished(job: subprocess.Popen) -> str:
    said = heard(job)
    assert job.returncode == 0, said
    return said


def heard(job: subprocess.Popen, seconds: float = 240) -> str:
    "All that the job has said. One that does not end is ended, and the test fails with what it said so far."
    try: return job.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        for process in [*psutil.Process(job.pid).children(recursive=True), job]: process.kill()
        pytest.fail(f"the job has not ended within {seconds} s; it said:\n{job.communicate(timeout=60)[0]}")


def assert_same_training(one: Path, other: Path):
    "The same losses and weights, up to the rounding of sums in another order."
    a, b = read_log(one), read_log(other)
    assert [line["step"] for line in b] == list(range(7))
    for left, right in zip(a, b):
        for term in ("loss", "valid", "hole", "tv", "grad_norm"):
            assert left[term] == pytest.approx(right[term], rel=1e-5), (left["step"], term)
    left, right = (checkpoint.load(checkpoint.latest(folder)).tensors["net"] for folder in (one, other))
    for name, value in left.items(): assert torch.allclose(value, right[name], atol=1e-5), name


def test_two_processes_and_two_nodes_train_as_one_process_does(tmp_path):
    script, images = tmp_path / "script.py", photos(tmp_path)
    script.write_text(SCRIPT)
    alone(images, tmp_path / "alone")
    assert (
        finished(launch(script, 2, images, tmp_path / "two")).count("starts from scratch") == 1
    )  # the leader alone speaks and writes
    address = "--nnodes=2", "--master-addr=127.0.0.1", f"--master-port={free_port()}"
    nodes = [
        launch(script, 2, images, tmp_path / "nodes", torchrun=(*address, f"--node-rank={rank}")) for rank in range(2)
    ]  # four processes in all
    assert [finished(node).count("starts from scratch") for node in nodes] == [1, 0]
    for name in ("two", "nodes"): assert_same_training(tmp_path / "alone", tmp_path / name)


def free_port() -> int:
    import socket
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_batchnorm_by_itself_when_asked(tmp_path):
    "sync_bn=False: each process normalises its own pictures; another run, and the checkpoint says so."
    script, images = tmp_path / "script.py", photos(tmp_path)
    script.write_text(SCRIPT)
    finished(launch(script, 2, images, tmp_path / "apart", "dict(sync_bn=False)"))
    alone(images, tmp_path / "shared")
    apart, shared = (checkpoint.load(checkpoint.latest(tmp_path / name)) for name in ("apart", "shared"))
    assert [line["step"] for line in read_log(tmp_path / "apart")] == list(range(7)) and apart.state["config"][
        "sync_bn"
    ] is False
    assert not torch.allclose(
        shared.tensors["net"]["encoder.1.bn.running_var"], apart.tensors["net"]["encoder.1.bn.running_var"], rtol=1e-3
    )


def test_batchnorm_shared_by_processes_is_that_of_the_whole_batch(tmp_path):
    "Outputs, running statistics and every gradient, against BatchNorm2d on the whole batch in one process."
    script = tmp_path / "script.py"
    script.write_text("""
import torch, torch.distributed as dist
from torch import nn
from pconv_edu.parallel import join_team, share_batchnorm
team = join_team()
torch.manual_seed(0)
x, target = torch.randn(4, 3, 5, 5) * 3 + 7, torch.randn(4, 3, 5, 5)
whole, shared = (nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)) for _ in range(2))
shared.load_state_dict(whole.state_dict())
share_batchnorm(shared)
a = x.clone().requires_grad_()
expected = whole(a)
(expected - target).abs().mean().backward()
mine = slice(team.rank * 2, team.rank * 2 + 2)
b = x[mine].clone().requires_grad_()
model = team.wrap(shared, torch.device("cpu"), shared_bn=True)
found = model(b)
(found - target[mine]).abs().mean().backward()
close = lambda p, q: torch.testing.assert_close(p, q, atol=1e-5, rtol=1e-4)
close(found, expected[mine]); close(b.grad / 2, a.grad[mine])
for p, q in zip(shared.parameters(), whole.parameters()): close(p.grad, q.grad)
for p, q in zip(shared.buffers(), whole.buffers()): close(p, q)
shared.eval(), whole.eval()
close(shared(x), whole(x))
dist.destroy_process_group()
""")
    finished(launch(script, 2))


LATE = """
import os, sys, time
attempt, rank = os.environ["TORCHELASTIC_RESTART_COUNT"], os.environ["RANK"]
if attempt == "1" and rank == sys.argv[1]: time.sleep(2)
from pconv_edu.parallel import join_team
team = join_team()
team.wait()
if attempt == "0":
    if rank == "1": os.kill(os.getpid(), 9)
    time.sleep(60)
print(f"rank {rank}: mean {team.mean([float(rank)])}", flush=True)
"""


@pytest.mark.parametrize("late", [0, 1])
def test_a_second_attempt_does_not_look_for_the_dead_of_the_first(tmp_path, late):
    """torchrun keeps one store for all attempts; who came second used to be looked for where its dead forerunner had
    listened, by who came first.
    """
    script = tmp_path / "late.py"
    script.write_text(LATE)
    said = finished(launch(script, 2, late, torchrun=("--standalone", "--max-restarts=1")))
    assert said.count(": mean [0.5]") == 2, said


DYING = """
import os, time
from pathlib import Path
from pconv_edu.trainer import Trainer
forward = Trainer.forward
def dies(run, image, mask):
    if run.step == 5 and run.team.rank == 1 and not Path(DIED).exists():
        Path(DIED).write_text(str(time.time()))
        os.kill(os.getpid(), 9)
    return forward(run, image, mask)
Trainer.forward = dies
"""

def test_a_process_that_dies_ends_the_job_or_starts_it_again_from_the_checkpoint(tmp_path):
    "Ended within 60 s, with a message; under --max-restarts the same run, to the last bit, as if nobody had died."
    script, images, died = tmp_path / "script.py", photos(tmp_path), tmp_path / "died"
    script.write_text(DYING.replace("DIED", repr(str(died))) + SCRIPT)
    job = launch(script, 2, images, tmp_path / "run")
    said = heard(job)
    assert job.returncode and "SIGKILL" in said and time.time() - float(died.read_text()) < 60
    said = finished(launch(script, 2, images, tmp_path / "run"))
    assert re.search("resumes from step [45] of 7", said), said  # the leader saves its steps, unless it is ended first
    died.unlink()
    said = finished(launch(script, 2, images, tmp_path / "restarted", torchrun=("--standalone", "--max-restarts=1")))
    assert died.exists() and said.count("starts from scratch") == 1
    assert len(re.findall("resumes from step [45] of 7", said)) == 1
    assert_same_run(tmp_path / "run", tmp_path / "restarted")


HELD = """
import signal, time
from pconv_edu.guards import Signals
from pconv_edu.trainer import Trainer
signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever started the tests may ignore it
opened, enter, forward = [], Signals.__enter__, Trainer.forward
Signals.__enter__ = lambda self: opened.append(self) or enter(self)
def held(trainer, *batch):
    if trainer.step == 3: (trainer.folder / f"held_{trainer.team.rank}").touch()
    while trainer.step == 3 and not opened[0].received: time.sleep(.05)
    return forward(trainer, *batch)
Trainer.forward = held
"""


def test_a_signal_to_the_job_saves_and_ends_all_its_processes(tmp_path):
    "The processes are held in step 3 until they have heard it."
    script, images = tmp_path / "script.py", photos(tmp_path)
    script.write_text(HELD + SCRIPT)
    job, both = launch(script, 2, images, tmp_path / "run"), [tmp_path / "run" / f"held_{rank}" for rank in (0, 1)]
    limit = time.monotonic() + 240
    while job.poll() is None and not all(path.exists() for path in both) and time.monotonic() < limit: time.sleep(.05)
    job.terminate()
    said = heard(job)
    assert job.returncode and "SIGTERM: saved after step 4" in said, said
    assert checkpoint.load(checkpoint.latest(tmp_path / "run")).state["step"] == 4


def command(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pconv_edu.train", *map(str, arguments)],
        text=True,
        capture_output=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def test_the_command_trains_and_goes_on(tmp_path, capsys):
    arguments = [str(photos(tmp_path)), "--out", str(tmp_path / "run"), "--size", "64", "--batch", "2",
                 "--vgg", "random", "--weights", "style=0,perceptual=0", "--no-draw", "--no-progress",
                 "--phases", "initial:2:2e-4,fine-tune:1:5e-5:frozen"]
    assert command_module.main(arguments) == 0 and command_module.main(arguments) == 0
    saved = checkpoint.load(checkpoint.latest(tmp_path / "run")).state
    assert saved["step"] == 3 and saved["config"]["phases"][1] == {
        "name": "fine-tune",
        "steps": 1,
        "lr": 5e-5,
        "freeze_encoder_bn": True,
        "hours": None,
    }
    assert saved["config"]["weights"] == {"valid": 1, "hole": 6, "perceptual": 0, "style": 0, "tv": .1}
    assert command_module.main([*arguments, "--batch", "3"]) == 2 and "batch: 2 → 3" in capsys.readouterr().err


def test_the_commands_help_is_that_of_fit():
    import inspect
    said = " ".join(command_module.parser().format_help().split())
    for name in inspect.signature(fit).parameters:
        assert name in ("images", *command_module.IN_PYTHON) or f"--{name.replace('_', '-')}" in said
    assert "pictures in each forward pass, all processes together" in said


def test_a_recipe_is_where_the_options_start_from(monkeypatch, tmp_path):
    "The paper's days for CelebA-HQ; what is given beside it counts more."
    seen = {}
    def noted(images, **options): seen.update(options)
    monkeypatch.setattr(command_module.train, "fit", noted)
    assert command_module.main(["photos", "--recipe", "celeba_hq", "--batch", "2", "--tensorboard"]) == 0
    assert {**seen, "phases": [phase.hours for phase in seen["phases"]]} == dict(
        net="paper", size=512, batch=2, tensorboard=True, phases=[72, 24]
    )
    assert go(tmp_path / "run", phases=seen["phases"], dry_run=True)["hours"] == 96


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["nowhere"], "no folder 'nowhere'"),
        (["x", "--batchsize", "3"], "did you mean '--batch'"),
        (["x", "--net", "smal"], "did you mean 'small'"),
        (["x", "--recipe", "place2"], "did you mean 'places2'"),
        (["x", "--vgg", "None", "--weights", "style=3"], "vgg=None"),
        (["x", "--phases", "initial:2"], "write them as"),
        (["x", "--weights", "hol=3"], "did you mean 'hole'"),
    ],
)
def test_the_command_answers_mistakes_in_one_line(arguments, said, capsys):
    try: status = command_module.main(["--vgg", "random", *arguments])
    except SystemExit as error: status = error.code  # argparse's own
    assert status == 2 and said in capsys.readouterr().err


def test_masks_of_the_wrong_polarity_are_refused_before_a_step_is_taken(tmp_path, capsys):
    "Bug: mask polarity mixed up. The network would learn to copy holes, for days."
    for i in range(3):
        save_image(rect_mask(64, 8, 8, 16, 16), tmp_path / "masks" / f"{i}.png")  # saved as it is, the hole is black
    arguments = [str(photos(tmp_path)), "--masks", str(tmp_path / "masks"), "--out", str(tmp_path / "run"),
                 "--size", "64", "--batch", "2", "--vgg", "random", "--weights", "style=0,perceptual=0",
                 "--phases", "initial:1:2e-4", "--no-draw", "--no-progress"]
    assert (
        command_module.main(arguments) == 2
        and "with hole='white' 94% of the pixels are hole" in capsys.readouterr().err
    )
    assert not (tmp_path / "run").exists()
    assert command_module.main([*arguments, "--hole", "black"]) == 0


def test_without_weights_for_vgg_the_command_says_what_to_do(tmp_path):
    run = command(
        photos(tmp_path),
        "--out",
        tmp_path / "run",
        TORCH_HOME=str(tmp_path),
        HTTPS_PROXY="http://127.0.0.1:9",
        https_proxy="http://127.0.0.1:9",
    )
    assert (
        run.returncode == 2
        and run.stderr.startswith("error: VGG-16's ImageNet weights")
        and "Traceback" not in run.stderr
        and not (tmp_path / "run").exists()
    )


# --- what a long run may meet


def test_starting_over_leaves_what_is_not_the_runs(tmp_path):
    """Bug: resume=False moved everything in `out`, photos to train on included; and after a deleted earlier_1 it took
    a name that was there.
    """
    for i, picture in enumerate(pictures()): save_image(picture, tmp_path / "photos" / f"{i}.png")
    (tmp_path / "thesis.txt").write_text("mine")
    for _ in range(3): go(tmp_path, images=tmp_path / "photos", resume=False)
    assert (tmp_path / "thesis.txt").read_text() == "mine" and len(list((tmp_path / "photos").iterdir())) == 5
    shutil.rmtree(tmp_path / "earlier_1")
    go(tmp_path, images=tmp_path / "photos", resume=False)
    assert sorted(path.name for path in tmp_path.glob("earlier_*")) == ["earlier_2", "earlier_3"]


@pytest.mark.parametrize("on_nan", ["stop", "skip"])
def test_float16_does_not_hide_a_gradient_that_is_nan(tmp_path, monkeypatch, on_nan):
    "Bug: the scaler left out step after step, its scale went to 0, and a run of days trained nothing, without a word."
    def no_gradient(run):
        for p in run.net.parameters(): p.grad.fill_(float("nan"))
        return clip(run)
    clip = Trainer.clip
    monkeypatch.setattr(Trainer, "clip", no_gradient)
    options = dict(precision="float16", phases=(Phase("initial", 30, 1e-4),), on_nan=on_nan)
    if on_nan == "stop":
        with pytest.raises(NotFinite, match="grad_norm=nan"): go(tmp_path, **options)
    else: go(tmp_path, **options)
    assert (
        all(json.loads(line).get("skipped") for line in open(tmp_path / "log.jsonl"))
        and len(log_of(tmp_path).splitlines()) >= 17
    )


class Own(torch.nn.Module):
    "A network of one's own around the package's."
    def __init__(self, config=None):
        super().__init__()
        self.inner = tiny()
        self.encoder = self.inner.encoder
        if config: self.config = config

    def forward(self, image, mask): return self.inner(image, mask)


def test_a_network_of_ones_own_is_frozen_whole(tmp_path):
    """Peer bug 19: the affine was frozen, and the statistics moved, for `train()` of another class knows nothing of
    the flag.
    """
    go(tmp_path, net=Own(), save_every=1, keep=10)
    nets = [checkpoint.load(tmp_path / f"step_{step:08}").tensors["net"] for step in (3, 4, 7)]
    bn = [name for name in nets[0] if name.startswith("encoder.") and ".bn." in name]
    assert (
        bn
        and all(torch.equal(nets[1][name], nets[2][name]) for name in bn)
        and not all(torch.equal(nets[0][name], nets[1][name]) for name in bn)
    )


def test_a_network_whose_encoder_is_something_else(tmp_path):
    "`AttributeError: 'Conv2d' object has no attribute 'bn'`, though no phase froze anything."
    net = Own()
    net.encoder = torch.nn.Conv2d(3, 3, 1)
    assert len(go(tmp_path / "a", net=net, phases=PHASES[:1]).history) == 4
    with pytest.raises(ValueError, match="no .encoder of PConvBlocks"): go(tmp_path / "b", net=net)


@pytest.mark.parametrize("config", [{"widths": (4, 4)}, {"opaque": object()}])
def test_the_configuration_of_a_network_of_ones_own(tmp_path, config):
    """A tuple came back from JSON as a list, so that every resume was refused; an object was refused by JSON at the
    first save.
    """
    for _ in range(2): go(tmp_path, net=Own(config), phases=PHASES[:1])


@pytest.mark.parametrize("what", ["curves", "show_row"])
def test_a_failing_picture_does_not_cost_the_steps(tmp_path, monkeypatch, what):
    "Bug: validation came before the save, so its failure lost the steps, on every restart again."
    def broken(*_, **__): raise OSError("broken data stream")
    monkeypatch.setattr(trainer_module, what, broken)
    with pytest.raises(OSError, match="broken data"): go(tmp_path, draw=True, valid=pictures(2), valid_pairs=2)
    assert checkpoint.latest(tmp_path).name == "step_00000004"


def test_a_validation_loss_that_is_no_number(tmp_path, monkeypatch):
    "JSON refused NaN, and there was no checkpoint."
    monkeypatch.setattr(
        InpaintingDataset,
        "__getitem__",
        lambda self, n, get=InpaintingDataset.__getitem__: (
            get(self, n)[0] * (float("nan") if self.crop == "centre" else 1),
            get(self, n)[1],
        ),
    )
    go(tmp_path, valid=pictures(2), valid_pairs=2)
    assert (
        checkpoint.latest(tmp_path).name == "step_00000007"
        and "not a finite number" not in (tmp_path / "log.jsonl").read_text()
    )
    assert "not finite" in (tmp_path / "events.jsonl").read_text()


def test_a_stop_for_nan_keeps_the_score(tmp_path, monkeypatch):
    "Bug: the same step was saved again without its score, so that the best checkpoint could be deleted."
    poison(monkeypatch, [4])
    with pytest.raises(NotFinite): go(tmp_path, valid=pictures(2), valid_pairs=2)
    assert json.loads((tmp_path / "step_00000004" / "manifest.json").read_text())["score"] > 0


def test_many_validation_pairs(tmp_path):
    "All pairs went onto one sheet, which JPEG cannot hold."
    go(tmp_path / "many", valid=pictures(20), valid_pairs=20, draw=True)
    few = go(tmp_path / "few", valid=pictures(16), valid_pairs=16, draw=True)
    sheets = [Image.open(tmp_path / name / "samples" / "step_00000007.jpg").size for name in ("many", "few")]
    assert sheets[0] == sheets[1] and few


def test_pictures_that_the_data_set_copes_with(tmp_path):
    "A link to nowhere; numbers of bfloat16: the hash of the files failed, where the data set does not."
    for i, picture in enumerate(pictures()): save_image(picture, tmp_path / "photos" / f"{i}.png")
    (tmp_path / "photos" / "9.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.warns(UserWarning, match="9.png"): go(tmp_path / "a", images=tmp_path / "photos")
    go(tmp_path / "b", images=[picture.bfloat16() for picture in pictures()])


def test_some_lines_of_a_long_log(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b"".join(b'{"step": %d}\n' % k for k in range(1000)) + b'{"st')
    assert [line["step"] for line in read_log(tmp_path)] == list(range(1000))
    some = [line["step"] for line in read_log(tmp_path, most=100)]
    assert some == list(range(0, 1000, 10)) and read_log(tmp_path / "nowhere", most=5) == []


@pytest.mark.parametrize("kind, all_of_them", [("cpu", False), ("cuda", True), ("mps", True)])
def test_a_step_on_a_cpu_seeds_its_generator_alone(monkeypatch, kind, all_of_them):
    torch.manual_seed(5)
    wanted, whole, seen = torch.rand(3), torch.manual_seed, []
    monkeypatch.setattr(torch, "manual_seed", lambda seed: seen.append(seed) or whole(seed))
    trainer_module._reseed(torch.device(kind), 5)
    assert torch.equal(torch.rand(3), wanted) and seen == [5] * all_of_them
