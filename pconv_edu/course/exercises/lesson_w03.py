"""Judges of page w03."""
from pconv_edu.course.exercises import exercise


@exercise("w03.1")
def shrink_of_a_large_photo(answer):
    if answer == 4: return None
    if answer == 8:
        return "an eighth leaves 2000 / 8 = 250 pixels of the crop's side: fewer than the 256 that are wanted"
    if isinstance(answer, float) and 7.7 < answer < 7.9:
        return "7.8 times smaller is allowed; a JPEG can be decoded at 1/2, 1/4 or 1/8"
    if answer == 2000: return "2000 pixels is the side of the crop in the file; how many times may that shrink to 256?"
    if answer == 2: return "a half is allowed, and there is more to save"
    return ("the side of the crop in the file is 3000 / 1.5; divide it by 256, and take the largest of 1, 2, 4, 8 "
            "that is not larger than the result")
