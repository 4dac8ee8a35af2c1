"""Judges of lesson 15: windows, blending, bytes, files."""
import torch

from pconv_edu.exercises import exercise


@exercise("15.1")
def how_many_windows(answer):
    if answer == 3: return None
    if answer == 4: return "four windows cover it, but three do as well: after the first, each adds 400 − 100 = 300 pixels"
    if answer == 2: return "two windows reach 400 + 300 = 700 pixels: not yet 1000"
    return "the first window covers 400 pixels, each further one adds what it does not share: 400 − 100"


@exercise("15.2")
def blend(f):
    a, b = torch.tensor([0., .8, .4]), torch.tensor([.6, 0., .4])
    wa, wb = torch.tensor([.5, .25, .5]), torch.tensor([.5, .75, 1.])
    found, wanted = f(a, b, wa, wb), torch.tensor([.3, .2, .4])
    if not isinstance(found, torch.Tensor) or found.shape != (3,): return "return a tensor of the shape of a"
    if torch.allclose(found, wanted, atol=1e-5): return None
    if torch.allclose(found[:1], b[:1]): return "the first pixel is 0 in a: black, and as valid as any. Its weight must count"
    if torch.allclose(found, (a + b) / 2): return "that is the plain mean; a and b count as much as their weights say"
    if torch.allclose(found, wa * a + wb * b): return "the weights need not add up to 1 (look at the third pixel): divide by their sum"
    return "add up weight times value, and divide by the sum of the weights"


@exercise("15.3")
def put_in(f):
    levels = torch.tensor([[[100, 101], [102, 103]]], dtype=torch.uint8).expand(3, 2, 2)
    mask, output = torch.tensor([[[1., 0.], [0., 1.]]]), torch.tensor([[[.9, .4031], [1.2, .9]]]).expand(3, 2, 2)
    found = f(levels.clone(), mask, output)
    if not isinstance(found, torch.Tensor) or found.shape != (3, 2, 2): return "return a tensor of the shape of levels"
    if found.dtype != torch.uint8: return f"the picture had bytes (uint8), and yours has {found.dtype}"
    got = found[0].tolist()
    if got == [[100, 103], [255, 103]]: return None
    if got[0][0] != 100 or got[1][1] != 103: return "where mask is 1 the old level must stay (torch.where)"
    if got[1][0] != 255: return f"an output of 1.2 became the level {got[1][0]}: clamp to [0,1] before you make bytes"
    return f"0.4031 · 255 = 102.79 became {got[0][1]}: round before you make bytes, or they are cut off"


@exercise("15.4")
def megabytes(answer):
    if abs(answer - 62.7) <= .5: return None
    if abs(answer - 125.3) <= 1: return "that is float32, 4 bytes for each parameter; float16 has 2"
    if abs(answer - 65.7) <= .5: return "these are megabytes of 10⁶ bytes; asked are those of 2²⁰"
    if abs(answer - 31.3) <= .5: return "that is 1 byte for each parameter; a float16 has 16 bits"
    return "parameters × 2 bytes, divided by 2²⁰"


@exercise("15.21")
def pointer_to_column(answer):
    if answer == 400: return None
    if answer == 500: return "the picture does not begin at the window's edge: take off the 40 first"
    if answer in (64, 80): return "the other way round: one pixel on the screen is 800 / 320 = 2.5 pixels of the picture"
    if answer == 160: return "160 is the column on the screen; the picture is 2.5 times as wide as it is shown"
    return "(pointer − left) · width of the picture / width on the screen"


@exercise("15.22")
def dab(f):
    y, x = torch.meshgrid(torch.arange(6) + .5, torch.arange(9) + .5, indexing="ij")
    far = (x - 6.5) ** 2 + (y - 2.) ** 2
    found, wanted = f(6.5, 2., 4, 6, 9), (far > 4).float()[None]
    if not isinstance(found, torch.Tensor) or found.shape != (1, 6, 9): return "return a tensor of shape [1, h, w]"
    if torch.equal(found.float(), wanted): return None
    if torch.equal(found.float(), 1 - wanted): return "the polarity is the other way round: 1 = valid, 0 = hole"
    if torch.equal(found.float(), (far > 16).float()[None]): return "a disc 4 wide reaches 2 to each side: compare with half the width"
    if torch.equal(found.float(), (((x - .5 - 6.5) ** 2 + (y - .5 - 2.) ** 2) > 4).float()[None]): return "the centre of pixel (0, 0) lies at (0.5, 0.5)"
    return "a pixel is hole when its centre is at most width / 2 away from (px, py); x counts columns, y rows"


@exercise("15.23")
def undo(f):
    stroke = {"points": [[1, 1]], "width": 3}
    given = [stroke, {"clear": True}]
    found = f(given)
    if given != [stroke, {"clear": True}]: return "the list that was given has changed: return a new one"
    if found == []: return "clear is one mark, and undo takes one mark back: the stroke before it must be there again"
    if found != [stroke]: return "all marks but the last, in their order"
    if f([]) != []: return "with nothing drawn there is nothing to undo: return an empty list"
    return None


@exercise("15.11")
def padding_in_the_file(answer):
    if tuple(answer) == (24, 18): return None
    if tuple(answer) == (18, 24): return "columns first: the photo is 1000 wide and 750 high"
    if tuple(answer) == (8, 2): return "that is up to a multiple of 16 = 2^4; 7 stages halve seven times"
    if tuple(answer) == (1024, 768): return "those are the padded sizes; how many columns and rows were added?"
    return "7 stages halve seven times: go up to the next multiple of 2^7"


@exercise("15.12")
def halve(f):
    image = torch.tensor([[[.2, .9, .6, .6], [.4, .6, .6, .6], [.9, .9, .3, .9], [.9, .9, .9, .9]]]).repeat(3, 1, 1)
    mask = torch.tensor([[[1., 0., 1., 1.], [1., 1., 1., 1.], [0., 0., 1., 0.], [0., 0., 0., 0.]]])
    found, wanted = f(image.clone(), mask.clone()), torch.tensor([[.4, .6], [0., .3]]).expand(3, 2, 2)
    if not isinstance(found, torch.Tensor) or found.shape != (3, 2, 2): return "return a tensor [C,h,w]: half as high and wide, as many channels"
    if torch.allclose(found, wanted, atol=1e-5): return None
    if found.isnan().any(): return "0 / 0 is NaN: where none of the four is valid, the result is 0 (clamp the count)"
    if torch.allclose(found[0, 0, 0], image[0, :2, :2].mean()): return "that is the mean of all four; what stands in the hole must not count"
    if torch.allclose(found[0, 0, 0], torch.tensor(.3)): return "the hole is 0 now, but still counted: divide by the number of valid pixels, not by 4"
    return "add up image · mask over each 2 × 2, and divide by the sum of mask"
