"""Solutions of page w27, and wrong answers that must get a hint."""
import numpy as np

right = {
    "w27.1": lambda fill, clear: np.where(fill == clear, abs(clear - 1), fill),
}

wrong = {
    "w27.1": [
        lambda fill, clear: fill,
        lambda fill, clear: fill - 1,
        lambda fill, clear: np.where(fill == clear, clear - 1, fill),
        lambda fill, clear: np.where(fill == clear, clear + 1, fill),
        lambda fill, clear: np.where(fill == clear, 0 if clear else 1, fill),
        lambda fill, clear: fill[fill != clear],
        lambda fill, clear: np.maximum(fill, clear + 1) % 65536,
    ],
}
