"""Judges of lesson 11: offsets in a tar, crops, the shuffle, ranks, fixed masks."""
import torch

from pconv_edu.exercises import exercise


@exercise("11.1")
def next_header(answer):
    right = lambda offset, size: offset + 512 + -(-size // 512) * 512
    cases = [(0, 700), (1536, 30), (2560, 512), (5120, 0), (0, 513)]
    got = [answer(*case) for case in cases]
    if got == [right(*case) for case in cases]: return None
    if got == [offset + 512 + size for offset, size in cases]: return "the next header starts on a whole block: fill the size up to a multiple of 512"
    if got == [right(offset, size) - offset for offset, size in cases]: return "that is how far it is; add where this header stands"
    if got == [right(offset, size) - 512 for offset, size in cases]: return "this header itself takes a block of 512 too"
    if got == [offset + 512 + (size // 512 + 1) * 512 for offset, size in cases]: return "a file of 512 bytes fills one block, not two, and an empty one none: round up, do not add one"
    if got == [offset + 512 + size // 512 * 512 for offset, size in cases]: return "700 bytes do not fit into one block: round up"
    wrong = next(case for case, g in zip(cases, got) if g != right(*case))
    return f"for a header at {wrong[0]} and {wrong[1]} bytes the next stands at {right(*wrong)}"


@exercise("11.2")
def shrink_of_a_large_photo(answer):
    if answer == 4: return None
    if answer == 8: return "an eighth leaves 2000 / 8 = 250 pixels of the crop's side: fewer than the 256 that are wanted"
    if isinstance(answer, float) and 7.7 < answer < 7.9: return "7.8 times smaller is allowed; a JPEG can be decoded at 1/2, 1/4 or 1/8"
    if answer == 2000: return "2000 pixels is the side of the crop in the file; how many times may that shrink to 256?"
    if answer == 2: return "a half is allowed, and there is more to save"
    return "the side of the crop in the file is 3000 / 1.5; divide by 256; take the largest of 1, 2, 4, 8 that is not above"


@exercise("11.3")
def one_round(answer):
    coin = lambda place: (place * 2654435761 >> 7) & 1
    right = lambda i, length, pivot: (pivot - i) % length if coin(max(i, (pivot - i) % length)) else i
    cases = [(i, length, pivot) for length in (8, 11) for pivot in (5, 9, 30) for i in range(length)]
    got = [answer(*case, coin) for case in cases]
    if got == [right(*case) for case in cases]: return None
    if any(not 0 <= g < case[1] for g, case in zip(got, cases)): return "a place lies between 0 and length - 1: take the partner modulo length"
    if got == [(p - i) % n if coin(i) else i for i, n, p in cases]: return "each partner asks a coin of its own, and two pictures land on one place: both must ask the coin of the larger place"
    if got == [(p - i) % n for i, n, p in cases]: return "that swaps every pair: only where the coin says 1"
    if got == [i if coin(max(i, (p - i) % n)) else (p - i) % n for i, n, p in cases]: return "the other way round: a coin of 1 means swap"
    if got == [(i - p) % n if coin(max(i, (i - p) % n)) else i for i, n, p in cases]: return "partner and place must find each other: (pivot - i), not (i - pivot)"
    return "partner = (pivot - i) % length; if coin(max(i, partner)) is 1 the picture goes to partner, else it stays"


@exercise("11.4")
def positions_of_a_rank(answer):
    right = lambda k, batch, rank, world: list(range(k * batch + rank * batch // world, k * batch + (rank + 1) * batch // world))
    cases = [(0, 8, 0, 1), (0, 8, 1, 2), (3, 8, 0, 2), (3, 8, 1, 4), (10, 6, 2, 3)]
    got = [list(answer(*case)) for case in cases]
    if got == [right(*case) for case in cases]: return None
    if got == [list(range(k * b, (k + 1) * b)) for k, b, r, w in cases]: return "that is the whole batch: each rank gets batch / world of it"
    if got == [list(range(k * b + r, (k + 1) * b, w)) for k, b, r, w in cases]: return "every world-th position makes the same global batch, in another order; here a rank's share is one piece"
    if got == [list(range((k * w + r) * b, (k * w + r + 1) * b)) for k, b, r, w in cases]: return "that gives each rank `batch` pictures: with more GPUs the batch would grow, and the training with it"
    if got == [[p - k * b for p in right(k, b, r, w)] for k, b, r, w in cases]: return "that is the place in the batch; batch k starts at position k · batch"
    wrong = next(case for case, g in zip(cases, got) if g != right(*case))
    return "batch k is k·batch … (k+1)·batch - 1; for k={}, batch={}, rank={} of {}: {}".format(*wrong, right(*wrong))


@exercise("11.5")
def mask_for(answer):
    torch.manual_seed(1)
    first = [answer(n) for n in range(6)]
    if any(not isinstance(mask, torch.Tensor) or mask.shape != (1, 64, 64) for mask in first): return "return a mask [1,64,64], as irregular_mask(64, …) makes it"
    torch.manual_seed(2)
    again = [answer(n) for n in reversed(range(6))][::-1]
    if not all(torch.equal(a, b) for a, b in zip(first, again)): return "called again (in another order) it gives other masks: two evaluations would differ. Give irregular_mask a seed made of n"
    if len({mask.numpy().tobytes() for mask in first}) == 1: return "every pair gets the same mask: n must be part of the seed"
    if len({mask.numpy().tobytes() for mask in first}) < 6: return "some pairs share a mask: every n needs a seed of its own"
