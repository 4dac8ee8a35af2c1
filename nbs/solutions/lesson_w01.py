"""Solutions of page w01, and wrong answers that must get a hint."""


def pixels_after(first, dab): return int((first <= dab).sum())


right = {"w01.1": pixels_after}

wrong = {
    "w01.1": [
        lambda first, dab: (first == dab).sum(),
        lambda first, dab: (first < dab).sum(),
        lambda first, dab: (first > dab).sum(),
        lambda first, dab: first <= dab,
        lambda first, dab: 0,
    ],
}
