"""Judges of lesson 14: fit."""
import torch

from pconv_edu.exercises import exercise


@exercise("14.1")
def which_checkpoints_stay(answer):
    none = None
    cases = [({1000: .5, 2000: .3, 3000: .4, 4000: .6}, 2), ({1000: none, 2000: none, 3000: none}, 1), ({500: .1, 1000: none, 1500: .2}, 2), ({100: .3, 200: .2, 300: .1}, 3)]
    right = [{2000, 3000, 4000}, {3000}, {500, 1000, 1500}, {100, 200, 300}]
    got = [set(answer(dict(scores), keep)) for scores, keep in cases]
    if got == right: return None
    if got[0] == {3000, 4000}: return "the newest are right; the best one, of the lowest score, stays as well, however old it is"
    if got[0] == {4000, 2000}: return "of the newest, `keep` stay: two here"
    if got[0] == {1000, 2000}: return "those are the oldest: the newest have the highest steps"
    if got[1] != {3000}: return "where no score was measured there is no best: only the newest stay"
    return f"for {cases[0][0]} and keep=2 the answer is {right[0]}"


@exercise("14.2")
def steps_in_the_log(answer):
    if answer == 7300: return "those were written, but the steps after the checkpoint will be done once more: they would stand there twice"
    if answer == 7001: return "steps 0 to 6,999 are 7,000 steps"
    if answer == 300: return "that is what is cut off"
    if answer == 6999: return "the last step in it is number 6,999; how many are that, counted from 0?"
    if answer != 7000: return "the log must end where the checkpoint stands, for the run goes on from there"


@exercise("14.3")
def shared_mean_and_variance(answer):
    try: mean, variance = (float(value) for value in answer)
    except TypeError: return "answer with two numbers: (mean, variance)"
    if abs(mean - 4) > 1e-6: return "the mean is that of all four values"
    if abs(variance - 1) < 1e-6: return "1 is the variance inside each process; it forgets that the two means lie apart"
    if abs(variance - 20 / 3) < 1e-2: return "divide by 4, not by 3: BatchNorm normalises by the plain mean of the squares"
    if abs(variance - 5) > 1e-6: return "(9 + 1 + 1 + 9)/4, the squares of the distances from 4"


@exercise("14.4")
def usable_terms(answer):
    nan, inf = float("nan"), float("inf")
    if not answer({"loss": 1.5, "tv": 0., "style": -2.}): return "finite numbers are usable, 0 and negative ones too"
    if answer({"loss": nan}): return "NaN passes: every comparison with it is False, so ask for what a good number does, such as abs(x) < inf"
    if answer({"loss": inf}): return "infinity passes; it equals itself, so x == x does not find it"
    if answer({"loss": -inf}): return "minus infinity passes: it is smaller than infinity. Take abs(x), or math.isfinite"
    if answer({"loss": 1., "style": nan}) or answer({"style": nan, "loss": 1.}): return "every term must be looked at, not one of them"
    if answer({"loss": 1., "a": inf, "b": -inf}): return "infinities of both signs hide each other in a sum"


@exercise("14.5")
def what_a_checkpoint_holds(answer):
    try: given = set(answer)
    except TypeError: return "give letters, like 'abc'"
    if "e" in given or "f" in given: return "order and masks are functions of the seed and of the position: the number of steps says where to go on"
    missing = {"a": "the weights", "b": "Adam's moments: without them its first step is as large as at the beginning",
               "c": "BatchNorm's running statistics: inference uses them, and in phase 2 so does training", "d": "the number of steps: phase, learning rate and data follow from it"}
    lost = [text for letter, text in missing.items() if letter not in given]
    if lost: return f"one thing is missing at least: {lost[0]}"
    if given != set("abcd"): return "the letters are a to f"


@exercise("14.6")
def first_position(answer):
    if answer == 600: return "each step takes four batches of 6, not one"
    if answer == 2376: return "step 100, counted from 0, is the 101st: a hundred steps lie before it"
    if answer == 2401: return "positions count from 0 too"
    if answer != 2400: return "how many pictures do the hundred steps before it use up?"


@exercise("14.7")
def computed_twice(answer):
    if answer == 7000: return "those are kept: the checkpoint of step 7,000 is the newest"
    if answer == 500: return "it was killed before the next checkpoint was due: fewer"
    if answer == 200: return "that is what was missing up to the next checkpoint"
    if answer != 300: return "from which step does it go on, and how far had it come?"


@exercise("14.8")
def same_to_the_last_bit(answer):
    w = torch.tensor([1., 2.])
    if not answer({"w": w, "b": w}, {"b": w.clone(), "w": w.clone()}): return "equal tensors under equal names, in another order, are the same"
    try:
        if answer({"w": w}, {"w": w, "b": w}) or answer({"w": w, "b": w}, {"w": w}): return "one of them has a tensor more; compare the names in both directions"
    except KeyError: return "a name that only one of them has raises KeyError; compare the names first"
    if answer({"w": w}, {"w": w + 1e-7}): return "1 and 1 + 1e-7 are not the same to the last bit: allclose is too kind"
    if answer({"w": w}, {"w": w.double()}): return "float32 and float64 are not the same bits; compare dtype as well"
    if answer({"w": w}, {"w": w[:1].clone().expand(2)}): return "these tensors differ in their second number"
    if not answer({"w": torch.tensor([float("nan")])}, {"w": torch.tensor([float("nan")])}): return "NaN == NaN is False; torch.equal says so too. Compare the bytes, or treat NaN apart"
