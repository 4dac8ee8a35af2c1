"""Judges of page w10."""
from pconv_edu.course.exercises import choices, exercise


@exercise("w10.1")
def what_a_checkpoint_holds(answer):
    given = choices(answer, "abcdef")
    if "e" in given or "f" in given:
        return "order and masks are functions of the seed and of the position: the number of steps says where to continue"
    missing = {
        "a": "the weights",
        "b": "Adam's moments: without them its first step is as large as at the beginning",
        "c": "BatchNorm's running statistics: inference uses them, and in phase 2 so does training",
        "d": "the number of steps: phase, learning rate and data follow from it",
    }
    lost = [text for letter, text in missing.items() if letter not in given]
    if lost: return f"at least one thing is missing: {lost[0]}"
