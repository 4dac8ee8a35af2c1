"""The demo: trains, measures on unseen photos, reports a finished run, resumes an interrupted one, and fails when it
should.
"""
import json
import math
import signal

import pytest
from PIL import Image

from pconv_edu.course import demo
from pconv_edu.course.demo import MEAN, SCORES, TEST, TRAIN, VERDICT, Settings, lost_bins, main, say
from pconv_edu.course.demo import test_photos as photos_to_test
from pconv_edu.losses import TERMS

TINY = Settings(steps=3, size=32, batch=2)
BINS = ["(0.01, 0.1]", "(0.1, 0.2]", "(0.2, 0.3]", "(0.3, 0.4]", "(0.4, 0.5]", "(0.5, 0.6]"]
PSNR, LOOKS = SCORES.values()


def metrics(trained, mean=15.):
    rows = {MEAN: {b: [mean, 1.] for b in BINS}, VERDICT: dict(zip(BINS, [[v, 1.] for v in trained]))}
    looks = {name: dict.fromkeys(BINS, [1., .1]) for name in rows}
    return {PSNR: rows, LOOKS: looks, "test": TEST, "pairs in each bin": 20}


def test_training_never_sees_a_test_photo():
    assert not set(TRAIN) & set(TEST)
    assert {name.split(",")[0] for name in photos_to_test(32)} == set(TEST)


def test_both_phases_as_the_paper_has_them_but_for_the_learning_rate():
    first, second = Settings().phases()
    assert not first.freeze_encoder_bn and second.freeze_encoder_bn
    assert second.lr == pytest.approx(first.lr / 4) and second.steps >= first.steps // 3


def test_better_in_every_bin_is_success_and_one_lost_bin_a_failure_with_its_name(tmp_path, capsys):
    assert say(metrics([16.] * 6), tmp_path) == 0 and "FAILED" not in capsys.readouterr().out
    for lost in (15., 14., math.nan):
        assert lost_bins(metrics([16, 16, lost, 16, 16, 16])[PSNR]) == ["(0.2, 0.3]"]
        assert say(metrics([16, 16, lost, 16, 16, 16]), tmp_path) == 1
        assert "FAILED" in (said := capsys.readouterr().out) and "(0.2, 0.3]" in said.split("FAILED")[1]


def test_the_end_of_the_first_phase_outlives_every_later_checkpoint(monkeypatch):
    asked = {}
    monkeypatch.setattr(demo, "training_data", lambda settings: None)
    monkeypatch.setattr(demo, "fit", lambda data, **options: asked.update(options))
    for steps in (1, 50, 240, 5000):
        demo.train(Settings(steps=steps), None, False)
        total = sum(phase.steps for phase in asked["phases"])
        assert asked["keep"] >= total and total / asked["save_every"] < 8  # none is pruned, and they are few


def test_help_names_the_options(capsys):
    with pytest.raises(SystemExit) as end: main(["--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0 and all(word in said for word in ("--steps", "--fresh", "--out", "make demo ARGS"))
    with pytest.raises(SystemExit) as end: main(["--steps", "0"])
    assert end.value.code == 2


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    "A tiny run that is interrupted in its second step and taken up again."
    out = tmp_path_factory.mktemp("runs") / "demo"
    patch = pytest.MonkeyPatch()
    honest = demo.training_data
    def interrupted(settings):
        data, sample = honest(settings), None
        sample = data.sample
        def sample_and_press(n):
            if n == settings.batch: signal.raise_signal(signal.SIGINT)  # Ctrl-C while the second batch is read
            return sample(n)
        data.sample = sample_and_press
        return data
    patch.setattr(demo, "training_data", interrupted)
    first = main(["--out", str(out)], TINY)
    patch.undo()
    steps_done = sorted(p.name for p in out.glob("step_*"))
    return out, first, steps_done, main(["--out", str(out)], TINY)


def test_an_interrupted_run_is_saved_and_resumed(ran):
    out, first, steps_done, second = ran
    assert first == 130 and steps_done == ["step_00000002"]
    events = [json.loads(line)["event"] for line in (out / "events.jsonl").read_text().splitlines()]
    assert events[0] == "started" and "resumed" in events
    assert [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()] == [0, 1, 2, 3]


def test_everything_is_written(ran):
    out, *_, status = ran
    for name in ("before_after.png", "curves.png"):
        with Image.open(out / name) as picture: assert min(picture.size) > 500
    # the ends of both phases, not the interruption
    assert {p.name for p in out.glob("step_*")} == {"step_00000003", "step_00000004"}
    found = json.loads((out / "metrics.json").read_text())
    rows = found[PSNR]
    assert list(rows) == [MEAN, "untrained net", "after phase 1", VERDICT] and all(
        list(row) == BINS for row in rows.values()
    )
    assert all(-30 < psnr < 60 for row in rows.values() for psnr, _ in row.values())
    assert all(0 < distance < 8 for row in found[LOOKS].values() for distance, _ in row.values())
    assert status == (1 if lost_bins(rows) else 0) and found["better than the mean fill in every bin"] == (status == 0)
    assert (out / "table" / "pairs.json").exists()


def test_the_pixel_terms_were_trained_on(ran):
    "And no network has judged itself: SqueezeNet, the judge, trained nothing."
    lines = [json.loads(line) for line in (ran[0] / "log.jsonl").read_text().splitlines()]
    assert all({"valid", "hole", "tv"} == set(line) & set(TERMS) for line in lines)
    table = json.loads((ran[0] / "table" / "table.json").read_text())
    assert table["trained_by"] == "none" and table["judged_by"] == {"perceptual": "squeezenet1_1"}
    assert [line["phase"] for line in lines] == ["initial"] * 3 + ["fine-tune"]


def test_a_finished_run_is_shown_again_without_training(ran, capsys, monkeypatch):
    out, *_, status = ran
    monkeypatch.setattr(demo, "fit", None)
    assert main(["--out", str(out)], TINY) == status
    said = capsys.readouterr().out
    assert "has run before" in said and "--fresh" in said and "after phase 1" in said and said.count("step_") == 1


def test_other_settings_in_the_same_folder_are_refused_in_words(ran, capsys):
    assert main(["--out", str(ran[0]), "--steps", "5"], TINY) == 2
    said = capsys.readouterr().err
    assert "differently" in said and "--fresh" in said and "Traceback" not in said


def test_fresh_puts_the_old_run_aside(ran, monkeypatch):
    out = ran[0]
    monkeypatch.setattr(demo, "write_report", lambda settings, result, seconds: metrics([16.] * 6))
    assert main(["--out", str(out), "--fresh", "--steps", "1"], TINY) == 0
    assert (out / "earlier_1" / "metrics.json").exists() and not (out / "metrics.json").exists()
    assert sorted(p.name for p in out.glob("step_*")) == ["step_00000001", "step_00000002"]
