"""Judges of lesson 10: the total loss; and a loss with a planted bug."""
from dataclasses import asdict, is_dataclass

from torch import Tensor

from pconv_edu.course.exercises import choices, exercise
from pconv_edu.losses import LossWeights, VGG16Features, hole_loss, perceptual_loss, style_loss, tv_loss, valid_loss
from pconv_edu.losses.total import TERMS, used

_vgg = []  # made at the first call


def suspect_loss(output: Tensor, image: Tensor, mask: Tensor) -> dict[str, Tensor]:
    "The five terms, some of them wrong: they judge the output where they should judge the composite."
    if not _vgg: _vgg.append(VGG16Features("shipped"))
    out, gt = _vgg[0](output), _vgg[0](image)
    return {
        "valid": valid_loss(output, image, mask),
        "hole": hole_loss(output, image, mask),
        "perceptual": perceptual_loss(out, out, gt),
        "style": style_loss(out, gt) * 2,
        "tv": tv_loss(output, mask),
    }


@exercise("10.1")
def total_of_five_terms(answer):
    near = lambda value: abs(float(answer) - value) < 1e-4
    if near(.711): return "that is the sum without weights"
    if near(.205): return "style has the weight 120"
    if not near(.324): return "1·0.05 + 6·0.02 + 0.05·0.6 + 120·0.001 + 0.1·0.04"


@exercise("10.2")
def weights_for_another_range(answer):
    # by its fields: on its page, `LossWeights` is the class of the page's own cell
    if isinstance(answer, type) or not is_dataclass(answer) or {*asdict(answer)} != {*TERMS}:
        return "answer with LossWeights(valid=…, hole=…, perceptual=…, style=…, tv=…)"
    got = asdict(answer)
    ratio = {name: got[name] / weight for name, weight in used(LossWeights()).items()}
    scale = ratio["perceptual"]
    if scale == 0 or abs(ratio["style"] / scale - 1) > 1e-6:
        return "perceptual and style do not change with the range: leave them in proportion"
    wrong = [name for name in ("valid", "hole", "tv") if abs(ratio[name] / scale - .5) > 1e-6]
    if wrong and all(abs(ratio[name] / scale - 2) < 1e-6 for name in wrong):
        return "the other way round: these terms have doubled already"
    if len(wrong) == 3 and all(abs(ratio[name] / scale - 1) < 1e-6 for name in wrong):
        return ("all five are in the old proportion, but not all five terms change: valid, hole and tv double in "
                "[−1, 1], perceptual and style do not")
    if wrong: return f"{', '.join(wrong)}: in [−1, 1] this term is twice as large. What must its weight be?"


@exercise("10.3")
def terms_that_forget_the_composite(answer):
    answer = choices(answer, list(TERMS))
    if answer & {"valid", "hole"}:
        return "valid and hole are right: they judge the output itself, each in its own part of the picture"
    if answer != {"perceptual", "style", "tv"}:
        return "three terms should look at the composite, and never do: compare the second table, where the composite is perfect"
