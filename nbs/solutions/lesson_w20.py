"""Solutions of page w20, and wrong answers that must get a hint."""


def steps(pictures, passes, batch, gpus): return pictures * passes // (batch * gpus)


def gradient_seconds(n, parameters, gb_per_second): return 2 * (n - 1) / n * 4 * parameters / (gb_per_second * 1e9)


right = {
    "w20.1": steps,
    "w20.2": gradient_seconds,
    "w20.3": 2,
}

wrong = {
    "w20.1": [
        lambda pictures, passes, batch, gpus: pictures * passes / (batch * gpus),
        lambda pictures, passes, batch, gpus: pictures * passes // batch,
        lambda pictures, passes, batch, gpus: pictures // (batch * gpus) * passes,
        lambda pictures, passes, batch, gpus: -(-pictures * passes // (batch * gpus)),
        lambda pictures, passes, batch, gpus: 0,
        lambda pictures, passes, batch, gpus: round(pictures * passes / (batch * gpus)),
    ],
    "w20.2": [
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) / 4,
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) / 2,
        lambda n, parameters, speed: 8 * parameters / (speed * 1e9),
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) * 8,
        lambda n, parameters, speed: gradient_seconds(n, parameters, speed) * 1e9,
        lambda n, parameters, speed: gradient_seconds(max(n, 2), parameters, speed),
        lambda n, parameters, speed: 1,
    ],
    "w20.3": [2000, .5, 40, 80],
}
