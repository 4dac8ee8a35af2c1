"""Partial-convolution padding in other people's models."""
import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pconv_edu.padding import partial_padding
from pconv_edu.partial_conv import PartialConv1d, PartialConv2d, PartialConv3d
from pconv_edu.torchvision_guard import ensure_torchvision

models = ensure_torchvision().models


def quiet(line): pass


class Rewritten(nn.Conv2d):
    "The published padding, written out: the convolution without bias, times window / pixels inside the picture."
    def forward(self, x):
        inside = F.conv2d(
            x.new_ones(1, 1, *x.shape[2:]), x.new_ones(1, 1, *self.kernel_size), None, self.stride,
            self.padding, self.dilation,
        )
        y = F.conv2d(x, self.weight, None, self.stride, self.padding, self.dilation, self.groups) * (
            self.kernel_size[0] * self.kernel_size[1] / inside
        )
        return y if self.bias is None else y + self.bias.view(1, -1, 1, 1)


@pytest.mark.parametrize("name, swapped, left", [("resnet50", 17, 36), ("vgg16_bn", 13, 0)])
def test_models_of_torchvision(name, swapped, left):
    torch.manual_seed(0)
    model = getattr(models, name)(weights=None, **{"init_weights": False} if "vgg" in name else {}).eval()
    if "vgg" in name: model.classifier = nn.Identity()  # 100 million numbers, and no convolution among them
    before = {key: value.clone() for key, value in model.state_dict().items()}
    parameters = list(model.parameters())
    plain, written = copy.deepcopy(model), copy.deepcopy(model)
    for layer in written.modules():
        if type(layer) is nn.Conv2d and layer.padding != (0, 0): layer.__class__ = Rewritten
    lines = []
    assert partial_padding(model, say=lines.append) is model
    assert lines[0] == f"partial padding: {swapped} convolutions swapped, {left} left alone"
    assert sum(isinstance(m, PartialConv2d) for m in model.modules()) == swapped
    assert len(lines) == 1 + (left > 0) and (not left or "36 left alone (no padding): layer1.0.conv1," in lines[1])
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    assert model.state_dict().keys() == before.keys() and all(
        torch.equal(v, before[k]) for k, v in model.state_dict().items()
    )
    with torch.no_grad():
        x = torch.randn(1, 3, 64, 64)
        ours, theirs, zeros = model(x), written(x), plain(x)
    assert torch.allclose(ours, theirs, atol=1e-5, rtol=1e-4) and not torch.allclose(ours, zeros, atol=1e-4)


def test_it_trains_and_loads_its_old_weights():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding="same", bias=False))
    optimizer, state = torch.optim.SGD(model.parameters(), lr=.1), copy.deepcopy(model.state_dict())
    partial_padding(model, say=quiet)
    model(torch.randn(2, 3, 8, 8)).square().mean().backward()
    optimizer.step()
    assert not torch.equal(model[0].weight, state["0.weight"])
    model.load_state_dict(state)
    assert "PartialConv2d" in repr(model) and torch.equal(
        copy.deepcopy(model)(torch.ones(1, 3, 8, 8)), model(torch.ones(1, 3, 8, 8))
    )


def test_says_what_it_left_alone():
    model = nn.Sequential(
        nn.Conv1d(1, 1, 3, padding=1), nn.Conv3d(1, 1, 3, padding=1),
        nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), nn.Conv2d(1, 1, 3),
        nn.Conv2d(1, 1, 3, padding="valid"), nn.Conv2d(1, 1, 1, padding="same"),
        nn.ConvTranspose2d(1, 1, 3, padding=1),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 1, 3, padding=1)), PartialConv2d(1, 1, 3, padding=1),
        nn.Linear(1, 1),
    )
    lines = []
    partial_padding(model, say=lines.append)
    assert type(model[0]) is PartialConv1d and type(model[1]) is PartialConv3d
    assert lines == [
        "partial padding: 2 convolutions swapped, 7 left alone",
        "  1 left alone (padding_mode='reflect' brings real pixels): 2", "  3 left alone (no padding): 3, 4, 5",
        "  1 left alone (a ConvTranspose2d): 6", "  1 left alone (a ParametrizedConv2d): 7",
        "  1 left alone (a PartialConv2d): 8",
    ]


def test_hooks_names_shared_layers_and_modes_stay():
    layer = nn.Conv2d(3, 3, 3, padding=1).double().eval().requires_grad_(False)
    seen = []
    layer.register_forward_hook(lambda *_: seen.append(1))
    model = nn.ModuleDict({"a": layer, "b": layer})
    lines = []
    partial_padding(model, say=lines.append)
    assert lines[0] == "partial padding: 1 convolution swapped, 0 left alone"
    assert model["a"] is model["b"] is layer and not layer.training and not layer.weight.requires_grad
    assert layer(torch.ones(1, 3, 4, 4, dtype=torch.float64)).dtype == torch.float64 and seen == [1]


def test_a_single_convolution_and_a_model_without_one():
    layer = nn.Conv2d(1, 1, 3, padding=1)
    assert partial_padding(layer, say=quiet) is layer and type(layer) is PartialConv2d
    with pytest.raises(ValueError, match="Linear"): partial_padding(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="no padding"): partial_padding(nn.Sequential(nn.Conv2d(1, 1, 1)))


def test_edges_count_one_and_a_half_times_and_corners_two_and_a_quarter():
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(layer.weight, 1 / 9)
    white = torch.ones(1, 1, 5, 5)
    zeros = layer(white)
    ratio = partial_padding(layer, say=quiet)(white) / zeros
    assert torch.allclose(ratio[0, 0, 0], torch.tensor([2.25, 1.5, 1.5, 1.5, 2.25])) and ratio[0, 0, 2, 2] == 1


class ByName(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x): return self.conv(input=x)


def test_what_ran_before_runs_after():
    "A picture without a batch, and the argument's own name."
    x = torch.rand(3, 8, 8)
    for model in (nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), ByName()):
        before = model(x)
        after = partial_padding(model, say=quiet)(x)
        assert after.shape == before.shape
        torch.testing.assert_close(after[:, 1:-1, 1:-1], before[:, 1:-1, 1:-1])
        assert torch.equal(model(x[None])[0], after)
