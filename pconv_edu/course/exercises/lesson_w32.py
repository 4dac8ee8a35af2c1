"""Judge of page w32."""
from pconv_edu.course.exercises import exercise


@exercise("w32.1")
def workers_needed(answer):
    # powers of two, so that no case hangs on rounding: 2, 2.34375, 12.5 and .39 workers
    cases = [((1 / 128, 256), 2), ((1 / 128, 300), 3), ((1 / 64, 800), 13), ((1 / 256, 100), 1)]
    got = [answer(*case) for case, _ in cases]
    if any(isinstance(count, float) for count in got): return "nobody can start half a worker: return a whole number"
    if got == [right for _, right in cases]: return None
    if got == [int(seconds * rate) for (seconds, rate), _ in cases]:
        return "12.5 workers' work is too much for 12: round up"
    if got == [round(seconds * rate) for (seconds, rate), _ in cases]:
        return "2.34 workers' work is too much for 2: always round up"
    if got[0] == 3: return "two workers can do the work of exactly two: round up only what is not whole"
    return "each second the GPU takes `rate` samples, and each costs a core `seconds`: multiply, then round up"
