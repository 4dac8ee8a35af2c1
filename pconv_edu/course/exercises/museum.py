"""The museum's judges: a learner's check must pass the right code and fail each planted bug."""
from collections.abc import Callable

import torch

from pconv_edu.course.exercises import Unanswered, exercise
from pconv_edu.unet import PConvUNet


def _asked(check: Callable, *things) -> bool | Exception:
    "What the learner's check says: a failed assertion counts as False, any other error is returned."
    torch.manual_seed(0)
    try: return bool(check(*things))
    except AssertionError: return False
    except Unanswered: raise
    except Exception as error: return error


def _advice(error: Exception) -> str:
    "How to compare tensors, for a check that asked `if tensor == other`."
    if "Boolean value of Tensor" not in str(error): return ""
    return ". Compare whole tensors with torch.equal, or with torch.allclose where they may differ by rounding"


def exhibit(
    number: str,      # of the exercise
    right: Callable,  # () → what the check gets, sound
    # name → (() → the same, broken; the hint when it goes unnoticed); the bug first, its cousins after it
    bugs: dict[str, tuple[Callable, str]],
    sound: str,       # the hint when the check rejects the right code
):
    "Register the judge of an exhibit. A tuple from `right` and `bugs` is several arguments."
    def ask(check, make):
        made = make()
        return _asked(check, *(made if isinstance(made, tuple) else (made,)))

    @exercise(number)
    def judge(check):
        if not callable(check): return "answer with a function: it gets the thing to examine and returns True or False"
        verdict = ask(check, right)
        if isinstance(verdict, Exception):
            return f"your check stops on the right code with {type(verdict).__name__}: {verdict}{_advice(verdict)}"
        if not verdict: return f"the right code does not pass your check. {sound}"
        missed = [name for name, (make, _) in bugs.items() if ask(check, make) is True]
        if not missed: return None
        if len(missed) == len(bugs): return f"your check passes everything, even the bug. {bugs[missed[0]][1]}"
        return f"it finds some of the bugs, but misses this one: {missed[0]}. {bugs[missed[0]][1]}"


def small_net() -> PConvUNet:
    "A network of four stages that has seen one batch, so that its BatchNorms hold statistics; in eval mode."
    torch.manual_seed(0)
    made = PConvUNet(widths=(8, 16, 16, 16))
    with torch.no_grad(): made(torch.rand(4, 3, 32, 32), (torch.rand(4, 1, 32, 32) > .3).float())
    return made.eval()


def sound_fill() -> Callable:
    "(image, mask) → output of a `small_net`, as it should be."
    made = small_net()
    def fill(image, mask):
        with torch.no_grad(): return made(image, mask)
    return fill
