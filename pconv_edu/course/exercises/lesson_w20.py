"""Judges of page w20."""
from pconv_edu.course.exercises import exercise, near


@exercise("w20.1")
def steps_of_the_optimizer(answer):
    right = lambda pictures, passes, batch, gpus: pictures * passes // (batch * gpus)
    cases = [(1000, 3, 6, 1), (1_280_000, 2, 6, 8), (100, 1, 8, 4), (25, 4, 10, 2), (110, 1, 8, 1)]
    got = [answer(*case) for case in cases]
    if got == [right(*case) for case in cases]: return None
    if any(g != int(g) for g in got): return "a step is taken or not: give whole numbers, rounded down"
    if got == [pictures * passes // batch for pictures, passes, batch, _ in cases]:
        return "every GPU has its own batch: a step sees batch · gpus pictures"
    if got == [pictures // (batch * gpus) * passes for pictures, passes, batch, gpus in cases]:
        return "that leaves out a batch in every pass; leave out one in the whole run"
    if got == [-(-pictures * passes // (batch * gpus)) for pictures, passes, batch, gpus in cases]:
        return "round down: the last batch is not full"
    if got == [round(pictures * passes / (batch * gpus)) for pictures, passes, batch, gpus in cases]:
        return "13.75 steps are 13 and a batch that is not full: round down, not to the nearest"
    wrong = next(case for case, g in zip(cases, got) if g != right(*case))
    return "{} pictures, {} passes, batch {} on {} GPUs are {} steps".format(*wrong, right(*wrong))


@exercise("w20.2")
def seconds_of_a_ring(answer):
    right = lambda n, parameters, speed: 2 * (n - 1) / n * 4 * parameters / (speed * 1e9)
    cases = [(2, 1e9, 8), (8, 32_859_732, 20), (64, 1e8, 12.5)]
    got = [float(answer(*case)) for case in cases]
    same = lambda other: all(near(g, other(*case), 1e-6) for g, case in zip(got, cases))
    if same(right):
        return None if float(answer(1, 1e9, 8)) == 0 else "right for many; a GPU alone has nobody to send to: 0"
    if same(lambda n, p, s: right(n, p, s) / 4): return "a float32 has 4 bytes"
    if same(lambda n, p, s: right(n, p, s) / 2):
        return "the parts travel round twice: once to be summed, once to be handed out"
    if same(lambda n, p, s: 2 * 4 * p / (s * 1e9)):
        return "nearly: each member sends (n - 1)/n of it, because its own part has nowhere to go"
    if same(lambda n, p, s: right(n, p, s) * 8): return "GB/s are bytes, not bits: nothing to multiply by 8"
    if same(lambda n, p, s: right(n, p, s) * 1e9): return "gb_per_second counts in 10⁹ bytes"
    return "bytes = 2 · (n - 1)/n · 4 · parameters, divided by gb_per_second · 10⁹"


@exercise("w20.3")
def cores_for_a_loader(answer):
    if near(answer, 2): return None
    if near(answer, 2000): return "25 ms are 0.025 s"
    if near(answer, .5): return "that is how many GPUs one core would feed; take 1 divided by it"
    if near(answer, 40): return "that is what one core makes in a second: 1/0.025. How many of them give 80?"
    return "80 samples a second, each 0.025 s of a core: how many core-seconds a second is that?"
