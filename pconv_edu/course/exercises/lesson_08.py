"""Judges of lesson 08: the style loss; and a Gram matrix with a planted bug."""
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pconv_edu.course.exercises import choices, exercise
from pconv_edu.losses.style import gram_matrix


def suspect_gram(features: torch.Tensor) -> torch.Tensor:
    "A Gram matrix in half precision that is right for small pictures only."
    flat = features.flatten(2)
    return flat @ flat.mT / flat[0].numel()


@exercise("8.1")
def gram_by_hand(answer):
    got, wanted = torch.as_tensor(answer, dtype=torch.float), torch.tensor([[6., 4], [4, 5]]) / 6
    if got.shape != (2, 2): return "two channels make a matrix of 2 × 2"
    if torch.allclose(got, wanted, atol=.006): return None
    if torch.allclose(got, wanted * 6, atol=.006): return "the sums are right; divide by C·H·W = 2·3"
    if torch.allclose(got, wanted * 2, atol=.006): return "you divided by the pixels; divide by channels × pixels"
    return "entry (1,2) is (1·2 + 1·0 + 2·1) / 6; the others work the same way"


class _Widest(TorchDispatchMode):
    "Notes whether a result in more than half precision comes up."
    found = None

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.dtype in (torch.float32, torch.float64): self.found = result.dtype
        return result


@exercise("8.2")
def half_gram(answer):
    small = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).half()
    with _Widest() as widest: got = answer(small)
    if got.dtype != torch.float16: return f"it returns {got.dtype}; stay in float16"
    if widest.found: return f"a number on the way is {widest.found}; stay in float16"
    if got.shape != (2, 3, 3): return f"for features [2,3,8,8] it returns shape {list(got.shape)}, not [2,3,3]"
    if not torch.allclose(got.float(), gram_matrix(small), rtol=0.02):
        return "on small features it differs from gram_matrix: is the scale 1/(C·H·W), each factor scaled by its root?"
    large = answer(torch.full((1, 2, 512, 512), 20.).half())
    if large.isinf().any() or large.isnan().any():
        return "512 × 512 values of 20 still overflow: scale the features before the product, not the product after it"
    for value, wanted in ((20., 200.), (.01, 5e-5)):  # two channels of one value: value² / 2
        got = answer(torch.full((1, 2, 512, 512), value).half())
        if not torch.allclose(got.float(), torch.tensor(wanted), rtol=.02):
            return (f"512 × 512 values of {value:g} give {got[0, 0, 0]:.3g} and not {wanted:g}: do the scaled features "
                    "become too small for float16? Scale by the root, on both sides")


@exercise("8.3")
def what_the_gram_matrix_forgets(answer):
    answer = choices(answer, "abcdef")
    if "b" in answer: return "doubled values make products four times as large"
    if "d" in answer: return "swapping channels swaps rows and columns of the matrix"
    if "f" in answer: return "two channels occur together at a pixel; what if each is shuffled in its own way?"
    if answer != {"a", "c", "e"}:
        return "more than that: what does a mirror or a turn do to the set of pixels, each with all its channels?"
