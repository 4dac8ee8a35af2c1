"""Judges of lesson 11: the shuffle, ranks."""
from pconv_edu.course.exercises import exercise


@exercise("11.1")
def one_round(answer):
    coin = lambda place: (place * 2654435761 >> 7) & 1
    right = lambda i, length, pivot: (pivot - i) % length if coin(max(i, (pivot - i) % length)) else i
    cases = [(i, length, pivot) for length in (8, 11) for pivot in (5, 9, 30) for i in range(length)]
    got = [answer(*case, coin) for case in cases]
    if got == [right(*case) for case in cases]: return None
    if any(not 0 <= g < case[1] for g, case in zip(got, cases)):
        return "a place lies between 0 and length - 1: take the partner modulo length"
    if got == [(p - i) % n if coin(i) else i for i, n, p in cases]:
        return "each partner asks a coin of its own, and two pictures land on one place: both must ask the coin of the larger place"
    if got == [(p - i) % n for i, n, p in cases]: return "that swaps every pair: swap only where the coin says 1"
    if got == [i if coin(max(i, (p - i) % n)) else (p - i) % n for i, n, p in cases]:
        return "the other way round: a coin of 1 means swap"
    if got == [(i - p) % n if coin(max(i, (i - p) % n)) else i for i, n, p in cases]:
        return "partner and place must find each other: (pivot - i), not (i - pivot)"
    return "partner = (pivot - i) % length; if coin(max(i, partner)) is 1 the picture goes to partner, else it stays"


@exercise("11.2")
def positions_of_a_rank(answer):
    right = lambda k, batch, rank, world: list(
        range(k * batch + rank * batch // world, k * batch + (rank + 1) * batch // world)
    )
    cases = [(0, 8, 0, 1), (0, 8, 1, 2), (3, 8, 0, 2), (3, 8, 1, 4), (10, 6, 2, 3)]
    got = [list(answer(*case)) for case in cases]
    if any(isinstance(place, float) for places in got for place in places):
        return "positions are whole numbers: divide with //, not with /"
    if got == [right(*case) for case in cases]: return None
    if got == [list(range(k * b, (k + 1) * b)) for k, b, r, w in cases]:
        return "that is the whole batch: each rank gets batch / world of it"
    if got == [list(range(k * b + r, (k + 1) * b, w)) for k, b, r, w in cases]:
        return "every world-th position makes the same global batch, in another order; here a rank's share is one piece"
    if got == [list(range((k * w + r) * b, (k * w + r + 1) * b)) for k, b, r, w in cases]:
        return "that gives each rank `batch` pictures: with more GPUs the batch would grow, and it would be a different training run"
    if got == [[p - k * b for p in right(k, b, r, w)] for k, b, r, w in cases]:
        return "that is the place in the batch; batch k starts at position k · batch"
    wrong = next(case for case, g in zip(cases, got) if g != right(*case))
    return "batch k is k·batch … (k+1)·batch - 1; for k={}, batch={}, rank={} of {}: {}".format(*wrong, right(*wrong))
