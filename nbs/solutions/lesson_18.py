"""Solutions of page 18, and wrong answers that must get a hint."""
from statistics import fmean, pstdev, stdev


def gains(partial, plain): return [a - b for a, b in zip(partial, plain)]


def gain_and_error(partial, plain):
    found = gains(partial, plain)
    return fmean(found), stdev(found) / len(found) ** .5


def unpaired(partial, plain):
    return fmean(gains(partial, plain)), ((stdev(partial) ** 2 + stdev(plain) ** 2) / len(plain)) ** 0.5


def deviation(partial, plain): return fmean(gains(partial, plain)), stdev(gains(partial, plain))


def over_n(partial, plain): return fmean(gains(partial, plain)), pstdev(gains(partial, plain)) / len(plain) ** .5


right = {
    "18.1": 5,
    "18.2": gain_and_error,
    "18.3": fmean,
}

wrong = {
    "18.1": [4.44, 127.5, 0],
    "18.2": [
        unpaired, deviation, over_n, lambda a, b: fmean(a), lambda a, b: gain_and_error(b, a),
        lambda a, b: (fmean(a), 0),
    ],
    "18.3": [max, min, sum],
}
