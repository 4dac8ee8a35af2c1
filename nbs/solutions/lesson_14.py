"""Solutions of page 14, and wrong answers that must get a hint."""
import torch


def same_run(a, b):
    same = lambda x, y: (
        x.dtype == y.dtype
        and x.shape == y.shape
        and x.contiguous().numpy().tobytes() == y.contiguous().numpy().tobytes()
    )
    return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)


right = {
    "14.1": 2400,
    "14.2": 300,
    "14.3": same_run,
}

wrong = {
    "14.1": [600, 2376, 2401, 2424],
    "14.2": [7000, 500, 200, 7300],
    "14.3": [
        lambda a, b: all(torch.equal(a[n], b[n]) for n in a),
        lambda a, b: a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a),
        lambda a, b: (
            a.keys() == b.keys() and all(torch.allclose(a[n].double(), b[n].double(), equal_nan=True) for n in a)
        ),
        lambda a, b: a.keys() == b.keys() and all(str(a[n]) == str(b[n]) for n in a),
        lambda a, b: a.keys() == b.keys() and all(a[n].numpy().tobytes() == b[n].numpy().tobytes() for n in a),
        lambda a, b: a.keys() == b.keys() and all(
            torch.equal(a[n].view(torch.uint8), b[n].view(torch.uint8)) for n in a  # not for a single number
        ),
        lambda a, b: True,
        lambda a, b: False,
        lambda a, b: all(torch.equal(a[n], b[n]) for n in a if n in b),
    ],
}
