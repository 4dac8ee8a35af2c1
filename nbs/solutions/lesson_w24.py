"""Solutions of page w24, and wrong answers that must get a hint."""


def size_upright(width, height, orientation): return (height, width) if orientation > 4 else (width, height)


right = {
    "w24.1": 9000 * 9000 * 3 * 4 / 2**20,
    "w24.2": size_upright,
}

wrong = {
    "w24.1": [
        9000 * 9000 * 3 / 2**20, 9000 * 9000 * 4 / 2**20, 9000 * 9000 / 2**20, 81, 9000 * 9000 * 12,
        9000 * 9000 * 12 / 1e6, 3000,
    ],
    "w24.2": [
        lambda width, height, orientation: (width, height),
        lambda width, height, orientation: (height, width),
        lambda width, height, orientation: (height, width) if orientation in (6, 8) else (width, height),
        lambda width, height, orientation: (height, width) if orientation >= 6 else (width, height),
        lambda width, height, orientation: (width // 2, height),
        lambda width, height, orientation: width,
        lambda width, height, orientation: (3000, 4000) if orientation > 4 else (4000, 3000),
        lambda width, height, orientation: sorted((width, height), reverse=orientation < 5),
    ],
}
