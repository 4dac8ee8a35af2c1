"""The recipe: two phases, their learning rates, and what stands still in the second."""
import copy

import pytest
import torch

from pconv_edu.losses import InpaintingLoss, LossWeights
from pconv_edu.phases import FINE_TUNE, INITIAL, RECIPES, Phase, in_steps, phase_at
from pconv_edu.unet import PConvUNet, freeze_encoder_bn


def test_the_papers_two_phases():
    "Bug: phase 2 trains at 5e-4 instead of 5e-5, and the loss jumps."
    assert (INITIAL.lr, INITIAL.freeze_encoder_bn) == (2e-4, False)
    assert (FINE_TUNE.lr, FINE_TUNE.freeze_encoder_bn) == (5e-5, True)


def test_each_step_belongs_to_one_phase():
    phases = Phase("a", 3, 1e-3), Phase("b", 1, 1e-4), Phase("c", 2, 1e-5)
    assert "".join(phase_at(phases, step)[0].name for step in range(6)) == "aaabcc"
    assert [phase_at(phases, step)[1:] for step in range(6)] == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]
    for step in (-1, 6):
        with pytest.raises(ValueError, match=f"step {step} lies outside the 6 steps of phases"): phase_at(phases, step)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(steps=0), dict(steps=-3), dict(steps=2.5), dict(steps=None), dict(steps=10, hours=1),
        dict(steps=None, hours=0), dict(lr=0), dict(lr=-1e-4), dict(lr=float("inf")), dict(lr=float("nan")),
    ],
)
def test_a_phase_that_cannot_work_is_refused_by_its_name(wrong):
    with pytest.raises(ValueError, match="phase 'mine'"): Phase(**{"name": "mine", "steps": 10, "lr": 1e-4, **wrong})


def test_hours_become_steps():
    phases = in_steps([Phase("a", None, 1e-4, hours=2), Phase("b", 7, 1e-5)], seconds=.5)
    assert [(p.steps, p.hours) for p in phases] == [(14_400, None), (7, None)]


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_hold_arguments_of_fit(name):
    import inspect
    from pconv_edu.train import fit
    recipe = RECIPES[name]
    inspect.signature(fit).bind_partial(**recipe)
    assert [phase.lr for phase in recipe["phases"]] == [2e-4, 5e-5] and recipe["batch"] == 6
    assert name == "own_folder" or recipe["size"] == 512


# --- the freeze

def train(net, steps: int, lr: float = 5e-5):
    "A few steps by hand, with `net.train()` before each as loops of other people have it."
    loss = InpaintingLoss(LossWeights(perceptual=0, style=0))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        net.train()
        image = torch.rand(2, 3, 32, 32, generator=generator)
        mask = (torch.rand(2, 1, 32, 32, generator=generator) > .3).float()
        optimizer.zero_grad()
        loss(net(image, mask), image, mask)[0].backward()
        optimizer.step()


def moved(before: dict, net) -> set[str]:
    return {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}


def test_nothing_of_the_encoders_batchnorm_moves_when_it_is_frozen():
    "Bug: freezing sets only `eval()` and the affine still trains; or the next `train()` un-freezes it."
    torch.manual_seed(0)
    net = freeze_encoder_bn(PConvUNet(widths=(8, 16, 16)))
    before = copy.deepcopy(net.state_dict())
    train(net, 3)
    frozen = {name for name in before if name.startswith("encoder.") and ".bn." in name}
    assert len(frozen) == 10 and not moved(before, net) & frozen
    assert moved(before, net) == set(before) - frozen  # and all the rest does move


def test_unfrozen_everything_moves():
    torch.manual_seed(0)
    net = freeze_encoder_bn(freeze_encoder_bn(PConvUNet(widths=(8, 16, 16))), frozen=False)
    before = copy.deepcopy(net.state_dict())
    train(net, 3)
    assert moved(before, net) == set(before)
