"""Out of Python: ONNX files that compute the same, model cards that invent nothing, the hub's methods."""
import copy
import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pconv_edu.export import (
    CONFIG,
    FACTS,
    Graph,
    check_facts,
    export_onnx,
    hub_class,
    hub_model,
    load_onnx,
    model_card,
    read_facts,
    write_card,
)
from pconv_edu.files import BadFile
from pconv_edu.inpainting import inpaint, reach_of
from pconv_edu.unet import PConvUNet
from pconv_edu.weights import load_pretrained, save_pretrained

SIZES = ((1, 64, 64), (1, 65, 31), (3, 50, 77), (1, 1, 1), (3, 9, 5), (1, 17, 200), (1, 128, 96), (3, 33, 1))
NETS = {
    "small": dict(widths=(4, 6, 8, 8, 8, 8)),
    "seven_stage": dict(widths=(4, 6, 8, 8, 8, 8, 8), head="tanh"),
    "paper": dict(widths=(4, 6, 8, 8, 8, 8, 8, 8)),
    "plain": dict(widths=(4, 6, 8, 8), partial=False),
    "plain tanh": dict(widths=(4, 6, 8), partial=False, head="tanh"),
    "bilinear": dict(widths=(4, 6, 8), upsample="bilinear"),
    "plain bilinear": dict(widths=(4, 6), upsample="bilinear", partial=False),
    "one stage": dict(widths=(4,)),
    "grey": dict(widths=(4, 6), in_channels=1, out_channels=1),
    "depth": dict(widths=(4, 6, 8), in_channels=4, out_channels=2),
}


def used(**config) -> PConvUNet:
    "A network whose BatchNorm has statistics and affine parameters of its own, as after a training."
    torch.manual_seed(0)
    net = PConvUNet(**config).train()
    channels = net.config["in_channels"]
    for _ in range(8): net(torch.rand(2, channels, 300, 280), (torch.rand(2, 1, 300, 280) > .3).float())
    for name, p in net.named_parameters():
        if ".bn." in name: p.data += torch.randn_like(p) * .1
    net.decoder[-1].conv.weight.data *= .02
    net.decoder[-1].conv.bias.data += torch.randn(net.config["out_channels"]) * .1
    return net.eval()


def pair(batch, height, width, channels=3):
    image, mask = torch.rand(batch, channels, height, width), (torch.rand(batch, 1, height, width) > .4).float()
    mask[:, :, height // 3:, width // 4:width // 2 + 1] = 0  # windows without a valid pixel
    return image, mask


def difference(net, function, image, mask) -> float:
    with torch.inference_mode(): ours = net(image, mask)
    theirs = function(image, mask)
    assert theirs.shape == ours.shape and theirs.dtype == ours.dtype
    return (ours - theirs).abs().max().item()


@pytest.fixture(scope="module")
def net(): return used(widths=(4, 6, 8))


# ONNX

@pytest.mark.parametrize("name", NETS)
def test_equal_in_onnx_runtime_at_any_size_and_batch(name, tmp_path):
    net = used(**NETS[name])
    function = load_onnx(export_onnx(net, tmp_path / "net.onnx"))
    for size in SIZES:
        found = difference(net, function, *pair(*size, net.config["in_channels"]))
        assert found < 1e-4, f"{name} at {size}: {found}"


@pytest.mark.parametrize("ready", [PConvUNet.small, PConvUNet.seven_stage])
def test_the_ready_sizes_at_their_full_width(ready, tmp_path):
    net = ready().eval()
    net.decoder[-1].conv.weight.data *= .002  # He initialisation alone gives outputs of several hundred
    assert difference(net, load_onnx(export_onnx(net, tmp_path / "net.onnx")), *pair(1, 130, 70)) < 1e-4


def test_a_hole_larger_than_every_window_stays_0_and_no_nan_comes(net, tmp_path):
    "0/0 in windows without a valid pixel."
    image, mask = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., 0, 0] = 1
    found = load_onnx(export_onnx(net, tmp_path / "net.onnx"))(image, mask)
    assert found.isfinite().all() and difference(net, lambda *_: found, image, mask) < 1e-4


