"""Judges of page w02."""
from pconv_edu.course.exercises import exercise


@exercise("w02.1")
def next_header(answer):
    right = lambda offset, size: offset + 512 + -(-size // 512) * 512
    cases = [(0, 700), (1536, 30), (2560, 512), (5120, 0), (0, 513)]
    got = [answer(*case) for case in cases]
    if got == [right(*case) for case in cases]: return None
    if got == [offset + 512 + size for offset, size in cases]:
        return "the next header starts on a whole block: round the size up to a multiple of 512"
    if got == [right(offset, size) - offset for offset, size in cases]:
        return "that is the distance to the next header; add the offset of this one"
    if got == [right(offset, size) - 512 for offset, size in cases]:
        return "this header itself takes a block of 512 too"
    if got == [offset + 512 + (size // 512 + 1) * 512 for offset, size in cases]:
        return "a file of 512 bytes fills one block, not two, and an empty one none: round up, do not add one"
    if got == [offset + 512 + size // 512 * 512 for offset, size in cases]:
        return "700 bytes do not fit into one block: round up"
    wrong = next(case for case, g in zip(cases, got) if g != right(*case))
    return f"for a header at {wrong[0]} and {wrong[1]} bytes the next is at {right(*wrong)}"
