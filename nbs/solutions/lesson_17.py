"""Solutions of lesson 17."""
from statistics import fmean, pstdev, stdev


def gains(partial, plain): return [a - b for a, b in zip(partial, plain)]


def gain_and_error(partial, plain):
    found = gains(partial, plain)
    return fmean(found), stdev(found) / len(found) ** .5


right = {"17.1": 5, "17.2": gain_and_error, "17.3": fmean}


def unpaired(partial, plain): return fmean(gains(partial, plain)), ((stdev(partial) ** 2 + stdev(plain) ** 2) / len(plain)) ** .5
def deviation(partial, plain): return fmean(gains(partial, plain)), stdev(gains(partial, plain))
def over_n(partial, plain): return fmean(gains(partial, plain)), pstdev(gains(partial, plain)) / len(plain) ** .5


wrong = {
    "17.1": [4.44, 127.5, 0],
    "17.2": [unpaired, deviation, over_n, lambda a, b: fmean(a), lambda a, b: gain_and_error(b, a), lambda a, b: (fmean(a), 0)],
    "17.3": [max, min, sum],
}
