"""Solutions of lesson 11, and wrong answers that must get a hint."""
from itertools import count

import torch

from pconv_edu.masks import irregular_mask


def next_header(offset, size): return offset + 512 + -(-size // 512) * 512


def one_round(i, length, pivot, coin):
    partner = (pivot - i) % length
    return partner if coin(max(i, partner)) else i


def positions(k, batch, rank, world):
    share = batch // world
    first = k * batch + rank * share
    return list(range(first, first + share))


def mask_for(n): return irregular_mask(64, seed=[27, n])


_calls = count()

right = {"11.1": next_header, "11.2": 4, "11.3": one_round, "11.4": positions, "11.5": mask_for}

wrong = {
    "11.1": [
        lambda offset, size: offset + 512 + size,
        lambda offset, size: next_header(0, size),
        lambda offset, size: next_header(offset, size) - 512,
        lambda offset, size: offset + 512 + (size // 512 + 1) * 512,
        lambda offset, size: offset + 512 + size // 512 * 512,
        lambda offset, size: 0,
    ],
    "11.2": [8, 2000 / 256, 2000, 2, 1],
    "11.3": [
        lambda i, length, pivot, coin: pivot - i if coin(max(i, pivot - i)) else i,
        lambda i, length, pivot, coin: (pivot - i) % length if coin(i) else i,
        lambda i, length, pivot, coin: (pivot - i) % length,
        lambda i, length, pivot, coin: i if coin(max(i, (pivot - i) % length)) else (pivot - i) % length,
        lambda i, length, pivot, coin: (i - pivot) % length if coin(max(i, (i - pivot) % length)) else i,
        lambda i, length, pivot, coin: i,
    ],
    "11.4": [
        lambda k, batch, rank, world: range(k * batch, (k + 1) * batch),
        lambda k, batch, rank, world: range(k * batch + rank, (k + 1) * batch, world),
        lambda k, batch, rank, world: range((k * world + rank) * batch, (k * world + rank + 1) * batch),
        lambda k, batch, rank, world: [p - k * batch for p in positions(k, batch, rank, world)],
        lambda k, batch, rank, world: [],
    ],
    "11.5": [
        lambda n: irregular_mask(64),
        lambda n: irregular_mask(64, seed=0),
        lambda n: irregular_mask(64, seed=n % 2),
        lambda n: irregular_mask(64, seed=next(_calls)),
        lambda n: torch.ones(64, 64),
    ],
}
