"""Judges of lesson 01, pictures."""
import numpy as np
import torch

from pconv_edu.course.exercises import exercise


@exercise("1.1")
def _(megabytes):
    if megabytes == 18: return None
    if megabytes in (4.5, 4.5 * 2**20): return "a float32 takes 4 bytes, not 1"
    if megabytes == 6: return "each pixel has three numbers"
    if megabytes == 3: return "there are six photos"
    if megabytes in (18 * 2**20, 6 * 3 * 512 * 512):
        return "that is in bytes, or in numbers; a megabyte here is 2**20 bytes"
    if abs(megabytes - 18.874368) < .01: return "that is in units of 10**6 bytes; take 2**20"
    return "6 photos × 3 channels × 512 × 512 pixels × 4 bytes, divided by 2**20"


@exercise("1.2")
def _(from_bgr):
    array = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    expected = torch.from_numpy(array[..., ::-1].copy()).permute(2, 0, 1).float() / 255
    got = from_bgr(array)
    if not isinstance(got, torch.Tensor):
        return f"a {type(got).__name__} came back; a picture in this course is a torch.Tensor (torch.from_numpy, or to_tensor)"
    if tuple(got.shape) != (3, 2, 4):
        return f"an array [2, 4, 3] became {list(got.shape)}; a picture is [3, H, W]: permute(2, 0, 1)"
    if not got.is_floating_point() or got.max() > 1:
        return "the values go from 0 to 255; a picture's are floats in [0, 1]"
    if got.dtype != torch.float32: return f"the picture is {got.dtype}; make it float32, with .float()"
    if torch.allclose(got, expected.flip(0), atol=1e-3): return "still blue first: reverse the order of the channels"
    if torch.allclose(got, expected.flip(2), atol=1e-3) or torch.allclose(got, expected.flip(0).flip(2), atol=1e-3):
        return "you reversed the columns; it is the channels that are in the wrong order"
    return (
        None
        if torch.allclose(got, expected, atol=1e-3)
        else "right shape and range, but the numbers do not match: reverse the last axis of the array, then to_tensor"
    )


@exercise("1.3")
def _(mirror):
    picture = torch.arange(24.).view(3, 2, 4) / 24
    got = mirror(picture)
    if tuple(got.shape) != (3, 2, 4): return f"a picture [3, 2, 4] became {list(got.shape)}; mirroring does not change the shape"
    if torch.equal(got, picture.flip(1)): return "that is upside down: the columns are the last axis"
    if torch.equal(got, picture.flip(0)): return "that swaps red and blue: axis 0 holds the colours"
    if torch.equal(got, picture.flip(1).flip(2)): return "that is a half turn; flip the last axis only"
    return None if torch.equal(got, picture.flip(2)) else "torch.flip(picture, [axis]) with the axis of the columns"
