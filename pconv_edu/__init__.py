"""Image inpainting with partial convolutions: the names that people type, each loaded when it is first used.

    from pconv_edu import fit, inpaint, load_pretrained, evaluate
    from pconv_edu import PartialConv2d, PConvUNet, InpaintingLoss, irregular_mask
"""
__version__ = "0.1.0"

_HOMES = {
    "fit": "train",
    "inpaint": "inpainting",
    "load_pretrained": "weights",
    "evaluate": "evaluation",
    "PartialConv2d": "partial_conv",
    "PConvUNet": "unet",
    "InpaintingLoss": "losses",
    "irregular_mask": "masks",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    "Import a public name from its module. Lazily, so that filling a photo does not load what only training needs."
    from importlib import import_module
    if name not in _HOMES: raise AttributeError(f"module 'pconv_edu' has no attribute {name!r}")
    value = getattr(import_module(f"pconv_edu.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]: return sorted({*globals(), *_HOMES})
