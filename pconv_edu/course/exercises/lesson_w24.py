"""Judges of page w24."""
from pconv_edu.course.exercises import exercise


@exercise("w24.1")
def megabytes_of_the_bomb(answer):
    near = lambda value: abs(float(answer) - value) < .006 * value
    right = 9000 * 9000 * 3 * 4 / 2**20
    if near(right): return None
    if near(right / 4): return "that is one byte per number; a float32 has 4"
    if near(right / 3): return "that is one channel; RGB has three"
    if near(right / 12): return "that is the number of pixels; each has three numbers of 4 bytes"
    if near(right * 2**20 / 1e6): return "right, in millions of bytes; a megabyte here has 2**20"
    if near(right * 2**20): return "that is in bytes; divide by 2**20"
    return "height × width × channels × bytes per number, divided by 2**20"


@exercise("w24.2")
def size_when_upright(answer):
    got = {k: answer(4000, 3000, k) for k in range(1, 9)}
    wrong = [k for k, size in got.items() if not isinstance(size, (tuple, list)) or len(size) != 2]
    if wrong: return "return two numbers, (width, height)"
    swapped = [k for k, size in got.items() if tuple(size) == (3000, 4000)]
    if [k for k, size in got.items() if k not in swapped and tuple(size) != (4000, 3000)]:
        return "no turn changes the two numbers; some swap them"
    if swapped == [5, 6, 7, 8]:
        portrait = [tuple(answer(480, 640, k)) for k in (1, 6)]
        if portrait == [(480, 640), (640, 480)]: return None
        return "right for 4000 × 3000; a stored 480 × 640 stays as it is with orientation 1, and becomes 640 × 480 with 6"
    if not swapped: return "give a photo a quarter turn, and its width becomes its height"
    if swapped == [6, 8]: return "5 and 7 are transposed: mirrored, and given a quarter turn as well"
    return f"you swap the sides for orientation {', '.join(map(str, swapped))}; look again at the eight F above"
