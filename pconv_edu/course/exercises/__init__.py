"""Exercises that check themselves: `check("3.1", answer)` says right, not yet answered, or gives a hint.

Each lesson's judges stand in `lesson_NN.py`; the solutions stand apart, in `nbs/solutions/`.
"""
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

_judges: dict[str, Callable] = {}


class Unanswered(Exception):
    "Raised when the learner's function still returns nothing."


def exercise(number: str):  # "3.1" is the first exercise of lesson 03
    "Register the judge of exercise `number`: it takes the answer and returns None when right, else a hint."
    def register(judge: Callable) -> Callable:
        _judges[number] = judge
        return judge
    return register


def _wrap(answer):
    "Let a function that returns nothing count as not answered, wherever a judge calls it."
    if isinstance(answer, type) or not callable(answer): return answer
    def asked(*args, **kwargs):
        result = answer(*args, **kwargs)
        if result is None or result is ...: raise Unanswered
        return result
    return asked


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
    try: hint = _judges[number](_wrap(answer))
    except Unanswered: return None, "not answered yet (your function returns nothing)"
    except Exception as error: return False, f"your answer stopped with {type(error).__name__}: {error}"
    return (True, "right!") if hint is None else (False, hint)


def check(
    number: str,  # which exercise, e.g. "3.1"
    answer,       # your number, tensor or function
):
    "Say whether `answer` solves exercise `number`; a wrong one gets a hint."
    ok, message = judge(number, answer)
    sign = {True: "✓", False: "✗", None: "…"}[ok]
    print(f"{sign} {number}: {message}")
