"""Solutions of page 15, and wrong answers that must get a hint."""
import torch


def blend(a, b, wa, wb): return (wa * a + wb * b) / (wa + wb)


def put_in(levels, mask, output):
    new = (output.clamp(0, 1) * 255).round().byte()
    return torch.where(mask > 0, levels, new)


def by_not_zero(a, b, wa, wb):
    wa, wb = wa * (a != 0), wb * (b != 0)
    return (wa * a + wb * b) / (wa + wb)


right = {
    "15.1": 3,
    "15.2": blend,
    "15.3": put_in,
}

wrong = {
    "15.1": [2, 4, 2.5],
    "15.2": [
        by_not_zero, lambda a, b, wa, wb: (a + b) / 2, lambda a, b, wa, wb: wa * a + wb * b, lambda a, b, wa, wb: a,
    ],
    "15.3": [
        lambda levels, mask, output: torch.where(mask > 0, levels / 255, output),
        lambda levels, mask, output: (output.clamp(0, 1) * 255).round().byte(),
        lambda levels, mask, output: torch.where(
            mask > 0, levels, (output * 255).round().to(torch.int32).to(torch.uint8)
        ),
        lambda levels, mask, output: torch.where(mask > 0, levels, (output.clamp(0, 1) * 255).byte()),
    ],
}
