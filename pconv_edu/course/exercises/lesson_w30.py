"""Judges of page w30."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("w30.1")
def plausible(answer):
    def folder(*shares):  # masks of 10 × 10 pixels, of which these shares are white
        masks = torch.zeros(len(shares), 1, 100)
        for mask, share in zip(masks, shares): mask[0, :round(100 * share)] = 1
        return masks.view(-1, 1, 10, 10)

    cases = [
        ((.2,), ["white"], "a fifth of the pixels is white: if black were the hole, 80 % would be missing"),
        ((.8,), ["black"], "four fifths are white: if white were the hole, 80 % would be missing"),
        ((.4,), ["black", "white"], "with 40 % white, neither colour would make more than 65 % hole: return both"),
        ((.6,), ["black", "white"], "with 60 % white, neither colour would make more than 65 % hole: return both"),
        ((.9, .3), ["black", "white"], "judge the folder, all pixels of all masks together, not mask by mask"),
        ((.1, .1, .7), ["white"], "judge the folder, all pixels of all masks together, not mask by mask"),
    ]
    for shares, right, hint in cases:
        given = answer(folder(*shares))
        if isinstance(given, str) or not isinstance(given, (list, tuple, set)):
            return "return a list, even of one colour"
        if sorted(given) == right: continue
        if len(right) == 1 and len(given) == 1: return f"{hint}; have you got the two colours the wrong way round?"
        return hint
