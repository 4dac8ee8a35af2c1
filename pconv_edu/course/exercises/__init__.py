"""Exercises that check themselves: `check("3.1", answer)` says right, not yet answered, or gives a hint.

Each lesson's judges are in `lesson_NN.py`; the solutions are kept apart, in `nbs/solutions/`.
"""
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch

_judges: dict[str, Callable] = {}


class Unanswered(Exception):
    "Raised when the learner's function returns nothing."


class Refused(Exception):
    "Raised with a hint when the learner's function does what no exercise allows."


def exercise(number: str):  # "3.1" is the first exercise of lesson 03
    "Register the judge of exercise `number`: it takes the answer and returns None when right, else a hint."
    def register(judge: Callable) -> Callable:
        _judges[number] = judge
        return judge
    return register


def choices(
    answer,  # {'a', 'b'}, ['A', 'B'], 'ab' or 'a, b'
    known: Sequence[str],  # names, or a string of letters
) -> set[str]:
    "Those of `known` that an answer names, in any case. Refuses others."
    if isinstance(answer, str) and ("," in answer or not isinstance(known, str)): answer = answer.split(",")
    try: given = {str(name).strip().lower() for name in answer} - {""}
    except TypeError: raise Refused(f"give a list, like {[*known[:2]]}") from None
    told = {name.lower(): name for name in known}
    unknown = sorted(given - set(told))
    if unknown: raise Refused(f"{', '.join(unknown)}: choose from {', '.join(known)}")
    return {told[name] for name in given}


def near(answer, value: float, eps: float = .01) -> bool:
    "Is the number `answer` within the share `eps` of `value`?"
    return abs(float(answer) - value) <= eps * abs(value)


def is_right(
    answer,
    value: float,         # the right number
    share: bool = False,  # a share, which some give in per cent
) -> bool:
    "Is `answer` right, to one per cent? Refuses `value` with too few digits, and a share in per cent."
    if near(answer, value): return True
    if near(answer, value, .1) and float(answer) in (float(f"{value:.1g}"), float(f"{value:.2g}")):
        raise Refused("nearly: that is rounded too far, so give one more digit")
    if share and near(answer, 100 * value, .05): raise Refused("that is in per cent; as a share, 100 % is 1")
    return False


def as_numbers(
    answer,
    example: tuple,  # an answer of the right form, to show
) -> list[float]:
    "As many numbers as `example` has. Refuses anything else."
    try: given = [float(number) for number in answer]
    except (TypeError, ValueError): given = []
    if isinstance(answer, str) or len(given) != len(example):
        raise Refused(f"give {len(example)} numbers, in a form like {example}")
    return given


def _same(a, b) -> bool:  # tensors or arrays; NaN is equal to itself
    a, b = (torch.as_tensor(x) for x in (a, b))
    return a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | ((a != a) & (b != b))).all())


def _tensors(args) -> list:
    "The tensors and arrays among `args`, and in the lists among them."
    flat = [x for arg in args for x in (arg if isinstance(arg, (list, tuple)) else [arg])]
    return [x for x in flat if isinstance(x, (torch.Tensor, np.ndarray))]


def _held(container: list | dict | set) -> list:
    "What a list, dict or set holds, in its order."
    return list(container.items()) if isinstance(container, dict) else list(container)


def _is_held(container, old: list) -> bool:
    "Does it still hold the things of `old`? By identity: tensors in it have no plain `==`."
    parts = lambda things: [part for x in things for part in (x if isinstance(x, tuple) else (x,))]
    now = parts(_held(container))
    return len(now) == len(parts(old)) and all(a is b for a, b in zip(now, parts(old)))


def _stub(): ...


def _is_stub(function) -> bool:
    "Whether the body is still empty."
    code = getattr(function, "__code__", None)
    # two bytes more: a Python may keep one instruction that does nothing, so that a debugger can stop there
    return code is not None and len(code.co_code) <= len(_stub.__code__.co_code) + 2


