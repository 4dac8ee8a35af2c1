"""What researchers hang onto a run: a log function, an optimizer and a schedule of their own, a config file."""
from functools import partial

import pytest
import torch

from pconv_edu import checkpoint, fit
from pconv_edu.commands.train import main, parser, read_config
from pconv_edu.options import Options, as_config
from pconv_edu.phases import Phase
from pconv_edu.pictures import save_image
from pconv_edu.unet import PConvUNet

PHASES = Phase("one", 4, 1e-3), Phase("two", 2, 1e-3, freeze_encoder_bn=True)
MOMENTUM = partial(torch.optim.SGD, momentum=.9)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for i, photo in enumerate(torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(0))):
        save_image(photo, folder / f"{i}.png")
    return folder


def go(photos, out, phases=PHASES, **more):
    torch.manual_seed(0)
    how = dict(size=32, batch=2, vgg=None, draw=False, progress=False, valid=photos, valid_pairs=1)
    return fit(photos, out=out, net=PConvUNet(widths=(4, 8)), phases=phases, **{**how, **more})


def same(a, b): return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))


def test_a_function_is_told_each_line_and_each_validation(photos, tmp_path):
    told = []
    run = go(photos, tmp_path, log=told.append)
    assert [line for line in told if "loss" in line] == run.history and len(run.history) == 6
    assert [line["step"] for line in told if "validation" in line] == [3, 5]


def test_an_error_of_that_function_ends_the_run_and_loses_no_step(photos, tmp_path):
    def log(line):
        if line["step"] == 2: raise ConnectionError("no server")
    with pytest.raises(ConnectionError, match="no server"): go(photos, tmp_path, log=log)
    assert checkpoint.latest(tmp_path).name == "step_00000003"
    assert same(go(photos, tmp_path).net, go(photos, tmp_path / "whole").net)


def test_a_schedule_gives_the_factor_of_each_step(photos, tmp_path):
    run = go(photos, tmp_path, schedule=lambda step, steps: 1 - step / steps)
    assert [line["lr"] for line in run.history] == pytest.approx([1e-3, .75e-3, .5e-3, .25e-3, 1e-3, .5e-3])
    with pytest.raises(ValueError, match="the schedule gave -1; a learning rate"):
        go(photos, tmp_path / "bad", schedule=lambda *_: -1)


def test_an_optimizer_with_momentum_resumes_exactly(photos, tmp_path):
    how = dict(optimizer=MOMENTUM, schedule=lambda step, steps: .9 ** step)
    whole = go(photos, tmp_path / "whole", **how)
    go(photos, tmp_path / "parts", PHASES[:1], **how)
    parts = go(photos, tmp_path / "parts", resume="changed", **how)
    assert same(whole.net, parts.net) and whole.history == parts.history
    assert not same(whole.net, go(photos, tmp_path / "adam").net)


def test_one_step_of_that_optimizer_by_hand(photos, tmp_path):
    "SGD without momentum: the step is the learning rate times a gradient of the norm that the log has."
    torch.manual_seed(0)
    before = torch.cat([p.detach().flatten() for p in PConvUNet(widths=(4, 8)).parameters()])
    run = go(photos, tmp_path, (Phase("one", 1, .5),), optimizer=torch.optim.SGD)
    after = torch.cat([p.detach().flatten() for p in run.net.parameters()])
    assert (after - before).norm().item() == pytest.approx(.5 * run.history[0]["grad_norm"], rel=1e-4)


def test_a_run_with_another_optimizer_is_not_resumed_by_accident(photos, tmp_path):
    go(photos, tmp_path, PHASES[:1], optimizer=MOMENTUM)
    with pytest.raises(ValueError, match="optimizer: SGD → None"): go(photos, tmp_path, PHASES[:1])
    with pytest.raises(ValueError, match="optimizer='sgd' cannot be called"): go(photos, tmp_path, optimizer="sgd")


def test_the_config_that_a_run_writes_repeats_it(photos, tmp_path, capsys):
    line = ["--out", str(tmp_path / "a"), "--size", "32", "--batch", "2", "--vgg", "None", "--no-progress",
            "--no-draw", "--phases", "one:2:1e-3,two:1:5e-4:frozen", "--seed", "5"]
    assert main([str(photos), *line, "--weights", "hole=3,perceptual=0,style=0"]) == 0
    assert main(["--config", str(tmp_path / "a" / "config.yaml"), "--out", str(tmp_path / "b")]) == 0
    first, second = (checkpoint.load(checkpoint.latest(tmp_path / name)) for name in "ab")
    assert first.state["config"] == second.state["config"] and first.state["config"]["seed"] == 5
    assert all(torch.equal(first.tensors["net"][name], value) for name, value in second.tensors["net"].items())
    assert main(["--out", str(tmp_path / "c")]) == 2 and "give a folder of pictures" in capsys.readouterr().err


def test_the_config_is_yaml_and_says_what_lives_in_python(tmp_path):
    options = Options("photos: mine", net=PConvUNet(widths=(4,)), vgg=None, phases=PHASES, log=print, clip=.5)
    text = as_config(options)
    assert "# net: given in Python, as PConvUNet\n" in text and "# log: given in Python" in text
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    read = read_config(path)
    assert read["images"] == "photos: mine" and read["clip"] == .5 and read["phases"].startswith("one:4:0.001,")
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(text) == read


@pytest.mark.parametrize("text, message", [
    ("sise: 3", "line 1: .*'size'"), ("size: 3\n  deep: 4", "line 2: 'deep: 4' is no line like"),
    ("phases: [1, 2]", "only one value"), ("size 3", "line 1")])
def test_a_config_with_anything_else_is_refused_by_its_line(tmp_path, text, message):
    (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message): read_config(tmp_path / "run.yaml")


def test_a_config_by_hand_needs_no_quotes(tmp_path):
    (tmp_path / "run.yaml").write_text("# mine\nimages: photos/all\n\nsize: 64\ncompile: true", encoding="utf-8")
    assert read_config(tmp_path / "run.yaml") == {"images": "photos/all", "size": 64, "compile": True}


def test_help_hides_what_a_shell_cannot_say():
    text = parser().format_help()
    assert "--config" in text and not any(f"--{name} " in text for name in ("log", "optimizer", "schedule"))
