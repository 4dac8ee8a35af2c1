"""The hole is filled, the rest untouched, and the answer is of the kind that was asked with."""
import json
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from pconv_edu import checkpoint
from pconv_edu.inpaint import fill_windows, inpaint, load_pretrained, ramp, save_pretrained, starts, to_mask
from pconv_edu.pictures import BadImage
from pconv_edu.unet import PConvUNet

SMALL = dict(widths=(4, 8, 8, 8))
RNG = np.random.default_rng(0)
HOLE = np.zeros((20, 30), bool)
HOLE[5:12, 8:20] = True
PICTURE = Image.fromarray(HOLE.astype(np.uint8) * 255)  # white = hole


def levels(*shape): return RNG.integers(0, 256, shape, dtype=np.uint8)
def white(image, mask): return torch.ones_like(image)
def grey(image, mask): return torch.full_like(image, .5)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pil_pictures_keep_their_mode_and_their_valid_pixels_to_the_bit(mode):
    if mode == "I;16": array = RNG.integers(0, 65536, (20, 30), dtype=np.uint16)
    else: array = np.squeeze(levels(20, 30, len(mode)))
    before = Image.fromarray(array)
    assert before.mode == mode
    after = inpaint(before, PICTURE, white)
    assert isinstance(after, Image.Image) and (after.mode, after.size) == (before.mode, before.size)
    assert np.array_equal(np.array(after)[~HOLE], array[~HOLE])
    colours = np.array(after) if mode in ("L", "RGB", "I;16") else np.array(after)[..., :-1]
    assert (colours[HOLE] == (65535 if mode == "I;16" else 255)).all()
    if mode in ("LA", "RGBA"): assert np.array_equal(np.array(after)[..., -1], array[..., -1])  # transparency stays


def test_a_palette_becomes_rgb_and_keeps_its_colours():
    before = Image.fromarray(levels(20, 30, 3)).convert("P")
    after = inpaint(before, PICTURE, white)
    assert after.mode == "RGB"
    assert np.array_equal(np.array(after)[~HOLE], np.array(before.convert("RGB"))[~HOLE])


def test_the_colour_profile_comes_along():
    before = Image.fromarray(levels(20, 30, 3))
    before.info["icc_profile"] = b"profile"
    assert inpaint(before, PICTURE, white).info["icc_profile"] == b"profile"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (20, 30, 3), (20, 30, 4)])
def test_arrays_keep_shape_type_and_valid_pixels(dtype, shape):
    array = RNG.random(shape).astype(dtype) if np.issubdtype(dtype, np.floating) else RNG.integers(0, 255, shape).astype(dtype)
    before = array.copy()
    after = inpaint(array, HOLE.astype(np.uint8) * 255, grey)
    assert (after.shape, after.dtype) == (array.shape, array.dtype) and np.array_equal(array, before)
    assert np.array_equal(after[~HOLE], array[~HOLE])
    top = {np.uint8: 255, np.uint16: 65535}.get(dtype, 1)
    assert np.abs(after[HOLE][..., :3 if len(shape) == 3 else None] - .5 * top).max() <= .5


@pytest.mark.parametrize("shape", [(20, 30), (1, 20, 30), (3, 20, 30), (2, 3, 20, 30), (2, 1, 20, 30)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.uint8])
def test_tensors_keep_shape_type_and_valid_pixels(shape, dtype):
    picture = torch.rand(shape).to(dtype) if dtype.is_floating_point else torch.randint(0, 256, shape, dtype=dtype)
    valid = torch.from_numpy(~HOLE)
    after = inpaint(picture, valid[None].float(), white)
    assert (after.shape, after.dtype) == (picture.shape, dtype)
    assert torch.equal(after[..., valid], picture[..., valid])
    assert (after[..., ~valid] == (1 if dtype.is_floating_point else 255)).all()


def test_bytes_are_rounded_and_not_cut_off():
    after = inpaint(levels(20, 30, 3), PICTURE, lambda image, mask: torch.full_like(image, .4031))  # · 255 = 102.79
    assert (after[HOLE] == 103).all()