class _Asked:
    "The learner's function, as a judge calls it: it must return something, and leave what it is given as it is."
    def __init__(self, function: Callable):
        self.function, self.calls, self.returned, self.error = function, 0, None, None

    def __call__(self, *args, **kwargs):
        given = _tensors([*args, *kwargs.values()])
        before = [x.clone() if isinstance(x, torch.Tensor) else x.copy() for x in given]
        containers = [(x, _held(x)) for x in [*args, *kwargs.values()] if isinstance(x, (list, dict, set))]
        self.calls, self.returned = self.calls + 1, None
        try: result = self.function(*args, **kwargs)
        except Exception as error:
            self.error = error
            raise
        if result is None or result is ...:
            raise Unanswered("your function returns nothing" if _is_stub(self.function) else
                             "your function returned None: every way through it needs a return with a value "
                             "other than None; print only shows one")
        changed = ["tensor" if isinstance(x, torch.Tensor) else "array"
                   for x, old in zip(given, before) if not _same(x, old)]
        changed += [type(x).__name__ for x, old in containers if not _is_held(x, old)]
        if changed:
            raise Refused(f"your function changed the {changed[0]} it was given, and others still need that: "
                          "compute a new one and return it")
        if _is_number_in_quotes(result):
            raise Refused(f"your function returns text, {result!r}: return the number itself")
        self.returned = result
        return result


def _wrap(answer):
    "Let a judge call the learner's function through `_Asked`; anything else passes as it is."
    return answer if isinstance(answer, type) or not callable(answer) else _Asked(answer)


def _kind(value) -> str:
    "What `value` is, in words: 'a float64 tensor of shape [2, 3]', 'a list'."
    name = type(value).__name__
    if isinstance(value, (torch.Tensor, np.ndarray)):
        what = "tensor" if isinstance(value, torch.Tensor) else "array"
        name = f"{str(value.dtype).removeprefix('torch.')} {what} of shape {list(value.shape)}"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _is_number_in_quotes(answer) -> bool:
    if not isinstance(answer, str): return False
    try: float(answer)
    except ValueError: return False
    return True


_WANTS_A_VALUE = "this exercise asks for a value, and this is a function: call it, and give what it returns"


def _stopped(asked, error: Exception) -> str:
    "A hint for an error that came up while `asked` was judged."
    told = f"{type(error).__name__}: {error}"
    if not isinstance(asked, _Asked):
        if isinstance(error, TypeError) and str(error).endswith("object is not callable"):
            return (f"this exercise asks for a function, and this is {_kind(asked)}: "
                    "give the function's name, without brackets after it")
        return f"your answer is {_kind(asked)}, and that cannot be judged here ({told})"
    if not asked.calls and isinstance(error, TypeError): return _WANTS_A_VALUE
    if asked.error is error or not asked.calls: return f"your answer stopped with {told}"
    return f"your function returns {_kind(asked.returned)}, and that cannot be judged here ({told})"


def judge(number: str, answer) -> tuple[bool | None, str]:
    """`(True, praise)`, `(False, hint)` or `(None, 'not answered')` for `answer` to exercise `number`.

    Raises `KeyError` for a number that no lesson has.
    """
    lesson = number.split(".")[0]
    name = f"{__name__}.lesson_{lesson.zfill(2)}"  # 3 → 03; a page of the workshop is w05 already
    if lesson.isalnum() and find_spec(name): import_module(name)
    if number not in _judges:
        raise KeyError(
            f"there is no exercise {number!r}; lesson {lesson} has: "
            f"{sorted(n for n in _judges if n.split('.')[0] == lesson)}"
        )
    if answer is None or answer is ...: return None, "not answered yet"
    if _is_number_in_quotes(answer): return False, f"your answer is text: leave out the quotes and give {answer} itself"
    asked = _wrap(answer)
    try: hint = _judges[number](asked)
    except Unanswered as unanswered: return None, f"not answered yet ({unanswered})"
    except Refused as refused: return False, str(refused)
    except Exception as error: hint = _stopped(asked, error)
    if hint is None: return True, "right!"
    return False, _WANTS_A_VALUE if isinstance(asked, _Asked) and not asked.calls else hint


def check(
    number: str,  # which exercise, e.g. "3.1"
    answer,       # your number, tensor or function
):
    "Say whether `answer` solves exercise `number`; a wrong one gets a hint."
    ok, message = judge(number, answer)
    sign = {True: "✓", False: "✗", None: "…"}[ok]
    print(f"{sign} {number}: {message}")
