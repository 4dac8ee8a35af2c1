"""Solutions of page w36, and wrong answers that must get a hint."""
from math import ceil


right = {
    "w36.1": lambda n: 4 * ceil(n / 3),
}

wrong = {
    "w36.1": [
        lambda n: 4 * n / 3, lambda n: ceil(4 * n / 3), lambda n: 4 * (n // 3), lambda n: 3 * ceil(n / 4),
        lambda n: 2 * n,
        lambda n: 4 * (n // 3 + 1), lambda n: max(4, 4 * ceil(n / 3)), lambda n: 4 * ceil(n / 3) if n > 2 else n,
        lambda n: "A" * n, lambda n: n > 0,
    ],
}
