"""Judges of lesson 14: fit."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("14.1")
def first_position(answer):
    if answer == 600: return "each step takes four batches of 6, not one"
    if answer == 2376: return "step 100, counted from 0, is the 101st: a hundred steps lie before it"
    if answer == 2401: return "positions count from 0 too"
    if answer != 2400: return "how many pictures do the hundred steps before it use up?"


@exercise("14.2")
def computed_twice(answer):
    if answer == 7000: return "those are kept: the checkpoint of step 7,000 is the newest"
    if answer == 500: return "it was killed before the next checkpoint was due: fewer"
    if answer == 200: return "that is what was missing up to the next checkpoint"
    if answer != 300: return "from which step does it resume, and how far had it got?"


@exercise("14.3")
def same_to_the_last_bit(answer):
    w = torch.tensor([1., 2.])
    if not answer({"w": w, "b": w}, {"b": w.clone(), "w": w.clone()}):
        return "equal tensors under equal names, in another order, are the same"
    try:
        if answer({"w": w}, {"w": w, "b": w}) or answer({"w": w, "b": w}, {"w": w}):
            return "one of them has an extra tensor; compare the names in both directions"
    except KeyError: return "a name that only one of them has raises KeyError; compare the names first"
    if answer({"w": w}, {"w": w + 1e-7}): return "1 and 1 + 1e-7 are not the same to the last bit: allclose is too kind"
    if answer({"w": w / 3}, {"w": (w / 3).nextafter(w)}):
        return "these two print the same, and their last bits differ: compare the numbers, not what is printed"
    if answer({"w": w}, {"w": w[None]}): return "the same numbers in another shape are not the same tensor"
    if not answer({"n": torch.tensor(3)}, {"n": torch.tensor(3)}):
        return "BatchNorm's count of batches is a tensor without dimensions, and these two are equal"
    if answer({"w": w}, {"w": w.double()}): return "float32 and float64 are not the same bits; compare dtype as well"
    if answer({"w": w}, {"w": w[:1].clone().expand(2)}): return "these tensors differ in their second number"
    if not answer({"w": torch.tensor([float("nan")])}, {"w": torch.tensor([float("nan")])}):
        return "NaN == NaN is False; torch.equal says so too. Compare the bytes, or treat NaN separately"