def test_what_stands_in_the_hole_does_not_matter(net, tmp_path):
    function, (image, mask) = load_onnx(export_onnx(net, tmp_path / "net.onnx")), pair(1, 40, 40)
    wanted = function(image, mask)
    for value in (float("nan"), float("inf"), 1e6):
        assert torch.equal(function(torch.where(mask > 0, image, value), mask), wanted)


def test_one_mask_for_a_batch(net, tmp_path):
    function, (image, mask) = load_onnx(export_onnx(net, tmp_path / "net.onnx")), pair(3, 40, 40)
    assert difference(net, function, image, mask[:1]) < 1e-4


def test_the_file_says_what_it_takes_and_what_network_it_is(net, tmp_path):
    import onnx
    model = onnx.load(export_onnx(net, tmp_path / "new" / "net.onnx"))
    shape = lambda value: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
    assert {v.name: shape(v) for v in (*model.graph.input, *model.graph.output)} == {
        "image": ["batch", 3, "height", "width"],
        "mask": ["batch", 1, "height", "width"],
        "output": ["batch", 3, "height", "width"],
    }
    assert json.loads({p.key: p.value for p in model.metadata_props}["pconv_edu"]) == net.config
    assert {"encoder.0.conv.weight", "decoder.2.conv.weight"} <= {t.name for t in model.graph.initializer}


def test_a_file_of_other_channels_says_so_and_takes_no_others(tmp_path):
    function = load_onnx(export_onnx(used(**NETS["depth"]), tmp_path / "net.onnx"))
    with pytest.raises(ValueError, match=r"give \[B,4,H,W\]"): function(*pair(1, 16, 16))


