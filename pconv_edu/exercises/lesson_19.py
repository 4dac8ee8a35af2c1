"""Judges of lesson 19: what a step costs, one GPU and many."""
from pconv_edu.exercises import exercise


def _near(answer, value: float, eps: float = .01) -> bool: return abs(float(answer) - value) <= eps * abs(value)


@exercise("19.1")
def share_of_one_plane(answer):
    if _near(answer, 1 / 192): return None
    if _near(answer, 1 / 64): return "every one of the 3 input channels is multiplied, for each output"
    if _near(answer, 1 / 3): return "that is one kernel; the layer has 64 of them"
    if _near(answer, 49 / 192): return "the 49 stand above and below the line"
    if _near(answer, 192): return "turn it over: the share of the smaller one in the larger one"
    if _near(answer, 1 / 147): return "3 channels of 49: that is one kernel's multiplications. The layer has 64 kernels, and the count takes 49"
    return "a window costs 49 · 3 · 64 multiplications, and 49 additions"


@exercise("19.2")
def times_in_turns(answer):
    cases = [([1.1, 2.2, 1.2], [1., 2., 1.], 1.1), ([2., 2., 2., 9., 2.], [1., 1., 1., 1., 1.], 2.), ([1., 5., 6.], [1., 2., 6.], 1.), ([3., 1., 4., 2.], [1., 1., 2., 1.], 2.)]
    for above, below, right in cases:
        got = float(answer(above, below))
        if _near(got, right, 1e-9): continue
        ratios = [a / b for a, b in zip(above, below)]
        if _near(got, sum(ratios) / len(ratios), 1e-9): return "one slow round moves the mean; which middle does it not move?"
        if _near(got, sum(above) / sum(below), 1e-9): return "the slow rounds have the most weight in a sum; divide round by round"
        if _near(got, sorted(above)[len(above) // 2] / sorted(below)[len(below) // 2], 1e-9): return "two medians may come from different rounds; divide round by round first"
        return f"above {above}, below {below} give {right:g}"


@exercise("19.3")
def units_without_the_composite(answer):
    if answer == 5: return "that is the whole loss: here nothing looks at the composite"
    if answer == 2: return "that is the forward part; the output wants a gradient, which costs about one pass more"
    if answer == 4: return "the true picture wants no gradient: it has a forward pass alone"
    if answer == 6: return "output and truth pass through VGG once, for both terms together"
    if answer != 3: return "count: a forward pass for the output, one for the truth, and a backward pass for each that wants a gradient"


@exercise("19.4")
def faster_by_half_the_loss(answer):
    if _near(answer, 2): return "only the loss is twice as fast; the other 30 % take as long as before"
    if _near(answer, .65): return "that is what the step takes now, as a share of before. How many times faster is that?"
    if _near(answer, 1.35): return "35 % are saved, which leaves 65 %: divide 1 by it"
    if not _near(answer, 1 / .65): return "the step took 0.3 + 0.7, and now 0.3 + 0.7/2"


@exercise("19.5")
def windows_with_a_scratch(answer):
    if _near(answer, 3 / 20): return None
    if _near(answer, 3) or _near(answer, 20): return "a share is asked for: windows that are computed, of all windows"
    if _near(answer, 3 / 12): return "4 · 3 windows would cover it side by side; they overlap, and each adds only 1024 − 128 = 896 pixels"
    if _near(answer, 17 / 20): return "that is the share of the windows that are skipped"
    return "how many windows fit along 4000 pixels, and along 3000? The first covers 1024, each further one 896 more"


@exercise("19.6")
def seconds_of_telea(answer):
    if _near(answer, .1 / (.25 * 256**2) * 2.4e6): return None
    if _near(answer, .1 / 256**2 * 24e6, .02): return "that is for a hole of 25 % again: Telea pays for the hole's pixels, and these are 10 % of the photo"
    if _near(answer, .1 / 256**2 * 2.4e6, .02): return "the 0.1 s were for the hole's pixels alone, a quarter of 256 × 256"
    if _near(answer, .04): return "that is for a photo of the same size: the new one has more pixels"
    if _near(answer, 14650, .02): return "those are milliseconds"
    return "0.1 s for 0.25 · 256² pixels of hole: how long for one, and how long for 0.1 · 24,000,000?"


@exercise("19.7")
def moves_of_the_optimiser(answer):
    right = lambda pictures, passes, batch, gpus: pictures * passes // (batch * gpus)
    cases = [(1000, 3, 6, 1), (1_280_000, 2, 6, 8), (100, 1, 8, 4), (25, 4, 10, 2)]
    got = [answer(*case) for case in cases]
    if got == [right(*case) for case in cases]: return None
    if any(g != int(g) for g in got): return "a step is taken or not: give whole numbers, rounded down"
    if got == [pictures * passes // batch for pictures, passes, batch, _ in cases]: return "every GPU has a batch of its own: a step sees batch · gpus pictures"
    if got == [pictures // (batch * gpus) * passes for pictures, passes, batch, gpus in cases]: return "that leaves out a batch in every pass; leave out one in the whole run"
    if got == [-(-pictures * passes // (batch * gpus)) for pictures, passes, batch, gpus in cases]: return "round down: the last batch is not full"
    wrong = next(case for case, g in zip(cases, got) if g != right(*case))
    return "{} pictures, {} passes, batch {} on {} GPUs are {} steps".format(*wrong, right(*wrong))


@exercise("19.8")
def seconds_of_a_ring(answer):
    right = lambda n, parameters, speed: 2 * (n - 1) / n * 4 * parameters / (speed * 1e9)
    cases = [(2, 1e9, 8), (8, 32_859_732, 20), (64, 1e8, 12.5)]
    got = [float(answer(*case)) for case in cases]
    same = lambda other: all(_near(g, other(*case), 1e-6) for g, case in zip(got, cases))
    if same(right): return None if float(answer(1, 1e9, 8)) == 0 else "right for many; a GPU alone has nobody to send to: 0"
    if same(lambda n, p, s: right(n, p, s) / 4): return "a float32 has 4 bytes"
    if same(lambda n, p, s: right(n, p, s) / 2): return "the parts travel round twice: once to be summed, once to be handed out"
    if same(lambda n, p, s: 2 * 4 * p / (s * 1e9)): return "nearly: each member sends (n - 1)/n of it, for its own part has nowhere to go"
    if same(lambda n, p, s: right(n, p, s) * 8): return "GB/s are bytes, not bits: nothing to multiply by 8"
    if same(lambda n, p, s: right(n, p, s) * 1e9): return "gb_per_second counts in 10⁹ bytes"
    return "bytes = 2 · (n - 1)/n · 4 · parameters, divided by gb_per_second · 10⁹"


@exercise("19.9")
def cores_for_a_loader(answer):
    if _near(answer, 2): return None
    if _near(answer, 2000): return "25 ms are 0.025 s"
    if _near(answer, .5): return "that is how many GPUs a core would feed; turn it over"
    if _near(answer, 40): return "that is what one core makes in a second: 1/0.025. How many of them give 80?"
    return "80 samples a second, each 0.025 s of a core: how many core-seconds a second is that?"
