"""Solutions of lesson 19, and wrong answers that must get a hint."""
from statistics import mean, median


def steps(pictures, passes, batch, gpus): return pictures * passes // (batch * gpus)


def gradient_seconds(n, parameters, gb_per_second): return 2 * (n - 1) / n * 4 * parameters / (gb_per_second * 1e9)


def times_as_long(above, below): return median(a / b for a, b in zip(above, below))


right = {"19.1": 1 / 192, "19.2": times_as_long, "19.3": 3, "19.4": 1 / .65, "19.5": 3 / 20, "19.6": 14.65, "19.7": steps, "19.8": gradient_seconds, "19.9": 2}

wrong = {
    "19.1": [1 / 64, 1 / 3, 49 / 192, 192, 1 / 147, .5],
    "19.2": [lambda above, below: mean(a / b for a, b in zip(above, below)), lambda above, below: sum(above) / sum(below),
             lambda above, below: median(above) / median(below), lambda above, below: 1],
    "19.3": [5, 2, 4, 6, 10],
    "19.4": [2, .65, 1.35, 1.7],
    "19.5": [3, 20, 3 / 12, 17 / 20, .5],
    "19.6": [36.6, 3.66, .04, 14650, 1],
    "19.7": [
        lambda pictures, passes, batch, gpus: pictures * passes / (batch * gpus),
        lambda pictures, passes, batch, gpus: pictures * passes // batch,
        lambda pictures, passes, batch, gpus: pictures // (batch * gpus) * passes,
        lambda pictures, passes, batch, gpus: -(-pictures * passes // (batch * gpus)),
        lambda pictures, passes, batch, gpus: 0,
    ],
    "19.8": [
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) / 4,
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) / 2,
        lambda n, parameters, speed: 8 * parameters / (speed * 1e9),
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) * 8,
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) * 1e9,
        lambda n, parameters, speed: gradient_seconds(max(n, 2), parameters, speed),
        lambda n, parameters, speed: 1,
    ],
    "19.9": [2000, .5, 40, 80],
}
