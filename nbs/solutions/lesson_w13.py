"""Solutions of page w13, and wrong answers that must get a hint."""
import torch


def dab(px, py, width, h, w):
    y, x = torch.meshgrid(torch.arange(h) + .5, torch.arange(w) + .5, indexing="ij")
    return ((x - px) ** 2 + (y - py) ** 2 > (width / 2) ** 2).float()[None]


def undo(marks): return marks[:-1]


def changes_the_list(marks):
    marks.pop()
    return marks


def only_clear(marks): return marks[:-1] if marks and "clear" in marks[-1] else marks


right = {
    "w13.1": 400,
    "w13.2": dab,
    "w13.3": undo,
}

wrong = {
    "w13.1": [500, 64, 160, 80, 1],
    "w13.2": [
        lambda *a: 1 - dab(*a), lambda px, py, width, h, w: dab(px, py, 2 * width, h, w),
        lambda px, py, width, h, w: dab(px + 0.5, py + 0.5, width, h, w),
        lambda px, py, width, h, w: dab(py, px, width, h, w), lambda *a: dab(*a)[0],
        lambda px, py, width, h, w: dab(px, py, 4, h, w), lambda px, py, width, h, w: dab(px, py, width - 1e-4, h, w),
    ],
    "w13.3": [changes_the_list, lambda marks: [], lambda marks: marks[1:], lambda marks: marks,
              lambda marks: marks[:1], only_clear, lambda marks: [mark for mark in marks if "clear" not in mark]],
}