def test_a_path_gives_a_pil_picture_turned_upright(tmp_path):
    sideways = Image.fromarray(levels(30, 20, 3))
    exif = sideways.getexif()
    exif[0x0112] = 6
    sideways.save(tmp_path / "photo.png", exif=exif)
    PICTURE.save(tmp_path / "mask.png")
    after = inpaint(tmp_path / "photo.png", str(tmp_path / "mask.png"), white)
    assert isinstance(after, Image.Image) and after.size == (30, 20)
    upright = np.rot90(np.array(sideways), 3)
    assert np.array_equal(np.array(after)[~HOLE], upright[~HOLE])


def test_a_network_gets_the_hole_as_nought_whatever_stood_there():
    seen = []
    def spy(image, mask):
        seen.append(image)
        return image
    picture = torch.rand(3, 20, 30)
    picture[:, HOLE] = float("nan")
    after = inpaint(picture, torch.from_numpy(~HOLE).float(), spy)
    assert (seen[0][0][:, HOLE] == 0).all() and after.isfinite().all()


def test_a_mask_picture_is_white_where_the_hole_is_and_a_float_tensor_one_where_valid():
    """Polarity mixed up: the official test files mark holes white, the training files black, this library's tensors with 0."""
    valid = torch.from_numpy(~HOLE)[None, None].float()
    for mask in (PICTURE, np.array(PICTURE), torch.from_numpy(np.array(PICTURE)), PICTURE.convert("RGB"), PICTURE.convert("1"), valid, valid[0, 0],
                 valid.numpy()[0, 0]): assert torch.equal(to_mask(mask), valid)
    assert torch.equal(to_mask(PICTURE, hole="black"), 1 - valid) and torch.equal(to_mask(valid, hole="white"), 1 - valid)
    assert torch.equal(to_mask(HOLE, hole="white"), valid) and torch.equal(to_mask(~HOLE, hole="black"), valid)


@pytest.mark.parametrize("hole", ["white", "black"])
def test_where_a_mask_picture_is_transparent_nothing_is_painted(hole):
    strokes = np.zeros((20, 30, 4), np.uint8)
    strokes[..., :3] = 255 * (hole == "white")
    strokes[HOLE, 3] = 255
    assert torch.equal(to_mask(Image.fromarray(strokes), hole)[0, 0].bool(), torch.from_numpy(~HOLE))


def test_a_mask_of_16_bits():
    assert torch.equal(to_mask(Image.fromarray(HOLE * np.uint16(65535)))[0, 0].bool(), torch.from_numpy(~HOLE))


def test_a_grey_mask_is_cut_at_one_half(tmp_path):
    """Grey masks (scaled with smoothing, or stored as JPEG) that are not binarised leave seams round every hole."""
    PICTURE.resize((300, 200), Image.Resampling.NEAREST).save(tmp_path / "mask.jpg", quality=40)
    assert (np.array(Image.open(tmp_path / "mask.jpg")) % 255 > 0).any()
    mask = to_mask(tmp_path / "mask.jpg")
    assert set(mask.unique().tolist()) == {0, 1}
    assert (mask[0, 0].numpy() == np.kron(~HOLE, np.ones((10, 10)))).mean() > .999


@pytest.mark.parametrize("mask, words", [
    (HOLE, "hole='white'"), (HOLE.astype(np.uint8), "multiply it by 255"), (HOLE * 255., "values in"), (PICTURE, "'green'")])
def test_masks_that_say_nothing_clear_are_refused(mask, words):
    with pytest.raises(ValueError, match=words): to_mask(mask, hole="green" if words == "'green'" else None)


def test_errors_name_both_sizes():
    with pytest.raises(ValueError, match=r"31 × 20 .* 30 × 20"): inpaint(levels(20, 31, 3), PICTURE, white)
    with pytest.raises(ValueError, match="batch of 2.*batch of 3"): inpaint(torch.rand(2, 3, 8, 8), torch.ones(3, 1, 8, 8), white)


@pytest.mark.parametrize("image, words", [
    (np.zeros((3, 20, 30), np.float32), r"\[3, 20, 30\]"), (torch.zeros(5, 20, 30), r"\[5, 20, 30\]"), (np.full((20, 30, 3), 200.), "values in"),
    (np.zeros((20, 30, 3), np.int64), "int64"), (Image.new("CMYK", (30, 20)), "CMYK"), ([1, 2], "list")])
