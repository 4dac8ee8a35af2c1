"""Judges of page w12."""
import torch

from pconv_edu.course.exercises import as_numbers, exercise


@exercise("w12.1")
def padding_in_the_file(answer):
    added = tuple(as_numbers(answer, (3, 5)))
    if added == (24, 18): return None
    if added == (18, 24): return "columns first: the photo is 1000 wide and 750 high"
    if added == (8, 2): return "that is up to a multiple of 16 = 2^4; 7 stages halve seven times"
    if added == (1024, 768): return "those are the padded sizes; how many columns and rows were added?"
    return "7 stages halve seven times: go up to the next multiple of 2^7"


@exercise("w12.2")
def halve(f):
    image = torch.tensor([[[.2, .9, .6, .6], [.4, .6, .6, .6], [.9, .9, .3, .9], [.9, .9, .9, .9]]]).repeat(3, 1, 1)
    mask = torch.tensor([[[1., 0., 1., 1.], [1., 1., 1., 1.], [0., 0., 1., 0.], [0., 0., 0., 0.]]])
    found, wanted = f(image.clone(), mask.clone()), torch.tensor([[.4, .6], [0., .3]]).expand(3, 2, 2)
    if not isinstance(found, torch.Tensor) or found.shape != (3, 2, 2):
        return "return a tensor [C,h,w]: half as high and wide, as many channels"
    if torch.allclose(found, wanted, atol=1e-5): return None
    if found.isnan().any(): return "0 / 0 is NaN: where none of the four is valid, the result is 0 (clamp the count)"
    if torch.allclose(found[0, 0, 0], image[0, :2, :2].mean()):
        return "that is the mean of all four; what is in the hole must not count"
    if torch.allclose(found[0, 0, 0], torch.tensor(0.3)):
        return "the hole is 0 now, but still counted: divide by the number of valid pixels, not by 4"
    return "add up image · mask over each 2 × 2, and divide by the sum of mask"
