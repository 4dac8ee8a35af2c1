"""Solutions of page 24, and wrong answers that must get a hint."""
import tempfile

import torch

from pconv_edu.course.broken_run import (
    across_two_windows, power_cut, three_files, whole_ones,
)
from pconv_edu.data import InpaintingDataset


def masks_are_fixed(mask_of):
    first, again = ([mask_of(n) for n in range(4)] for _ in range(2))
    return all(map(torch.equal, first, again)) and len({mask.numpy().tobytes() for mask in first}) == 4


def names_the_damaged(read):
    pictures, bad = read(three_files())
    return len(pictures) == 2 and list(bad) == ["cut.png"]


_data = InpaintingDataset(
    [torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(i)) for i in range(5)], size=32
)


def resumes_exactly(train):
    (_, whole), (_, killed) = train(_data, 6), train(_data, 6, killed_at=3)
    return all(torch.equal(whole[name], killed[name]) for name in whole)


def survives_a_power_cut(save, files=range(3)):
    def survives(file):
        with tempfile.TemporaryDirectory() as folder:
            save(folder, 1, {"net": {"w": torch.ones(3)}}, {"step": 1})
            with power_cut(file): save(folder, 2, {"net": {"w": torch.zeros(3)}}, {"step": 2})
            return whole_ones(folder) == [1]
    return all(map(survives, files))


def is_a_fair_test(train, test): return not any(torch.equal(a, b) for a in train.values() for b in test.values())


def has_no_seam(fill_windows, largest=.25): return across_two_windows(fill_windows).diff().abs().max().item() < largest


def never(*things): return False


def always(*things): return True


def stops(*things): raise RuntimeError("no such thing")


right = {
    "24.1": masks_are_fixed,
    "24.2": names_the_damaged,
    "24.3": resumes_exactly,
    "24.4": survives_a_power_cut,
    "24.5": is_a_fair_test,
    "24.6": has_no_seam,
}

_narrow = {
    "24.1": [
        lambda mask_of: torch.equal(mask_of(0), mask_of(0)),
        lambda mask_of: not torch.equal(mask_of(0), mask_of(1)),
    ],
    "24.2": [
        lambda read: len(read(three_files())[0]) > 1, lambda read: len(read(three_files())[0]) == 2,
        lambda read: len(read(three_files())[0]) == 3,
    ],
    "24.3": [lambda train: train(_data, 3)[0] == train(_data, 3, killed_at=3)[0]],
    "24.4": [
        lambda save: survives_a_power_cut(save, files=[0]),
        lambda save: save(tempfile.mkdtemp(), 1, {"net": {"w": torch.ones(3)}}, {"step": 1}).exists(),
    ],
    "24.5": [lambda train, test: not set(train) & set(test), lambda train: True],
    "24.6": [lambda fill_windows: has_no_seam(fill_windows, 0.6), lambda fill_windows: has_no_seam(fill_windows, 0.05)],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