def test_pictures_of_other_kinds_are_refused_by_name(image, words):
    with pytest.raises((ValueError, TypeError), match=words): inpaint(image, PICTURE, white)


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for name in ("bad.png", "absent.png"):
        with pytest.raises(BadImage, match=name): inpaint(tmp_path / name, PICTURE, white)


def test_all_hole_is_an_error_and_mostly_hole_a_warning():
    with pytest.raises(ValueError, match="whole picture is hole"): inpaint(levels(20, 30, 3), np.full((20, 30), 255, np.uint8), white)
    with pytest.warns(UserWarning, match="polarity"): inpaint(levels(20, 30, 3), PICTURE, white, hole="black")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = levels(20, 30, 3)
        assert np.array_equal(inpaint(picture, np.zeros((20, 30), np.uint8), white), picture)  # no hole: nothing changes


# windows

def test_windows_cover_every_pixel_with_enough_overlap():
    for length in range(1, 90):
        for window, overlap in ((16, 4), (16, 0), (10, 9)):
            begins = starts(length, window, overlap)
            covered = np.zeros(length, int)
            for a in begins: covered[a:a + window] += 1
            assert (covered > 0).all() and begins[-1] + window >= length
            assert length <= window or all(b + window <= length for b in begins)
            assert all(a + window - b >= overlap for a, b in zip(begins, begins[1:]))


def test_weights_rise_smoothly_and_are_never_nought():
    weight = ramp(40, 10)
    assert weight.min() > 0 and weight.max() == 1 and torch.allclose(weight, weight.flip(0), atol=1e-6)
    assert weight.diff().abs().max() < .2


def test_a_method_that_depends_on_no_neighbour_gives_the_same_through_windows():
    picture, mask = torch.rand(1, 3, 70, 53), (torch.rand(1, 1, 70, 53) > .4).float()
    local = lambda image, mask: image * .3 + mask * .2 + .1
    output = fill_windows(local, picture, mask, window=32, overlap=8)
    assert torch.allclose(output, local(picture, mask), atol=1e-6)


def test_black_pixels_leave_no_seam_between_windows():
    """Blending that takes a pixel as absent where it is 0: dark pixels count once where others count twice."""
    picture, mask = torch.rand(1, 3, 40, 100), torch.zeros(1, 1, 40, 100)
    mask[..., :3] = 1
    mask[..., -3:] = 1
    mask[..., 47:50] = 1
    place = {}
    def left_black_right_grey(image, mask):  # two windows that disagree, one of them quite black
        place["calls"] = place.get("calls", 0) + 1
        return torch.zeros_like(image) if place["calls"] == 1 else torch.full_like(image, .8)
    output = fill_windows(left_black_right_grey, picture, mask, window=64, overlap=28)[0, 0, 20]
    assert place["calls"] == 2 and output.diff().abs().max() < .8 * .1  # black passes into grey by small steps
    assert output[0] == 0 and abs(output[-1] - .8) < 1e-6


def test_windows_without_a_hole_are_not_computed_and_small_pictures_are_done_whole():
    sizes = []
    def spy(image, mask):
        sizes.append(tuple(image.shape[-2:]))
        return image
    picture, mask = torch.rand(3, 200, 200), torch.ones(1, 200, 200)
    mask[:, 10:20, 10:20] = 0
    inpaint(picture, mask, spy, window=64, overlap=16)
    assert sizes == [(64, 64)]
    sizes.clear()
    inpaint(picture, mask, spy, window=200)
    assert sizes == [(200, 200)]


def test_a_hole_larger_than_a_window_is_filled_from_the_whole_picture():
    from pconv_edu.evaluate import mean_fill
    picture, mask = torch.full((3, 100, 100), .3), torch.ones(1, 100, 100)
    mask[:, 5:95, 5:95] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # most of it is hole
        after = inpaint(picture, mask, mean_fill, window=32, overlap=8)
    assert torch.allclose(after, picture, atol=1e-5)


