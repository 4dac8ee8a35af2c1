"""Let `import torchvision` work beside a torch without CUDA.

The registry's torchvision wheel is built for CUDA. Beside a CPU-only torch its import stops with *operator
torchvision::nms does not exist*. Declaring the two missing operators is enough for everything this package uses
(VGG-16, transforms.v2, datasets); detection operators and `torchvision.io` stay unavailable there. Where torch and
torchvision match, this module does nothing. Import it before anything that imports torchvision.
"""
import sys

import torch

_library = None  # torch drops the declared operators with the Library object, so it is kept here


def _declare_missing_operators() -> "torch.library.Library":
    "Declare `torchvision::nms` and `torchvision::qnms`, which a mismatched build does not register."
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"): library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def ensure_torchvision():
    """Import torchvision, mending the missing operators where that is what stops it; returns the module.

    Raises `ImportError` where torchvision is not installed, and any other error of its import unchanged.
    """
    global _library
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error): raise
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]: del sys.modules[name]  # half imported
        _library = _declare_missing_operators()
        import torchvision
    return torchvision


ensure_torchvision()
