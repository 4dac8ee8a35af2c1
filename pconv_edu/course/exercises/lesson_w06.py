"""Judges of page w06."""
from pconv_edu.course.exercises import exercise


@exercise("w06.1")
def steps_in_the_log(answer):
    if answer == 7300:
        return "those were written, but the steps after the checkpoint will be done once more: they would be in the log twice"
    if answer == 7001: return "steps 0 to 6,999 are 7,000 steps"
    if answer == 300: return "that is what is cut off"
    if answer == 6999: return "the last step in it is number 6,999; how many steps is that, counted from 0?"
    if answer != 7000: return "the log must end at the checkpoint, because the run resumes from there"
