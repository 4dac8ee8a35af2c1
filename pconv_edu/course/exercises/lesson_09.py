"""Judges of lesson 09: the TV loss; and four TV losses with a planted bug each."""
import torch
from torch import Tensor

from pconv_edu.course.exercises import exercise
from pconv_edu.losses.pixel import composite
from pconv_edu.losses.tv import hole_ring, tv_loss

BUGS = {"A": "edge of R", "B": "raw output", "C": "one row", "D": "whole picture"}  # what exercise 9.2 asks for


def _edge_of_ring(output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    return tv_loss(hole_ring(mask) * composite(output, image, mask), torch.zeros_like(mask))


def _raw_output(output: Tensor, image: Tensor, mask: Tensor) -> Tensor: return tv_loss(output, mask)


def _one_row(output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    comp, ring = composite(output, image, mask), hole_ring(mask)
    across = (ring[..., 1:] * ring[..., :-1] * (comp[..., 1:] - comp[..., :-1]).abs()).sum()
    return (
        across + (ring[..., :1, :] * ring[..., -1:, :] * (comp[..., :1, :] - comp[..., -1:, :]).abs()).sum()
    ) / comp.numel()


def _whole_picture(output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    return tv_loss(composite(output, image, mask), torch.zeros_like(mask))


suspects = {"A": _edge_of_ring, "B": _raw_output, "C": _one_row, "D": _whole_picture}


@exercise("9.1")
def tv_of_one_bright_pixel(answer):
    if abs(float(answer) - 20) < 1e-4: return "that is the sum; divide by the 9 values of the picture"
    if abs(float(answer) - 40 / 9) < 1e-3: return "each pair of neighbours counts once, not from both sides"
    if abs(float(answer) - 10 / 9) < 1e-3: return "the middle pixel has four neighbours: two across, two down"
    if abs(float(answer) - 20 / 9) > 6e-3:
        return "R is the whole 3 × 3 picture. Which of its 12 pairs differ, and by how much?"


@exercise("9.2")
def name_the_bugs(answer):
    if not isinstance(answer, dict) or set(answer) != set(BUGS):
        return 'answer with a dict that names a bug for each of "A", "B", "C" and "D"'
    unknown = set(answer.values()) - set(BUGS.values())
    if unknown: return f"{sorted(map(str, unknown))}: choose from {sorted(BUGS.values())}"
    wrong = [name for name, bug in BUGS.items() if answer[name] != bug]
    tell = {
        "edge of R": "a picture of one colour costs something",
        "raw output": "a change of the output at valid pixels beside the hole costs something",
        "one row": "horizontal stripes over the whole picture cost nothing",
        "whole picture": "noise in the photo far from the hole costs something",
    }
    if wrong: return f"{len(wrong)} of 4 are wrong; for {wrong[0]}: {tell[BUGS[wrong[0]]]}. Try it"


@exercise("9.3")
def squared_tv(answer):
    g = torch.Generator().manual_seed(0)
    picture = torch.rand(2, 3, 5, 7, generator=g)
    across, down = (picture[..., 1:] - picture[..., :-1]), (picture[..., 1:, :] - picture[..., :-1, :])
    got, sums = float(answer(picture)), (across.square().sum() + down.square().sum()).item()
    near = lambda value: abs(got - value) < 1e-4 * max(1, abs(value))
    if near(sums / picture.numel()): return None
    if near(sums): return "the sum is right; divide by picture.numel()"
    if near(sums / picture[0].numel()): return "divide by the size of the whole batch, picture.numel()"
    if near((across.abs().sum() + down.abs().sum()).item() / picture.numel()):
        return "those are absolute differences; square them"
    if near(across.square().sum().item() / picture.numel()) or near(down.square().sum().item() / picture.numel()):
        return "across and down both count"
    if near((across.square().mean() + down.square().mean()).item()):
        return "divide both sums by picture.numel(): there are fewer pairs than pixels"
    return "across: picture[..., 1:] − picture[..., :-1]; down: picture[..., 1:, :] − picture[..., :-1, :]"
