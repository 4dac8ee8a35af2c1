"""Judges of lesson 12: initial training."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("12.1")
def steps_of_a_run(answer):
    if answer == 4500: return "that is once through all photos; they are seen 50 times"
    if answer == 1_350_000: return "that counts pictures; one step takes a batch of 6 of them"
    if answer == 8_100_000: return "a larger batch means fewer steps: divide by it"
    if answer != 225_000: return "once through all photos is 27,000 / 6 steps; then 50 times that"


@exercise("12.2")
def a_loss_times_1000(answer):
    if answer == 1000:
        return "that is plain gradient descent; Adam divides by the square root of v, which grows with the gradient"
    if answer in (1000**0.5, 31.6, 31.62):
        return "m grows 1000 times and the square root of v does too (v grows 1,000,000 times)"
    if answer in (0, .001): return "m grows 1000 times too, not only the square root of v by which it is divided"
    if abs(answer - 1) > .01: return "put g = 3 and g = 3000 into the first step of the equation"


@exercise("12.3")
def gradient_descent(answer):
    weights, gradients = (
        [torch.tensor([1.0, 2.0]), torch.tensor([[3.0]])],
        [torch.tensor([10.0, -10.0]), torch.tensor([[0.0]])],
    )
    found, right = answer(weights, gradients, .1), [torch.tensor([0., 3.]), torch.tensor([[3.]])]
    if not isinstance(found, (list, tuple)) or len(found) != 2:
        return "return one new tensor for each weight, as a list"
    close = lambda wanted: all(a.shape == b.shape and torch.allclose(a, b) for a, b in zip(found, wanted))
    if close([torch.tensor([2.0, 1.0]), right[1]]):
        return "that walks uphill: the gradient points to where the loss grows"
    if close([torch.tensor([-9., 12.]), right[1]]): return "the learning rate is missing: w - lr · g"
    if any(close([torch.tensor([-1., 1.]) * sign, 0 * right[1]]) for sign in (1, -1)):
        return "that returns the move, not the new weight: w - lr · g"
    if not close(right): return "for w = 1, g = 10 and lr = 0.1 the new weight is 0"
