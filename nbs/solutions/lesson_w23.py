"""Solutions of page w23, and wrong answers that must get a hint."""


def network_mask(measured, hidden): return measured.isfinite().float() * hidden


right = {
    "w23.1": .125,
    "w23.2": network_mask,
}

wrong = {
    "w23.1": [.5, .5 / 3, .25, .35, 1, .1],
    "w23.2": [
        lambda measured, hidden: hidden,
        lambda measured, hidden: 1 - network_mask(measured, hidden),
        lambda measured, hidden: measured.isfinite().float(),
        lambda measured, hidden: measured * hidden,
        lambda measured, hidden: network_mask(measured, hidden) > 0,
        lambda measured, hidden: 1,
        lambda measured, hidden: (measured > 0).float() * hidden,
    ],
}
