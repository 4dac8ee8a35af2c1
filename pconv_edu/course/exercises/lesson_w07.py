"""Judges of page w07."""
from pconv_edu.course.exercises import as_numbers, exercise


@exercise("w07.1")
def shared_mean_and_variance(answer):
    mean, variance = as_numbers(answer, (1, 2.5))
    if abs(mean - 4) > 1e-6: return "the mean is that of all four values"
    if abs(variance - 1) < 1e-6: return "1 is the variance inside each process; it forgets that the two means differ"
    if abs(variance - 20 / 3) < 1e-2:
        return "divide by 4, not by 3: BatchNorm normalises by the plain mean of the squares"
    if abs(variance - 5 ** .5) < 1e-2: return "that is the standard deviation; the question asks for the variance"
    if abs(variance - 5) > 1e-6: return "(9 + 1 + 1 + 9)/4, the squares of the distances from 4"