def test_an_overlap_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="overlap 64"): inpaint(levels(20, 30, 3), PICTURE, white, window=64, overlap=64)


# the network

@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = PConvUNet(**SMALL)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d): module.running_mean.uniform_(-.1, .1)
    return net


@pytest.mark.parametrize("size", [(17, 33), (64, 64), (50, 31), (1, 40)])
def test_any_size_goes_through_a_network(net, size):
    """Sides that are no multiple of 2 to the depth crash elsewhere."""
    picture, mask = levels(*size, 3), np.zeros(size, np.uint8)
    mask[:, 8:12] = 255
    after = inpaint(picture, mask, net)
    assert after.shape == picture.shape and np.array_equal(after[mask == 0], picture[mask == 0])


def test_a_net_in_train_mode_is_used_in_eval_mode_and_comes_back_as_it_was(net):
    """BatchNorm in training mode: the fill would depend on the other pictures, and the call would change the statistics."""
    picture, mask = torch.rand(2, 3, 32, 32), (torch.rand(2, 1, 32, 32) > .3).float()
    wanted = inpaint(picture, mask, net.eval())
    net.train()
    net.encoder[1].bn.eval()  # as in the second phase
    modes, before = [m.training for m in net.modules()], {k: v.clone() for k, v in net.state_dict().items()}
    assert torch.equal(inpaint(picture, mask, net), wanted)
    assert modes == [m.training for m in net.modules()]
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    with pytest.raises(TypeError): inpaint(picture, mask, nn.Sequential(net, nn.Linear(1, 1)))  # and after an error too
    assert modes == [m.training for m in net.modules()]


def test_a_batch_gives_what_its_pictures_give_alone(net):
    picture, mask = torch.rand(3, 3, 32, 32), (torch.rand(3, 1, 32, 32) > .3).float()
    together = inpaint(picture, mask, net)
    assert torch.allclose(together, torch.stack([inpaint(p, m, net) for p, m in zip(picture, mask)]), atol=1e-5)


# files of weights

def same(a, b): return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def test_a_safetensors_file_knows_its_network(net, tmp_path):
    path = save_pretrained(net, tmp_path / "new" / "net.safetensors")
    loaded = load_pretrained(path)
    assert same(net, loaded) and loaded.config == net.config and not loaded.training


def test_half_the_size_in_float16(net, tmp_path):
    whole, half = save_pretrained(net, tmp_path / "a.safetensors"), save_pretrained(net, tmp_path / "b.safetensors", dtype=torch.float16)
    assert half.stat().st_size < .65 * whole.stat().st_size
    loaded = load_pretrained(half)
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    assert all(torch.allclose(v, loaded.state_dict()[k], atol=2e-3) for k, v in net.state_dict().items() if v.is_floating_point())


def test_a_checkpoint_and_a_training_folder(net, tmp_path):
    older = PConvUNet(**SMALL)
    for step, n in ((5, older), (10, net)): path = checkpoint.save(tmp_path, step, {"net": n.state_dict()}, {"net": n.config})
    assert same(load_pretrained(path), net) and same(load_pretrained(str(tmp_path)), net)
    assert same(load_pretrained(tmp_path / "step_00000005"), older)


def test_unknown_names_list_what_there_is(tmp_path):
    with pytest.raises(ValueError, match="'places2'.*shipped networks"): load_pretrained("places2")
    with pytest.raises(ValueError, match="holds none"): load_pretrained(tmp_path)


def test_a_file_of_another_network_is_one_clear_sentence(net, tmp_path):
    other = {**net.config, "widths": [4, 8, 8, 16]}
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, tmp_path / "wrong.safetensors", metadata={"pconv_edu": json.dumps(other)})
    save_file({"weight": torch.ones(2)}, tmp_path / "foreign.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    for name, words in (("wrong", "another network"), ("foreign", "load_foreign"), ("cut", "no whole")):
        with pytest.raises(ValueError, match=words) as caught: load_pretrained(tmp_path / f"{name}.safetensors")
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_without_the_ending_is_refused(net, tmp_path):
    with pytest.raises(ValueError, match=r"\.safetensors"): save_pretrained(net, tmp_path / "net.pth")