def test_edges_that_touch_are_not_translated(tmp_path):
    with pytest.raises(ValueError, match="padding_mode='circular'"):
        export_onnx(PConvUNet((4, 6), padding_mode="circular"), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_half_the_bytes_and_hardly_a_difference(net, tmp_path):
    half = export_onnx(net, tmp_path / "half.onnx", half=True)
    image, mask = pair(1, 96, 96)
    assert difference(net, load_onnx(half), image, mask) < 1e-2
    big = PConvUNet.small()
    sizes = [export_onnx(big, tmp_path / "c.onnx", half=h).stat().st_size for h in (False, True)]
    assert sizes[1] < .51 * sizes[0]


def test_weights_that_are_float16_already_lose_nothing(net, tmp_path):
    stored = load_pretrained(save_pretrained(net, tmp_path / "half.safetensors", dtype=torch.float16))
    assert (
        difference(stored, load_onnx(export_onnx(stored, tmp_path / "half.onnx", half=True)), *pair(1, 65, 70)) < 1e-4
    )


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    net = PConvUNet(widths=(4,))
    net.encoder[0].conv.weight.data[0] = 1e6
    export_onnx(net, tmp_path / "x.onnx")
    with pytest.raises(ValueError, match="encoder.0.conv.weight.*float16"):
        export_onnx(net, tmp_path / "x.onnx", half=True)


def test_the_network_stays_as_it_was(net, tmp_path):
    "BatchNorm baked in training mode; a mode that stays changed."
    net.train()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    function = load_onnx(export_onnx(net, tmp_path / "net.onnx"))
    assert net.training and all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert difference(net.eval(), function, *pair(1, 32, 32)) < 1e-4


def test_it_stands_in_for_the_network_in_inpaint(net, tmp_path):
    image, mask = pair(1, 70, 50)
    found = inpaint(
        image, mask, load_onnx(export_onnx(net, tmp_path / "net.onnx")), window=48, overlap=8, reach=reach_of(net)
    )
    assert (found - inpaint(image, mask, net, window=48, overlap=8)).abs().max() < 1e-4
    assert torch.equal(found * mask, image * mask)


def test_masks_that_are_no_masks_are_refused(net, tmp_path):
    function, (image, mask) = load_onnx(export_onnx(net, tmp_path / "net.onnx")), pair(1, 16, 16)
    with pytest.raises(ValueError, match="binarise"): function(image, mask * .5)
    with pytest.raises(ValueError, match="the mask must be"): function(image, mask[:, :, :8])


def test_what_cannot_be_translated_is_refused(net, tmp_path):
    with pytest.raises(TypeError, match="Conv2d"): export_onnx(torch.nn.Conv2d(3, 3, 1), tmp_path / "x.onnx")
    with pytest.raises(ValueError, match=r"\.onnx"): export_onnx(net, tmp_path / "x.pb")
    strange = PConvUNet(widths=(4,))
    strange.config["attention"] = True
    with pytest.raises(ValueError, match="attention"): export_onnx(strange, tmp_path / "x.onnx")
    assert set(PConvUNet(widths=(4,)).config) == CONFIG, "PConvUNet has another option than export_onnx translates"


def test_a_foreign_onnx_file_is_refused(tmp_path):
    from onnx import TensorProto, helper
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    model = helper.make_model(
        helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    (tmp_path / "x.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="not written by export_onnx"): load_onnx(tmp_path / "x.onnx")


RUBBISH = {
    "garbage": b"garbage",
    "empty": b"",
    "zeros": bytes(1000),
    "a cut file": None,
    "deep nesting": b"\x0a\xff\xff\xff\x7f" * 1000,
}

@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_one_named_error(net, tmp_path, kind):
    data = RUBBISH[kind]
    if data is None: data = export_onnx(net, tmp_path / "whole.onnx").read_bytes()[:-100]
    (tmp_path / "x.onnx").write_bytes(data)
    with pytest.raises(BadFile) as error: load_onnx(tmp_path / "x.onnx")
    assert error.value.path == str(tmp_path / "x.onnx")


def test_a_missing_onnx_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.onnx"): load_onnx(tmp_path / "none.onnx")


def test_a_fill_that_is_not_finite_is_an_error_and_no_black_hole(tmp_path):
    net = used(widths=(4, 6, 8))
    net.decoder[-1].conv.bias.data[:] = 3e38
    function = load_onnx(export_onnx(net, tmp_path / "huge.onnx"))
    with pytest.raises(ValueError, match="huge.onnx"):
        function(torch.full((1, 3, 16, 16), 3e38), torch.ones(1, 1, 16, 16))


def test_one_mask_for_the_whole_batch(net, tmp_path):
    function = load_onnx(export_onnx(net, tmp_path / "x.onnx"))
    image, mask = pair(3, 32, 32)
    assert difference(net, function, image, mask[:1]) < 1e-4


class Negative(PConvUNet):
    def forward(self, image, mask): return 1 - super().forward(image, mask)


def hooked(net): net.encoder[0].conv.register_forward_hook(lambda *_: None)
def circular(net): net.encoder[1].conv.padding_mode = "circular"
def normed(net): torch.nn.utils.parametrizations.spectral_norm(net.encoder[1].conv)
def gelu(net): net.encoder[0].act = torch.nn.GELU()


@pytest.mark.parametrize("change", [hooked, circular, normed, gelu])
def test_a_layer_that_computes_something_else_is_refused_by_name(tmp_path, change):
    "Bug: the nodes of the plain layer were written, and the file computed something else."
    net = used(widths=(4, 6, 8))
    change(net)
    with pytest.raises(ValueError, match="encoder"): export_onnx(net, tmp_path / "x.onnx")


def test_a_forward_of_ones_own_is_refused(tmp_path):
    for take in (lambda net: export_onnx(net, tmp_path / "x.onnx"), hub_model):
        with pytest.raises(TypeError, match="Negative"): take(Negative(widths=(4, 6, 8)))


@pytest.mark.parametrize("wrap", [lambda net: torch.compile(net, backend="eager"), torch.nn.DataParallel])
def test_wrapped_networks_are_exported(net, tmp_path, wrap):
    plain, wrapped = export_onnx(net, tmp_path / "a.onnx"), export_onnx(wrap(net), tmp_path / "b.onnx")
    assert plain.read_bytes() == wrapped.read_bytes()
    assert all(torch.equal(a, b) for a, b in zip(hub_model(wrap(net)).state_dict().values(), net.state_dict().values()))


# without the extras

@pytest.mark.parametrize("package, extra, call", [
    ("onnx", "onnx", "export.export_onnx(PConvUNet(widths=(2,)), 'x.onnx')"),
    ("onnxruntime", "onnx", "export.load_onnx('x.onnx')"),
    ("huggingface_hub", "hub", "export.hub_model(PConvUNet(widths=(2,)))")])
def test_an_extra_that_is_missing_is_named(monkeypatch, package, extra, call):
    from pconv_edu import export
    monkeypatch.setitem(sys.modules, package, None)
    export.hub_class.cache_clear()
    with pytest.raises(ImportError, match=rf"pconv_edu\[{extra}\]"): eval(call)


def test_importing_brings_none_of_them():
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pconv_edu.export; extras = 'onnx', 'onnxruntime', 'onnxscript', 'huggingface_hub';"
            "print([m for m in extras if m in sys.modules])",
        ],
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert said.stdout.strip() == "[]", said.stdout + said.stderr


# the card

def facts_of(net, weights=None) -> dict:
    return dict(
        name="tiny",
        data="40 photos, CC0",
        masks="generated",
        training="10 steps",
        time="1 s, one CPU core",
        date="2026-01-01",
        seeds=[0, 1],
        command="make tiny\nmake sure",
        evaluation="6 photos at 64 px",
        results={"PSNR, dB": {
            "mean fill": {".01–.1": 16.19, ".1–.2": 15.8}, "tiny": {".01–.1": 20.5, ".1–.2": 19}}},
        limits=["Faces.", "Evidence."],
        licence="Apache-2.0",
        config=net.config,
        parameters=sum(p.numel() for p in net.parameters()),
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest() if weights else "00",
    )


def test_a_card_says_everything(net):
    card = model_card(facts_of(net))
    for part in (
        "# tiny",
        "40 photos",
        "10 steps",
        "1 s, one CPU core",
        "[0, 1]",
        "    make tiny\n    make sure",
        "| PSNR, dB | .01–.1 | .1–.2 |",
        "| tiny | 20.5 | 19 |",
        "must not be trusted with\n\n- Faces.\n- Evidence.",
        "Apache-2.0",
        "`00`",
    ):
        assert part in card, f"{part!r} is not in the card:\n{card}"


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("empty", ["absent", "", None, [], {}])
def test_a_fact_that_is_missing_stops_the_card(net, name, empty):
    facts = facts_of(net)
    if empty == "absent": del facts[name]
    else: facts[name] = empty
    with pytest.raises(ValueError, match=f"{name} is missing"): model_card(facts)


def test_the_card_names_the_features_that_trained_it(net):
    told = model_card(facts_of(net) | {"eye": "shipped in bfloat16"})
    assert "**Trained features of the loss:** shipped in bfloat16" in told
    assert "Trained features" not in model_card({k: v for k, v in facts_of(net).items() if k != "eye"})


def test_a_seed_of_0_is_a_fact(net): assert "**Seeds:** 0" in model_card(facts_of(net) | {"seeds": 0})


def test_all_problems_are_named_at_once(net):
    facts = facts_of(net) | {
        "limits": "faces",
        "hardware": "x",
        "results": {"PSNR": {"a": {"b": 1.0}, "c": {"d": float("nan")}}},
    }
    del facts["seeds"]
    with pytest.raises(ValueError) as caught: check_facts(facts)
    for part in ("seeds is missing", "'hardware' is not a fact", "limits is a list", "different columns", "not finite"):
        assert part in str(caught.value)


def test_a_card_belongs_to_its_weights(net, tmp_path):
    weights = save_pretrained(net, tmp_path / "tiny.safetensors")
    with pytest.raises(ValueError, match="tiny.json"): write_card(weights)
    weights.with_suffix(".json").write_text(json.dumps(facts_of(net, weights)))
    assert write_card(weights).read_text(encoding="utf-8") == model_card(read_facts(weights))
    save_pretrained(used(widths=(4, 6, 8), head="tanh"), weights)
    with pytest.raises(ValueError, match="belong to another file"): write_card(weights)


# the hub

def test_what_weights_say_of_themselves_goes_over_the_hub(net, tmp_path):
    "Bug: a fill from the hub was trusted as deep as the layers see, whatever had been measured."
    net = copy.deepcopy(net)
    net.reach, net.trained_by = 32, "imagenet"
    hub_model(net).save_pretrained(tmp_path)
    for again in (hub_class().from_pretrained(tmp_path), load_pretrained(tmp_path)):
        assert (reach_of(again), again.trained_by) == (32, "imagenet")


def test_there_and_back_without_a_network(net, tmp_path):
    hub_model(net, facts_of(net)).save_pretrained(tmp_path)
    again = hub_class().from_pretrained(tmp_path)
    assert isinstance(again, PConvUNet) and again.config == net.config and not again.training
    assert all(torch.equal(t, again.state_dict()[name]) for name, t in net.state_dict().items())
    assert load_pretrained(tmp_path / "model.safetensors").config == net.config
    assert json.loads((tmp_path / "config.json").read_text())["widths"] == [4, 6, 8]


@pytest.mark.parametrize("damage", ["a key is missing", "a value is NaN", "another shape"])
def test_a_folder_that_lacks_weights_is_an_error(net, tmp_path, damage):
    "Bug: the missing ones stayed random, without a word."
    hub_model(net).save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    name = "encoder.1.conv.weight"
    if damage == "a key is missing": del state[name]
    elif damage == "a value is NaN": state[name][0] = float("nan")
    else: state[name] = state[name][:3]
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(BadFile, match=name): hub_class().from_pretrained(tmp_path)


def test_no_file_that_can_hold_code_is_taken(net, tmp_path, monkeypatch):
    "Bug: without model.safetensors the library's own method takes pytorch_model.bin, a pickle."
    hub_model(net).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(net.state_dict(), tmp_path / "pytorch_model.bin")
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle was read"))
    with pytest.raises(ValueError): hub_class().from_pretrained(tmp_path)


def test_the_hubs_file_loads_as_the_usual_class(net, tmp_path):
    hub_model(net).save_pretrained(tmp_path)
    loaded = load_pretrained(tmp_path)
    assert type(loaded) is PConvUNet and difference(net, loaded, *pair(1, 32, 32)) == 0


def test_every_option_comes_back(tmp_path):
    net = PConvUNet(widths=(4, 6), head="tanh", partial=False, upsample="bilinear")
    hub_model(net).save_pretrained(tmp_path)
    assert hub_class().from_pretrained(tmp_path).config == net.config


def test_the_card_on_the_hub_states_the_facts_or_that_there_are_none(net, tmp_path):
    for name, facts, part in (("a", facts_of(net), "40 photos"), ("b", None, "Nobody wrote down")):
        hub_model(net, facts).save_pretrained(tmp_path / name)
        card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
        assert card.startswith("---\nlibrary_name: pconv_edu\n") and part in card
    with pytest.raises(ValueError, match="no card was made"): hub_model(net, {"name": "tiny"})


def test_push_sends_weights_configuration_and_card(net, monkeypatch):
    import huggingface_hub.hub_mixin as mixin
    sent = {}

    class Nowhere:
        def __init__(self, **_): pass
        def create_repo(self, repo_id, **_): return type("Repo", (), {"repo_id": repo_id})
        def upload_folder(self, repo_id, folder_path, **_):
            sent[repo_id] = sorted(path.name for path in folder_path.iterdir())

    monkeypatch.setattr(mixin, "HfApi", Nowhere)
    hub_model(net, facts_of(net)).push_to_hub("you/tiny")
    assert sent == {"you/tiny": ["README.md", "config.json", "model.safetensors"]}


def test_the_copy_leaves_the_network_alone(net):
    copy = hub_model(net)
    copy.encoder[0].conv.weight.data.zero_()
    assert net.encoder[0].conv.weight.abs().sum() > 0


# nodes

def test_a_graph_keeps_numbers_small():
    "float64 constants would make float64 nodes, which a float32 input cannot meet."
    graph = Graph()
    graph("Mul", "image", .5), graph("Pad", "image", [0, 1])
    assert [np.dtype(graph.onnx.helper.tensor_dtype_to_np_dtype(t.data_type)).name for t in graph.constants] == [
        "float32",
        "int64",
    ]
