"""Solutions of page w02, and wrong answers that must get a hint."""


def next_header(offset, size): return offset + 512 + -(-size // 512) * 512


right = {
    "w02.1": next_header,
}

wrong = {
    "w02.1": [
        lambda offset, size: offset + 512 + size,
        lambda offset, size: next_header(0, size),
        lambda offset, size: next_header(offset, size) - 512,
        lambda offset, size: offset + 512 + (size // 512 + 1) * 512,
        lambda offset, size: offset + 512 + size // 512 * 512,
        lambda offset, size: 0,
    ],
}
