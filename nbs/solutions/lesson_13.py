"""Solutions of lesson 13, and wrong answers that must get a hint."""


def layers(net): return [block.bn for block in net.encoder if block.bn is not None]


def is_frozen(net):
    net.train()
    return not any(bn.training or bn.weight.requires_grad or bn.bias.requires_grad for bn in layers(net))


right = {"13.1": 2.5, "13.2": is_frozen, "13.3": 2 * (128 + 256 + 5 * 512)}

wrong = {
    "13.1": [4, 10 / 3, 2, 3.5],
    "13.2": [
        lambda net: True, lambda net: False, lambda net: not any(bn.training for bn in layers(net)),
        lambda net: not any(bn.weight.requires_grad for bn in layers(net)),
        lambda net: not any(bn.training or bn.weight.requires_grad for bn in layers(net)),
        lambda net: not any(bn.training or bn.weight.requires_grad or bn.bias.requires_grad for bn in layers(net)),
        lambda net: not any(bn.training or bn.bias.requires_grad for bn in layers(net.train())),
        lambda net: not layers(net)[0].training and not layers(net)[0].weight.requires_grad,
    ],
    "13.3": [2944, 11_776, 6016, 3008, 5000],
}
