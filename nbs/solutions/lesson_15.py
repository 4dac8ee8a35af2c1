"""Solutions of lesson 15."""
import torch


def blend(a, b, wa, wb): return (wa * a + wb * b) / (wa + wb)


def put_in(levels, mask, output):
    new = (output.clamp(0, 1) * 255).round().byte()
    return torch.where(mask > 0, levels, new)


def halve(image, mask):
    four = lambda x: x.unfold(1, 2, 2).unfold(2, 2, 2).sum((3, 4))
    return four(image * mask) / four(mask).clamp(min=1)


def dab(px, py, width, h, w):
    y, x = torch.meshgrid(torch.arange(h) + .5, torch.arange(w) + .5, indexing="ij")
    return ((x - px) ** 2 + (y - py) ** 2 > (width / 2) ** 2).float()[None]


def undo(marks): return marks[:-1]


right = {"15.1": 3, "15.2": blend, "15.3": put_in, "15.4": 63, "15.11": (24, 18), "15.12": halve,
         "15.21": 400, "15.22": dab, "15.23": undo}


def by_not_zero(a, b, wa, wb):
    wa, wb = wa * (a != 0), wb * (b != 0)
    return (wa * a + wb * b) / (wa + wb)


def changes_the_list(marks):
    marks.pop()
    return marks


def plain_mean(image, mask): return image.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4))


def hole_counted(image, mask): return plain_mean(image * mask, mask)


wrong = {
    "15.11": [(18, 24), (8, 2), (1024, 768), (0, 0)],
    "15.12": [plain_mean, hole_counted, lambda image, mask: hole_counted(image, mask) / hole_counted(mask, mask), lambda image, mask: image],
    "15.4": [125, 66, 31, 8],
    "15.1": [2, 4, 2.5],
    "15.2": [by_not_zero, lambda a, b, wa, wb: (a + b) / 2, lambda a, b, wa, wb: wa * a + wb * b, lambda a, b, wa, wb: a],
    "15.3": [lambda levels, mask, output: torch.where(mask > 0, levels / 255, output),
             lambda levels, mask, output: (output.clamp(0, 1) * 255).round().byte(),
             lambda levels, mask, output: torch.where(mask > 0, levels, (output * 255).round().to(torch.int32).to(torch.uint8)),
             lambda levels, mask, output: torch.where(mask > 0, levels, (output.clamp(0, 1) * 255).byte())],
    "15.21": [500, 64, 160, 80, 1],
    "15.22": [lambda *a: 1 - dab(*a), lambda px, py, width, h, w: dab(px, py, 2 * width, h, w), lambda px, py, width, h, w: dab(px + .5, py + .5, width, h, w),
              lambda px, py, width, h, w: dab(py, px, width, h, w), lambda *a: dab(*a)[0]],
    "15.23": [changes_the_list, lambda marks: [], lambda marks: marks[1:], lambda marks: marks],
}
