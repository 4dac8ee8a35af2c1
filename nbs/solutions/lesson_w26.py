"""Solutions of page w26, and wrong answers that must get a hint."""


def fold(weight, bn):
    scale = bn.weight / (bn.running_var + bn.eps).sqrt()
    return weight * scale.view(-1, 1, 1, 1), bn.bias - bn.running_mean * scale


def without_eps(weight, bn):
    scale = bn.weight / bn.running_var.sqrt()
    return weight * scale.view(-1, 1, 1, 1), bn.bias - bn.running_mean * scale


right = {
    "w26.1": fold,
}

wrong = {
    "w26.1": [
        without_eps, lambda w, bn: (w, bn.bias), lambda w, bn: fold(w, bn)[0],
        lambda w, bn: (fold(w, bn)[0], bn.bias), lambda w, bn: (fold(w, bn)[0], bn.bias - bn.running_mean),
        lambda w, bn: (fold(w, bn)[0], bn.running_mean),
        lambda w, bn: (w * (bn.weight / (bn.running_var + bn.eps)).view(-1, 1, 1, 1), bn.bias),
        lambda w, bn: (-w, bn.bias),
    ],
}
