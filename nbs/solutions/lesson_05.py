"""Solutions of lesson 05, and wrong answers that must get a hint."""
from math import ceil


right = {
    "5.1": 9 * (512 + 256) * 256 + 2 * 256,
    "5.2": lambda batch, height, width, stages: batch * ceil(height / 2**stages) * ceil(width / 2**stages) > 1,
}

wrong = {
    "5.1": [
        9 * 768 * 256, 9 * 768 * 256 + 256, 9 * 768 * 256 + 1024, 9 * 768 * 256 + 768, 9 * 512 * 256, 3 * 768 * 256,
        12,
    ],
    "5.2": [
        lambda batch, height, width, stages: batch > 1,
        lambda batch, height, width, stages: batch * (height >> stages) * (width >> stages) > 1,
        lambda batch, height, width, stages: True,
        lambda batch, height, width, stages: min(height, width) > 2**stages,
        lambda batch, height, width, stages: batch * ceil(height / 2**stages) * ceil(width / 2**stages),
    ],
}
