"""The film of a hole through the network: what it is made of, and the files that README, page 05 and the site show."""
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from pconv_edu.mask_update import mask_history
from pconv_edu.masks import hole_ratio, irregular_mask, rect_mask
from pconv_edu.unet import PConvUNet

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import make_film


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return PConvUNet(widths=(4, 6)).eval()


def test_the_film_in_the_repository_is_small_moves_and_loops():
    film, still = (ROOT / "docs" / name for name in ("film.png", "film_still.png"))
    with Image.open(film) as moving, Image.open(still) as quiet:
        assert moving.n_frames == 14 and moving.info["loop"] == 0 and moving.size == quiet.size
        assert getattr(quiet, "n_frames", 1) == 1
    assert film.stat().st_size <= 400_000 and still.stat().st_size <= 400_000


def test_stages_are_what_the_blocks_return(net):
    image, mask = torch.rand(1, 3, 16, 16), rect_mask(16, 4, 4, 8, 8)[None]
    found = make_film.stages(net, image, mask)
    assert [tuple(features.shape[1:]) for features, _ in found] == [(4, 8, 8), (6, 4, 4), (4, 8, 8), (3, 16, 16)]
    with torch.no_grad(): assert torch.equal(found[-1][0] * .5 + .5, net(image, mask))
    assert not any(block._forward_hooks for block in [*net.encoder, *net.decoder])


def test_a_readout_finds_colours_that_are_in_the_features(net):
    "The last layer's channels are the output: the linear map from them to the output's own colours is the identity."
    image, mask = torch.rand(4, 3, 16, 16), torch.ones(4, 1, 16, 16)
    with torch.no_grad(): output = net(image, mask)
    features, valid = make_film.stages(net, image, mask)[-1]
    rows, colours = make_film.rows_of(features, valid), make_film.rows_of(output, valid)[:, :3]
    by_hand = torch.linalg.lstsq(rows, colours).solution
    assert torch.allclose(by_hand[:3], torch.eye(3, dtype=torch.double) / 2, atol=1e-4)
    inside = (output[:1] > 0) & (output[:1] < 1)
    read = make_film.read_out(features[:1], by_hand)
    assert torch.allclose(read[inside[0]], output[0][inside[0]], atol=1e-4)


def test_holes_have_no_say_in_a_readout():
    features, mask = torch.arange(8.).view(1, 2, 2, 2), torch.tensor([[[[1., 0], [0, 1]]]])
    assert make_film.rows_of(features, mask).tolist() == [[0, 4, 1], [3, 7, 1]]


def test_a_film_has_a_frame_for_each_block_and_two_more(net, tmp_path):
    image, mask = torch.rand(1, 3, 16, 16), rect_mask(16, 4, 4, 8, 8)[None]
    made = make_film.frames(net, image, mask, make_film.fit_readouts(net, [(image, mask)]))
    assert len(made) == 6
    make_film.save_film(made, tmp_path / "film.png")
    with Image.open(tmp_path / "film.png") as film:
        assert film.n_frames == 6
        film.seek(5)
        assert film.info["duration"] == make_film.LAST
    centre = 12 + make_film.SHOWN // 2
    assert made[0].getpixel((centre, centre)) == (230, 159, 0)  # the hole's orange


def test_the_hole_of_the_film_is_gone_after_four_layers():
    "Page 05 says so."
    mask = irregular_mask(make_film.SIDE, make_film.RATIO, border=16, seed=make_film.SEED)
    left = [hole_ratio(each) for each in mask_history(mask, PConvUNet.small())]
    assert left[3] > 0 and left[4] == 0
