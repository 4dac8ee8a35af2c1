"""Solutions of page w33, and wrong answers that must get a hint."""
import tempfile

import torch

from pconv_edu.course.broken_rarely import power_cut, three_files, whole_ones
from pconv_edu.irregular import irregular_mask
from pconv_edu.unet import pad_with_hole


def takes_any_size(fill, size=(50, 37)):
    image, mask = torch.rand(1, 3, *size), irregular_mask(size, .2, seed=0)[None]
    output = fill(image, mask)
    padded = fill(pad_with_hole(image, 16), pad_with_hole(mask, 16))[..., :size[0], :size[1]]
    return output.shape == image.shape and torch.allclose(output, padded, atol=1e-4)


def is_a_gram_matrix(gram):
    small, loud = torch.tensor([[1., 2], [0, 1]]).view(1, 2, 1, 2), torch.full((1, 2, 64, 64), 8.)
    return torch.allclose(gram(small), torch.tensor([[[1.25, .5], [.5, .25]]])) and bool(gram(loud).isfinite().all())


def names_the_damaged_file(read):
    pictures, bad = read(three_files())
    return len(pictures) == 2 and list(bad) == ["cut.png"]


def survives_a_power_cut(save, files=range(3)):
    def survives(file):
        with tempfile.TemporaryDirectory() as folder:
            save(folder, 1, {"net": {"w": torch.ones(3)}}, {"step": 1})
            with power_cut(file): save(folder, 2, {"net": {"w": torch.zeros(3)}}, {"step": 2})
            return whole_ones(folder) == [1]
    return all(map(survives, files))


def _without_a_cut(save):
    with tempfile.TemporaryDirectory() as folder:
        for step in (1, 2): save(folder, step, {"net": {"w": torch.ones(3)}}, {"step": step})
        return whole_ones(folder) == [1, 2]


def never(*things): return False


def always(*things): return True


def stops(*things): raise RuntimeError("no such thing")


right = {
    "w33.1": takes_any_size,
    "w33.2": is_a_gram_matrix,
    "w33.3": names_the_damaged_file,
    "w33.4": survives_a_power_cut,
}

_narrow = {
    "w33.1": [
        lambda fill: (
            fill(torch.rand(1, 3, 50, 37), irregular_mask((50, 37), 0.2, seed=0)[None]).shape == (1, 3, 50, 37)
        ),
        lambda fill: takes_any_size(fill, (64, 64)),
    ],
    "w33.2": [
        lambda gram: torch.allclose(
            gram(torch.tensor([[1.0, 2], [0, 1]]).view(1, 2, 1, 2)), torch.tensor([[[1.25, 0.5], [0.5, 0.25]]])
        ),
        lambda gram: bool(gram(torch.full((1, 2, 64, 64), 8.0)).isfinite().all()),
    ],
    "w33.3": [
        lambda read: len(read(three_files())[0]) > 1, lambda read: len(read(three_files())[0]) == 2,
        lambda read: len(read(three_files())[0]) == 3,
    ],
    "w33.4": [
        lambda save: survives_a_power_cut(save, files=[0]), _without_a_cut,
        lambda save: save(tempfile.mkdtemp(), 1, {"net": {"w": torch.ones(3)}}, {"step": 1}).exists(),
    ],
}

wrong = {number: [never, always, stops, True, *narrow] for number, narrow in _narrow.items()}
