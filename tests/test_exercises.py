"""Exercises of all lessons: right answers are judged right, wrong ones wrong with a hint, stubs not answered."""
import importlib
import importlib.util
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pconv_edu.course import exercises
from pconv_edu.course.exercises import check, exercise, judge
from pconv_edu.losses import LossWeights

ROOT = Path(__file__).parents[1]
LESSONS = sorted(path.stem for path in (ROOT / "pconv_edu" / "course" / "exercises").glob("lesson_*.py"))


def solutions(lesson: str):
    path = ROOT / "nbs" / "solutions" / f"{lesson}.py"
    assert path.exists(), f"{lesson} has judges and no solutions: {path} is missing"
    spec = importlib.util.spec_from_file_location(f"solutions_{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page_of(lesson: str) -> str: return lesson.removeprefix("lesson_")


def numbers(lesson: str) -> list[str]:
    "The exercises that a lesson's judges register."
    importlib.import_module(f"pconv_edu.course.exercises.{lesson}")
    return sorted(number for number in exercises._judges if number.split(".")[0] == page_of(lesson).removeprefix("0"))


def stubs(lesson: str) -> dict[str, str]:
    "Exercise number → the code cell that asks it, from the lesson's notebooks."
    found = {}
    for path in (ROOT / "nbs").glob(f"{page_of(lesson)}_*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code":
                found |= dict.fromkeys(re.findall(r"^check\(['\"](w?[\d.]+)['\"]", source, re.M), source)
    return found


def test_there_are_lessons_with_exercises(): assert len(LESSONS) >= 3


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_exercise_has_a_right_and_a_wrong_answer(lesson):
    known, answers = numbers(lesson), solutions(lesson)
    assert known, f"{lesson} registers no exercise"
    assert sorted(answers.right) == known, f"right answers are there for {sorted(answers.right)}, judges for {known}"
    assert sorted(answers.wrong) == known and all(len(answers.wrong[number]) for number in known), (
        f"wrong answers are there for {sorted(answers.wrong)}, judges for {known}"
    )


@pytest.mark.parametrize("lesson", LESSONS)
def test_right_answers_are_judged_right(lesson):
    for number, answer in solutions(lesson).right.items():
        torch.manual_seed(0)
        assert judge(number, answer) == (True, "right!"), f"{number}: {judge(number, answer)}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_wrong_answers_get_a_hint(lesson):
    for number, answers in solutions(lesson).wrong.items():
        for i, answer in enumerate(answers):
            ok, hint = judge(number, answer)
            assert ok is False and isinstance(hint, str) and len(hint.split()) >= 3, (
                f"{number}, wrong answer {i} ({answer!r}): judged {ok}, {hint!r}"
            )
            assert "AssertionError" not in hint, f"{number}, wrong answer {i}: a judge's own assertion is no hint"


@pytest.mark.parametrize("lesson", LESSONS)
def test_likely_mistakes_get_different_hints(lesson):
    for number, answers in solutions(lesson).wrong.items():
        if len(answers) > 2:
            assert len({judge(number, answer)[1] for answer in answers}) >= 2, (
                f"{number}: {len(answers)} mistakes, one hint for all"
            )


@pytest.mark.parametrize("page, names", [
    ("broken_net", "gram_in_half gram_without_channels padded_with_pixels unpadded"),
    ("broken_run", "PowerCut black_instead deletes_first power_cut read_all save_over stops_without_a_name "
                   "three_files whole_ones"),
])
def test_exhibits_that_moved_to_page_w33_can_still_be_imported(page, names):
    page, moved_to = (importlib.import_module(f"pconv_edu.course.{name}") for name in (page, "broken_rarely"))
    for name in names.split(): assert getattr(page, name) is getattr(moved_to, name) and name in page.__all__


def nothing(*args, **kwargs): ...


@pytest.mark.parametrize("lesson", LESSONS)
def test_unanswered_stubs_are_neither_right_nor_wrong(lesson):
    right = solutions(lesson).right
    for number in numbers(lesson):
        for stub in (..., None) + (
            (nothing,) if callable(right[number]) and not isinstance(right[number], type) else ()
        ):
            ok, message = judge(number, stub)
            assert ok is None and "not answered" in message, f"{number}: a stub is judged {ok}, {message!r}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_notebook_asks_each_exercise_and_does_not_answer_it(lesson):
    asked = stubs(lesson)
    assert sorted(asked) == numbers(lesson), (
        f"the notebooks ask {sorted(asked)}, judges are there for {numbers(lesson)}"
    )
    for number, source in asked.items(): assert "..." in source, f"{number}: the cell holds no stub"


def test_only_an_answer_that_rounds_up_is_told_that_it_does():
    "Bug: ceil(hole / kernel) was told to round up, and round(hole / kernel) that it does already."
    hint = lambda answer: judge("3.2", answer)[1]
    assert "round up already" in hint(lambda hole, kernel: math.ceil(hole / kernel))
    for answer in (lambda hole, kernel: round(hole / kernel), lambda hole, kernel: hole // (kernel - 1)):
        assert hint(answer).endswith("Round up")


# the machinery
# ---------------------------------------------------------------------------------------------------------

def test_unknown_exercise_names_those_there_are():
    with pytest.raises(KeyError, match="'1.1', '1.2', '1.3'"): judge("1.99", 3)
    with pytest.raises(KeyError, match="no exercise 'x'"): judge("x", 3)


def test_an_error_in_the_answer_is_told_not_raised():
    def broken(picture): raise RuntimeError("no such axis")
    ok, message = judge("1.3", broken)
    assert ok is False and "RuntimeError: no such axis" in message


def test_check_prints_one_line(capsys):
    check("1.1", 18), check("1.1", 3), check("1.1", ...)
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines] == ["✓", "✗", "…"] and all("1.1" in line for line in lines)


def test_a_judge_that_calls_an_unfinished_function_twice(monkeypatch):
    monkeypatch.setattr(exercises, "_judges", dict(exercises._judges))
    exercise("1.98")(lambda answer: None if answer(1) + answer(2) == 3 else "sum them up")
    assert judge("1.98", lambda x: x)[0] is True and judge("1.98", lambda x: x if x == 1 else None)[0] is None


@pytest.mark.parametrize("page, number", [("03", "3.1"), ("w02", "w02.1")])
def test_a_page_alone_finds_its_judges(monkeypatch, page, number):
    "Bug: a page of the workshop found none, unless another had loaded them."
    monkeypatch.setattr(exercises, "_judges", {})
    monkeypatch.delitem(sys.modules, f"pconv_edu.course.exercises.lesson_{page}", raising=False)
    assert judge(number, None) == (None, "not answered yet")


def swap_in_place(x):
    x[...] = x[::-1].copy() if isinstance(x, np.ndarray) else x.flip(0)
    return x


@pytest.mark.parametrize("given", [
    torch.arange(3.), np.arange(3.), [torch.zeros(2), torch.arange(3.)], torch.tensor([float("nan"), 1.])])
def test_a_function_that_changes_what_it_is_given_is_refused(monkeypatch, given):
    "Bug: an in-place change passed as right, for the numbers it returns are right."
    monkeypatch.setattr(exercises, "_judges", dict(exercises._judges))
    exercise("1.98")(lambda answer: None if answer(given) is not None else "no")
    changes = lambda x: [swap_in_place(y) for y in x] if isinstance(x, list) else swap_in_place(x)
    ok, hint = judge("1.98", changes)
    assert ok is False and "changed the " + ("array" if isinstance(given, np.ndarray) else "tensor") in hint
    assert judge("1.98", lambda x: x) == (True, "right!")


def test_a_number_in_quotes_is_told_so():
    assert judge("1.1", "18") == (False, "your answer is text: leave out the quotes and give 18 itself")


def test_a_value_for_a_function_and_a_function_for_a_value_are_told_so():
    ok, hint = judge("1.3", torch.zeros(3, 2, 4))
    assert ok is False and "asks for a function, and this is a float32 tensor of shape [3, 2, 4]" in hint
    for number in ("1.1", "3.1"):  # one judge computes with the answer, the other compares it
        ok, hint = judge(number, lambda: 18)
        assert ok is False and "asks for a value, and this is a function" in hint


def test_a_result_of_the_wrong_kind_is_named():
    "Bug: 'your answer stopped' for an error of the judge, on a result that it cannot compare."
    ok, hint = judge("1.3", lambda picture: [1, 2])
    assert ok is False and "your function returns a list, and that cannot be judged here (AttributeError" in hint
    ok, hint = judge("6.1", [.012])
    assert ok is False and "your answer is a list" in hint


def test_a_function_that_returns_nothing_for_some_inputs_is_told_so():
    "Bug: 'not answered yet' alone, for a function that prints, or forgets a return in one branch."
    stub = "not answered yet (your function returns nothing)"
    def documented(hole, kernel):
        "How many layers close it."
    assert judge("3.2", documented) == judge("3.2", lambda hole, kernel: ...) == (None, stub)
    for function in (lambda hole, kernel: 3 if hole == 5 else None, lambda hole, kernel: print(3)):
        ok, hint = judge("3.2", function)
        assert ok is None and "every way through it needs a return" in hint


@pytest.mark.parametrize("answer", [{"a", "e"}, ["A", "E"], "ae", "a, e", ("e", "a", "a")])
def test_letters_may_be_written_in_any_way(answer): assert judge("21.2", answer) == (True, "right!")


@pytest.mark.parametrize("answer, hint", [(["a", "z"], "z: choose from a, b, c, d, e"), ([1], "1: choose from"),
                                          (5, "give a list, like ['a', 'b']")])
def test_other_letters_are_named(answer, hint):
    ok, message = judge("21.2", answer)
    assert ok is False and hint in message


@pytest.mark.parametrize("answer", [["Perceptual", "Style", "TV"], "tv, style,perceptual"])
def test_names_may_be_written_in_any_case_and_in_one_string(answer): assert judge("10.3", answer)[0] is True


def test_one_name_with_spaces_is_no_list(): assert judge("19.2", "Valid + hole") == (True, "right!")


def test_a_right_answer_in_float32_is_right():
    "Bug: a mean that torch took in float32 was refused, for it was compared to the sixth digit."
    assert judge("18.3", lambda runs: torch.tensor(runs).mean()) == (True, "right!")
    assert judge("18.2", lambda a, b: [(torch.tensor(a) - torch.tensor(b)).mean(),
                                       (torch.tensor(a) - torch.tensor(b)).std() / 2]) == (True, "right!")


def test_weights_of_the_class_that_page_10_builds_are_taken():
    "Bug: exercise 10.2 refused every answer on its page, where `LossWeights` is another class than the package's."
    page = json.loads((ROOT / "nbs" / "10_total_loss.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in page["cells"] if cell["cell_type"] == "code"]
    exported = [source for source in sources if source.startswith("#| export")]
    names = {"__name__": "page"}
    for source in exported: exec(source, names)
    LossWeights = names["LossWeights"]
    assert LossWeights is not importlib.import_module("pconv_edu.losses").LossWeights
    assert judge("10.2", LossWeights(valid=.5, hole=3, tv=.05)) == (True, "right!")
    assert judge("10.2", LossWeights())[0] is False and judge("10.2", LossWeights)[0] is False


@pytest.mark.parametrize("given, kind", [
    ([torch.zeros(2), torch.ones(2)], "list"), ({1: .5, 2: None}, "dict"), ({"a", "b"}, "set")])
def test_a_function_that_takes_something_out_of_what_it_is_given_is_refused(monkeypatch, given, kind):
    "Bug: w05.1 took a function that emptied the dict of scores."
    monkeypatch.setattr(exercises, "_judges", dict(exercises._judges))
    exercise("1.98")(lambda answer: None if answer(given) == 1 else "no")

    def takes_one(x):
        x.popitem() if isinstance(x, dict) else x.pop()
        return 1

    assert judge("1.98", lambda x: 1) == (True, "right!")
    ok, hint = judge("1.98", takes_one)
    assert ok is False and f"changed the {kind}" in hint


def test_a_function_that_returns_a_number_as_text_is_told_so():
    ok, hint = judge("w31.1", lambda shape: str((2 / math.prod(shape[1:])) ** .5))
    assert ok is False and "returns text" in hint


@pytest.mark.parametrize("number, rounded, in_per_cent", [
    ("w17.1", .005, .52), ("w18.2", 1.5, None), ("w19.1", None, 15), ("w19.2", 15, None)])
def test_a_right_number_with_too_few_digits_or_in_per_cent_is_told_so(number, rounded, in_per_cent):
    "Bug: the hint explained what the learner had done right."
    if rounded: assert judge(number, rounded) == (False, "nearly: that is rounded too far, so give one more digit")
    if in_per_cent: assert judge(number, in_per_cent) == (False, "that is in per cent; as a share, 100 % is 1")


def test_a_median_in_float32_is_right():
    "Bug: w17.2 asked for nine digits, and float32 has seven."
    assert judge("w17.2", lambda a, b: (torch.tensor(a) / torch.tensor(b)).median().item() if len(a) % 2 else
                 (torch.tensor(a) / torch.tensor(b)).quantile(.5).item()) == (True, "right!")


@pytest.mark.parametrize("answer", [4, "4, 5", (4,), (4, 5, 6), ("a", "b")])
def test_anything_but_two_numbers_is_told_so(answer):
    for number in ("w07.1", "w12.1"):
        ok, hint = judge(number, answer)
        assert ok is False and hint.startswith("give 2 numbers"), hint


@pytest.mark.parametrize("factor", [.5, 1, 2])
def test_weights_that_all_change_alike_are_told_so(factor):
    "Bug: of weights that were all halved, the hint named the three that were right."
    weights = {"valid": 1, "hole": 6, "perceptual": .05, "style": 120, "tv": .1}
    ok, hint = judge("10.2", LossWeights(**{name: factor * weight for name, weight in weights.items()}))
    assert ok is False and "all five are in the old proportion" in hint


def test_a_check_that_asks_if_a_tensor_is_true_hears_how_to_compare_tensors():
    said = judge("24.1", lambda mask_of: mask_of(0) == mask_of(0) and mask_of(0) != mask_of(1))
    assert said[0] is False and "torch.equal" in said[1]
    assert "torch.equal" not in judge("24.1", lambda mask_of: mask_of("zero"))[1]


def test_a_time_in_a_tensor_without_dimensions_is_a_number():
    def at_best(operations, moved, tflops, gb_per_second):
        computing, moving = (torch.tensor(counts, dtype=torch.float64) for counts in (operations, moved))
        return torch.maximum(computing / tflops / 1e12, moving / gb_per_second / 1e9).sum()
    assert judge("w35.1", at_best) == (True, "right!")
    assert judge("w35.1", lambda *given: at_best(*given)[None])[0] is False


@pytest.mark.parametrize("number,answer,hint", [
    ("23.1", lambda net: {block.bn for block in net.encoder[1:]} <= {*net.modules()}, "net.decoder"),
    ("24.1", lambda mask_of: mask_of(0) is mask_of(0), "pixels, not objects"),
    ("w36.1", lambda n: 4 * n / 3, "1 byte:"),
])
def test_a_hint_speaks_of_the_mistake(number, answer, hint): assert hint in judge(number, answer)[1]
