"""Solutions of page 04, and wrong answers that must get a hint."""
import torch


def _view(bias): return bias.view(1, -1, 1, 1)


def _ratio(count, window_size): return torch.where(count > 0, window_size / count, 0)


def put_right(y, count, window_size, bias):
    return torch.where(count > 0, (y - _view(bias)) * _ratio(count, window_size) + _view(bias), 0)


right = {
    "4.1": 4,
    "4.2": 5184 / 2112,
    "4.3": put_right,
}

wrong = {
    "4.1": [12 / 9, 12, 36, 4 / 9, 5],
    "4.2": [1.5, 2112 / 5184, 3, 3.375, 5184, 9],
    "4.3": [
        lambda y, count, window_size, bias: y * _ratio(count, window_size),
        lambda y, count, window_size, bias: (y - _view(bias)) * _ratio(count, window_size) + _view(bias),
        lambda y, count, window_size, bias: (y - _view(bias)) * _ratio(count, window_size),
        lambda y, count, window_size, bias: (y - _view(bias)) * window_size / count + _view(bias),
        lambda y, count, window_size, bias: torch.where(count > 0, (y - _view(bias)) / count + _view(bias), 0),
        lambda y, count, window_size, bias: torch.where(
            count > 0, (y - _view(bias)) * _ratio(count, window_size) + 2 * _view(bias), 0
        ),
        lambda y, count, window_size, bias: y,
        lambda y, count, window_size, bias: y[:, :1],
    ],
}
