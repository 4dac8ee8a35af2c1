"""`python -m pconv_edu`: the versions that a report of a bug needs, and what there is to call."""
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from pconv_edu import __version__

PACKAGES = "torch", "torchvision", "numpy", "pillow", "scikit-image", "fastcore", "safetensors", "ipywidgets", "anywidget"
COMMANDS = {
    "pconv_inpaint": "fill holes in photos",
    "pconv_train": "train a network (also python -m pconv_edu.train, and under torchrun)",
    "pconv_evaluate": "the paper's table for networks and classical methods",
    "pconv_masks": "write irregular masks",
}


def version_of(package: str) -> str:
    try: return version(package)
    except PackageNotFoundError: return "not installed"


def main():
    from pconv_edu.parallel import best_device
    from pconv_edu.weights import shipped
    print(f"pconv_edu {__version__}, Python {platform.python_version()}, {platform.platform()}")
    print(", ".join(f"{package} {version_of(package)}" for package in PACKAGES))
    print(f"device: {best_device()}; networks that ship: {', '.join(shipped()) or 'none'}\n")
    for name, what in COMMANDS.items(): print(f"{name:<16}{what}")
    print("\nEach command has --help. The lessons: https://github.com/pconv-edu/pconv_edu")


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]: print(f"pconv_edu {__version__}")
    else: main()
