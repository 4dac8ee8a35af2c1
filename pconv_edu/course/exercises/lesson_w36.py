"""Judges of page w36."""
from pconv_edu.course.exercises import exercise


@exercise("w36.1")
def characters(answer):
    for n, wanted in ((3, 4), (12_000_000, 16_000_000), (1, 4), (4, 8), (5, 8), (0, 0)):
        found = answer(n)
        if isinstance(found, bool) or not isinstance(found, (int, float)): return "return a number of characters"
        if found == wanted: continue
        if n == 3: return "three bytes are 24 bits, and a character of base64 holds 6 of them: 4 characters"
        if n == 12_000_000: return "12 MB become 16 MB: four characters for every three bytes"
        if n == 0: return "an empty file becomes an empty text"
        size = f"{n} byte" + "s" * (n > 1)
        if found == 4 * n / 3: return f"{size}: that is not a whole number of groups: round the groups up, then times four"
        if found == -(-4 * n // 3): return f"{size}: an incomplete group is filled up to four characters with '='"
        return f"{size}: round the number of groups up to a whole one; each becomes four characters"
