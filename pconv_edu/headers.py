"""What stands around the pixels in a picture's file: sizes to check before decoding, notes that may be broken.

Pillow refuses a whole PNG for one note that is too long or cannot be unpacked, and takes gigabytes for a WebP of a
few bytes before it says how large it is. `decoding.open_image` asks here first.
"""
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

PNG = b"\x89PNG\r\n\x1a\n"
MAX_NOTE = 2**20     # bytes of an unpacked text; Pillow refuses the picture for a longer one
MAX_NOTES = 2**25    # bytes of all of them together
MAX_PROFILE = 2**25  # bytes of an unpacked colour profile
COLORS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4}  # chunks on colour, and their lengths
LENGTHS = COLORS | {b"pHYs": 9}                             # and on resolution


class Png(NamedTuple):
    "A PNG without what Pillow would stumble over."
    file: BinaryIO
    frames: int            # of an animation; the first alone is left in `file`
    profile: bytes | None  # a sound colour profile; Pillow would refuse a long one
    colors: list[tuple[bytes, bytes]]  # kind and data of the chunks that say how its numbers are to look


def _chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes, bool]]:  # kind, data, and whether the checksum is right
    stream.seek(len(PNG))
    kind = b""
    while kind != b"IEND":
        head = stream.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        data, check = stream.read(length), stream.read(4)
        if len(kind) < 4 or len(data) < length or len(check) < 4: raise ValueError("the PNG file is truncated")
        yield kind, data, zlib.crc32(kind + data) == int.from_bytes(check, "big")


def _unpacked(data: bytes, limit: int) -> bytes | None:
    "zlib data of at most `limit` bytes; None for more, and for anything that is not zlib data."
    packed = zlib.decompressobj()
    try: plain = packed.decompress(data, limit)
    except zlib.error: return None
    return None if packed.unconsumed_tail else plain


def _profile(data: bytes) -> bytes | None:
    rest = data.partition(b"\0")[2]
    return _unpacked(rest[1:], MAX_PROFILE) if rest[:1] == b"\0" else None


def _note_size(kind: bytes, data: bytes) -> int | None:
    "Bytes that a text of a PNG unpacks to; None where it is broken or too long."
    rest, plain = data.partition(b"\0")[2], data
    if kind == b"zTXt": plain = _unpacked(rest[1:], MAX_NOTE) if rest[:1] == b"\0" else None
    elif kind == b"iTXt" and rest[:1] != b"\0": plain = _unpacked(rest[2:].split(b"\0", 2)[-1], MAX_NOTE)
    return len(plain) if plain is not None and len(plain) < MAX_NOTE else None


def png_pixels(stream: BinaryIO) -> Png:
    """The PNG with its pixels, and of the rest only what Pillow can take.

    Raises `ValueError` where the file is cut short, or a checksum of the pixels' chunks is wrong: Pillow's decoder
    does not look at those, and some damage would pass for another picture.
    """
    kept, frames, profile, colors, notes = [PNG], 1, None, [], 0
    for kind, data, sound in _chunks(stream):
        pixels = kind[:1].isupper() or kind == b"tRNS"  # PNG marks what a reader cannot do without by a capital
        if pixels and not sound: raise ValueError(f"the PNG file is damaged: the checksum of {kind!r} is wrong")
        if kind == b"acTL" and sound and len(data) == 8: frames = int.from_bytes(data[:4], "big")
        if kind == b"iCCP" and sound: profile = _profile(data)
        if sound and COLORS.get(kind) == len(data): colors.append((kind, data))
        size = _note_size(kind, data) if kind in (b"tEXt", b"zTXt", b"iTXt") else None
        fits = size is not None and notes + size <= MAX_NOTES
        if fits: notes += size
        if pixels or sound and (kind == b"eXIf" or fits or LENGTHS.get(kind) == len(data)):
            kept += [len(data).to_bytes(4, "big"), kind, data, zlib.crc32(kind + data).to_bytes(4, "big")]
    return Png(io.BytesIO(b"".join(kept)), frames, profile, colors)


def webp_size(head: bytes) -> tuple[int, int] | None:  # width, height
    "What the first 30 bytes of a WebP say of its size; None for anything else."
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30: return None
    kind, number = head[12:16], lambda start, stop: int.from_bytes(head[start:stop], "little")
    if kind == b"VP8X": return number(24, 27) + 1, number(27, 30) + 1
    if kind == b"VP8 ": return number(26, 28) & 0x3FFF, number(28, 30) & 0x3FFF
    if kind == b"VP8L": return (number(21, 25) & 0x3FFF) + 1, (number(21, 25) >> 14 & 0x3FFF) + 1
    return None
