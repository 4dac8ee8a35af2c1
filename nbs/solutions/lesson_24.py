"""Solutions of page 24, and wrong answers that must get a hint."""
import torch

from pconv_edu.course.broken_run import across_two_windows
from pconv_edu.data import InpaintingDataset


def masks_are_fixed(mask_of):
    first, again = ([mask_of(n) for n in range(4)] for _ in range(2))
    return all(map(torch.equal, first, again)) and len({mask.numpy().tobytes() for mask in first}) == 4


_data = InpaintingDataset(
    [torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in range(5)], size=32
)


def resumes_exactly(train):
    (_, whole), (_, killed) = train(_data, 6), train(_data, 6, killed_at=3)
    return all(torch.equal(whole[name], killed[name]) for name in whole)


def is_a_fair_test(train, test): return not any(torch.equal(a, b) for a in train.values() for b in test.values())


def has_no_seam(fill_windows, largest=.25): return across_two_windows(fill_windows).diff().abs().max().item() < largest


def never(*things): return False


def always(*things): return True


def stops(*things): raise RuntimeError("no such thing")


right = {
    "24.1": masks_are_fixed,
    "24.2": resumes_exactly,
    "24.3": is_a_fair_test,
    "24.4": has_no_seam,
}

_narrow = {
    "24.1": [
        lambda mask_of: torch.equal(mask_of(0), mask_of(0)),
        lambda mask_of: not torch.equal(mask_of(0), mask_of(1)),
    ],
    "24.2": [
        lambda train: train(_data, 3)[0] == train(_data, 3, killed_at=3)[0],
        lambda train: train(_data, 6)[0] == train(_data, 6, killed_at=3)[0],  # losses alone
    ],
    "24.3": [lambda train, test: not set(train) & set(test), lambda train: True],
    "24.4": [
        lambda fill_windows: has_no_seam(fill_windows, 0.6), lambda fill_windows: has_no_seam(fill_windows, 0.05),
        lambda fill_windows: across_two_windows(fill_windows).diff().max().item() < .25,  # steps up alone
    ],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
