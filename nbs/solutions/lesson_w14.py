"""Solutions of page w14, and wrong answers that must get a hint."""


def fid_of_one_feature(m1, s1, m2, s2): return (m1 - m2) ** 2 + (s1 - s2) ** 2


right = {
    "w14.1": 1,
    "w14.2": fid_of_one_feature,
}

wrong = {
    "w14.1": [0, 1000, 500],
    "w14.2": [
        lambda m1, s1, m2, s2: (m1 - m2) ** 2 + (s1**2 - s2**2) ** 2, lambda *a: fid_of_one_feature(*a) ** 0.5,
        lambda m1, s1, m2, s2: (m1 - m2) ** 2, lambda *a: str(fid_of_one_feature(*a)),
    ],
}
