"""Judges of page w25."""
from pconv_edu.course.exercises import exercise


@exercise("w25.1")
def merged_taps(answer):
    try: taps = [float(tap) for tap in answer]
    except (TypeError, ValueError): return "give four numbers, like [1, 2, 3, 4]"
    if len(taps) != 4: return f"each pixel paints four copies, c, b + c, a + b, a: four taps, and you gave {len(taps)}"
    if taps == [1, 2, 2, 1]: return "the inner taps are sums of two neighbours: two taps read the same pixel there"
    if sum(taps) != 8:
        return f"each pixel is read twice, so the taps add up to twice 1 + 2 + 1, but yours add up to {sum(taps):g}"
    if taps != [1, 3, 3, 1]: return "c, b + c, a + b, a with a = 1, b = 2, c = 1"
