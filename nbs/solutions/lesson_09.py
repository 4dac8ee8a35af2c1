"""Solutions of lesson 09, and answers that must be refused."""


def steps(picture): return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def squared_tv(picture): return sum(s.square().sum() for s in steps(picture)) / picture.numel()


right = {
    "9.1": 20 / 9,
    "9.2": {"A": "edge of R", "B": "raw output", "C": "one row", "D": "whole picture"},
    "9.3": squared_tv,
}
wrong = {
    "9.1": [20, 10 / 9, 40 / 9, 5],
    "9.2": [
        {"A": "edge of R"}, {"A": "edge of R", "B": "one row", "C": "raw output", "D": "whole picture"},
        dict.fromkeys("ABCD", "noise"), "A",
    ],
    "9.3": [
        lambda p: squared_tv(p) * p.numel(), lambda p: sum(s.abs().sum() for s in steps(p)) / p.numel(),
        lambda p: steps(p)[0].square().sum() / p.numel(), lambda p: sum(s.square().mean() for s in steps(p)),
        lambda p: squared_tv(p) * len(p), lambda p: p.sum(),
    ],
}
