"""Judges of lesson 19: which loss?"""
import torch

from pconv_edu.course.exercises import choices, exercise


@exercise("19.1")
def constant_of_a_pixel_loss(answer):
    if abs(answer - .41) < .005: return "that is the mean, which the squared error would choose"
    if abs(answer - .9) < 1e-6: return "0.9 is true in only three cases out of ten; in the other seven you are wrong by 0.7"
    if abs(answer - .55) < 1e-6: return "halfway is wrong by 0.35 each time; try 0.2 and compare"
    if abs(answer - .2) > 1e-6: return "compute 0.7 · |x − 0.2| + 0.3 · |x − 0.9| for a few x between the two"


@exercise("19.2")
def whom_vgg_may_judge(answer):
    arms = ["valid + hole", "+ perceptual", "+ style", "+ TV"]
    given = choices(answer, arms)
    if "valid + hole" not in given: return "there is an arm that never looked through VGG-16 while it trained"
    if len(given) > 1: return "an arm whose loss looks through VGG-16 was trained to please this very judge"


@exercise("19.3")
def fill_with_the_smallest_error(answer):
    truths = torch.tensor([[0., 1, 0, .2], [1, 1, 0, .4], [0, 0, 0, .9], [0, 1, 1, .3], [.5, 1, 0, .5]])
    found = answer(truths.clone())
    if not isinstance(found, torch.Tensor): return "return a tensor of numbers, one for each pixel"
    if found.shape != (4,): return f"return one number for each of the 4 pixels; yours has shape {list(found.shape)}"
    if torch.allclose(found, truths.mean(0)): return "that is the mean: it has the smallest squared error"
    if any(torch.equal(found, truth) for truth in truths):
        return "that is one of the truths; a mix of them, pixel by pixel, has a smaller error"
    if not torch.allclose(found, truths.median(0).values):
        return "for each pixel alone, which number has as many truths below it as above it?"
