"""The benchmark: it compares networks that compute the same, in turns, and writes down what it measured."""
import json
import mmap
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch

from pconv_edu import unet
from pconv_edu.course import bench, bench_inpaint, bench_loss
from pconv_edu.course.bench import (
    FORMS, Case, PublishedUNet, as_table, compare, draw_rows, in_turns, peak, prepare, ratio, resident,
)
from pconv_edu.losses import TERMS, InpaintingLoss, LossWeights
from pconv_edu.masks import irregular_mask
from pconv_edu.merged import double_and_convolve
from pconv_edu.unet import PConvUNet

TINY = Case("ours", "inference", size=64, net="small")


@pytest.mark.parametrize("head", ["linear", "tanh"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("merged", [True, False])
def test_the_published_form_computes_the_same(head, training, merged):
    torch.manual_seed(0)
    net = PConvUNet((4, 6, 6), head=head).double().train(training)
    assert [block.merged for block in net.decoder] == [False, True, True]
    for p in net.parameters(): p.data.add_(.05)
    published = PublishedUNet(net, merged).train(training)
    image, mask = (
        torch.rand(2, 3, 32, 40).double(),
        torch.stack([irregular_mask((32, 40), ratio=0.4, seed=i) for i in range(2)]).double(),
    )
    ours, theirs = net(image, mask), published(image, mask)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)  # it adds 1e-8 to each count
    ours.square().mean().backward(), theirs.square().mean().backward()
    for (name, p), q in zip(net.named_parameters(), published.parameters()):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-4, atol=1e-7, msg=name)


def test_all_forms_have_the_same_weights():
    nets = [PConvUNet.small(), PConvUNet.small(partial=False), PublishedUNet(PConvUNet.small())]
    assert len({sum(p.numel() for p in net.parameters()) for net in nets}) == 1


def test_forms_take_turns():
    calls = []
    times = in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=3)
    assert calls[-6:] == list("ababab") and {len(t) for t in times.values()} == {3}


def test_ratio_is_taken_round_by_round():
    "The quotient of two medians would be 2 here; in every single round it is 1.5."
    assert ratio([1.5, 15., 150.], [1., 10., 100.]) == (1.5, 1.5, 1.5)
    assert ratio([1, 2, 3, 4, 5], [1] * 5) == (3, 2, 4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "mode, layout, dtype", [("inference", "channels-last", "bfloat16"), ("training", "contiguous", "float32")]
)
def test_every_case_runs(form, mode, layout, dtype):
    prepare(replace(TINY, form=form, mode=mode, layout=layout, dtype=dtype, batch=2))()


def test_who_has_merged_kernels(monkeypatch):
    "The published form is as published, unless everybody gets the same; without the trick nobody has it."
    made, called = [], []
    monkeypatch.setitem(unet.NETS, "small", lambda **options: made.append(PConvUNet((4, 6), **options)) or made[-1])
    monkeypatch.setattr(
        bench, "double_and_convolve", lambda *given: called.append(1) or double_and_convolve(*given)
    )
    for merged, wanted in (("ours", [2, 2]), ("none", [0, 0]), ("all", [2, 2])):
        for form in FORMS: prepare(replace(TINY, form=form, merged=merged))()
        assert [sum(b.merged for b in net.decoder) for net in made[-3:-1]] == wanted
        assert len(called) == (4 if merged == "all" else 0)  # two blocks, features and masks


def test_a_training_case_makes_gradients(monkeypatch):
    made = []
    monkeypatch.setitem(unet.NETS, "small", lambda **options: made.append(PConvUNet((4, 6), **options)) or made[-1])
    prepare(replace(TINY, mode="training"))()
    assert all(p.grad is not None for p in made[0].parameters())


def test_rows_table_and_picture():
    row = compare(TINY, layouts=("contiguous",), repeats=2, memory=False)
    assert row["size"] == 64 and set(row["ms"]) == set(FORMS) == set(row["layouts"])
    json.dumps(row)
    table = as_table(
        [row, row | {"MB": dict.fromkeys(FORMS, 7), "memory ours/plain": 1.0, "memory published/ours": 2.0}]
    )
    lines = table.splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1 and "7, 7, 7 | 1.00 | 2.00" in lines[3]
    assert len(draw_rows([row, row]).axes[0].patches) == 6


def test_the_picture_shows_the_ratios_of_the_table():
    "Median over median is not the median of the ratios: a round in which the machine was busy would count."
    row = compare(TINY, layouts=("contiguous",), repeats=2, memory=False) | {
        "ours/plain": (1.25, 1, 2),
        "published/plain": (2.5, 2, 3),
    }
    assert sorted(bar.get_width() for bar in draw_rows([row]).axes[0].patches) == [1, 1.25, 2.5]


