"""Solutions of page 11, and wrong answers that must get a hint."""


def one_round(i, length, pivot, coin):
    partner = (pivot - i) % length
    return partner if coin(max(i, partner)) else i


def positions(k, batch, rank, world):
    share = batch // world
    first = k * batch + rank * share
    return list(range(first, first + share))


right = {
    "11.1": one_round,
    "11.2": positions,
}

wrong = {
    "11.1": [
        lambda i, length, pivot, coin: pivot - i if coin(max(i, pivot - i)) else i,
        lambda i, length, pivot, coin: (pivot - i) % length if coin(i) else i,
        lambda i, length, pivot, coin: (pivot - i) % length,
        lambda i, length, pivot, coin: i if coin(max(i, (pivot - i) % length)) else (pivot - i) % length,
        lambda i, length, pivot, coin: (i - pivot) % length if coin(max(i, (i - pivot) % length)) else i,
        lambda i, length, pivot, coin: i,
    ],
    "11.2": [
        lambda k, batch, rank, world: range(k * batch, (k + 1) * batch),
        lambda k, batch, rank, world: range(k * batch + rank, (k + 1) * batch, world),
        lambda k, batch, rank, world: range((k * world + rank) * batch, (k * world + rank + 1) * batch),
        lambda k, batch, rank, world: [p - k * batch for p in positions(k, batch, rank, world)],
        lambda k, batch, rank, world: [],
        lambda k, batch, rank, world: [k * batch + rank * batch / world + j for j in range(batch // world)],
    ],
}
