"""Judges of page w18."""
from pconv_edu.course.exercises import exercise, is_right, near


@exercise("w18.1")
def units_without_the_composite(answer):
    if answer == 5: return "that is the whole loss: here nothing looks at the composite"
    if answer == 2: return "that is the forward part; the output needs a gradient, which costs about one more pass"
    if answer == 4: return "the true picture needs no gradient: it has only a forward pass"
    if answer == 6: return "output and truth pass through VGG once, for both terms together"
    if answer != 3:
        return "count: a forward pass for the output, one for the truth, and a backward pass for each that needs a gradient"


@exercise("w18.2")
def faster_by_half_the_loss(answer):
    if is_right(answer, 1 / .65): return None
    if near(answer, 2): return "only the loss is twice as fast; the other 30 % take as long as before"
    if near(answer, 0.65):
        return "that is what the step takes now, as a share of before. How many times faster is that?"
    if near(answer, 1.35): return "35 % is saved, which leaves 65 %: divide 1 by that"
    return "the step took 0.3 + 0.7, and now 0.3 + 0.7/2"