@pytest.mark.parametrize("main", [bench.main, bench_loss.main, bench_inpaint.main])
def test_one_round_has_no_quartiles(main, capsys):
    with pytest.raises(SystemExit): main(["--repeats", "1"])
    assert "--repeats: '1': give a whole number, 2 or more" in capsys.readouterr().err
    with pytest.raises(ValueError, match="repeats=1"): bench.in_turns({"a": lambda: None}, repeats=1)


def test_resident_memory_is_seen():
    # not a tensor: its memory may come from what earlier tests gave back
    before, kept = resident(), mmap.mmap(-1, 2**26)
    for page in range(0, len(kept), 4096): kept[page] = 1
    assert resident() - before > 50 * 2**20 and resident(peak=True) >= resident() - 2**20


def test_peak_of_a_process_of_its_own():
    need = peak(replace(TINY, mode="training", batch=2))
    weights = 4 * sum(p.numel() for p in PConvUNet.small().parameters())
    assert 2 * weights < need < 2 * weights + 300 * 2**20  # weights, gradients, and some


def test_a_failing_process_says_why():
    with pytest.raises(RuntimeError, match="no such form|published|KeyError|unrecognized"):
        bench.run_alone(["--no-such-option"])


def test_command(tmp_path, capsys):
    bench.main(
        [
            "--net", "small", "--modes", "training", "--sizes", "64", "--batch", "2", "--layouts", "contiguous",
            "--repeats", "2", "--no-memory", "--out", str(tmp_path),
        ]
    )
    assert {p.name for p in tmp_path.iterdir()} == {"bench.json", "bench.md", "bench.png"}
    assert "| training 2 × 64², float32, eager |" in capsys.readouterr().out


@pytest.mark.parametrize("module", ["pconv_edu.course.bench", "pconv_edu.course.bench_loss"])
def test_help(module):
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "--size" in done.stdout and "default" in done.stdout and "--peak" not in done.stdout


def test_six_passes_give_the_same_loss_and_gradient():
    loss = InpaintingLoss(LossWeights(valid=1, hole=6, perceptual=.05, style=120, tv=.1), vgg="random")
    output, image, mask = bench_loss.example(48, 2)
    ours, plain = loss(output, image, mask)[0], bench_loss.six_passes(loss, output, image, mask)
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=0)
    slopes = [torch.autograd.grad(total, output)[0] for total in (ours, plain)]
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-6)


def test_parts_of_a_step():
    parts = bench_loss.step_parts(size=64, batch=2, repeats=1, net="small")
    assert list(parts) == list(bench_loss.PARTS) and min(parts.values()) > 0
    assert len(bench_loss.draw_parts(parts).axes[0].patches) == 5


def test_an_eye_that_sees_less_is_another_step_with_the_same_terms(monkeypatch):
    "Each eye really sees as many levels as its line says, and pixel terms alone look through none."
    seen = []
    honest = bench_loss.perceptual_loss
    monkeypatch.setitem(TERMS, "perceptual", replace(
        TERMS["perceptual"], compute=lambda *views: seen.append([list(f.shape) for f in views[0]]) or honest(*views)))
    for eye in (bench_loss.PIXELS, *bench_loss.EYES):
        bench_loss._whole_step(eye, 32, 2, "cpu", "small", False)()
    assert [len(levels) for levels in seen] == [2, 3, 2, 3]
    assert seen[0] == [[2, 64, 15, 15], [2, 128, 7, 7]] and seen[3][2] == [2, 256, 4, 4]


def test_a_step_that_does_not_fit_into_memory_is_an_answer_in_the_tables():
    "Bug: `fit` fitted, the bare step did not, and the tables of eight minutes on a GPU were lost with a KeyError."
    from pconv_edu.course.bench_all import Setting, _against, as_tables
    assert _against(6., {"rate": 8.}) == {"the bare step": 8., "busy": .75}
    full = {"error": "out of memory"}
    about = [asdict(Setting("small", 64, 2, compiled=False, form=form)) for form in ("ours", "published")]
    ours, published = ({**row, "name": "small"} for row in about)
    rows = [{**ours, **full}, {**published, "rate": 4., "gb": 1., "warm-up": 2.}]
    tables = as_tables(rows, {"bfloat16": 1e12, "float32": 1e12, "tf32": 1e12}, _against(6., full), [])
    assert "- the bare step: out of memory" in tables and "busy" not in tables and "| 4.0 |" in tables
