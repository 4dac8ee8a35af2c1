"""Judges of page w34."""
import hashlib

from pconv_edu.course.exercises import exercise


@exercise("w34.1")
def belongs(answer):
    data, other = bytes(range(40)), bytes([1, *range(1, 40)])
    true = {"name": "tiny", "sha256": hashlib.sha256(data).hexdigest(), "parameters": 40}
    for facts, given, right, why in (
        (true, data, True, "these facts hold the SHA-256 of exactly these bytes, as the 64 digits of hexdigest()"),
        (true, other, False, "one bit of the weights has changed, so the facts are about another file"),
        (true | {"sha256": hashlib.sha256(other).hexdigest()}, data, False, "the checksum is that of other weights"),
        (true, data + b"\0", False, "the file has one byte more than the facts are about"),
        ({"name": "tiny"}, data, False, "nobody wrote down a checksum, so nothing ties these facts to the file"),
        (true | {"sha256": ""}, data, False, "an empty checksum ties nothing to the file"),
    ):
        try: found = answer(dict(facts), given)
        except KeyError: return "where the facts have no 'sha256', return False: facts.get('sha256') gives None there"
        if isinstance(found, str): return "return True or False: compare your checksum with the one in the facts"
        if found not in (True, False): return f"answer with True or False, not {found!r}"
        if found != right: return f"{why}: the answer is {right}"
