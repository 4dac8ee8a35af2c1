"""Judges of page w13."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("w13.1")
def pointer_to_column(answer):
    if answer == 400: return None
    if answer == 500: return "the picture does not begin at the window's edge: subtract the 40 first"
    if answer in (64, 80):
        return "the other way round: one pixel on the screen is 800 / 320 = 2.5 pixels of the picture"
    if answer == 160: return "160 is the column on the screen; the picture is 2.5 times as wide as it is shown"
    return "(pointer − left) · width of the picture / width on the screen"


@exercise("w13.2")
def dab(f):
    y, x = torch.meshgrid(torch.arange(6) + .5, torch.arange(9) + .5, indexing="ij")
    far = (x - 6.5) ** 2 + (y - 2.) ** 2
    found, wanted = f(6.5, 2., 4, 6, 9), (far > 4).float()[None]
    if not isinstance(found, torch.Tensor) or found.shape != (1, 6, 9): return "return a tensor of shape [1, h, w]"
    if torch.equal(found.float(), wanted):
        small = (x[:4, :5] - 3.2) ** 2 + (y[:4, :5] - 1.6) ** 2 > 1.5 ** 2
        if not torch.equal(f(3.2, 1.6, 3, 4, 5).float(), small.float()[None]):
            return "right for a brush 4 wide at (6.5, 2), wrong for one 3 wide at (3.2, 1.6)"
        plus = torch.tensor([[1., 0, 1], [0, 0, 0], [1, 0, 1]])[None]
        if torch.equal(f(1.5, 1.5, 2, 3, 3).float(), plus): return None
        return "a pixel whose centre is exactly half a width away is hole, too: at most, not less than"
    if torch.equal(found.float(), 1 - wanted): return "the polarity is the other way round: 1 = valid, 0 = hole"
    if torch.equal(found.float(), (far > 16).float()[None]):
        return "a disc 4 wide reaches 2 to each side: compare with half the width"
    if torch.equal(found.float(), (((x - 0.5 - 6.5) ** 2 + (y - 0.5 - 2.0) ** 2) > 4).float()[None]):
        return "the centre of pixel (0, 0) lies at (0.5, 0.5)"
    return "a pixel belongs to the hole when its centre is at most width / 2 away from (px, py); x counts columns, y rows"


@exercise("w13.3")
def undo(f):
    first, second, clear = {"points": [[1, 1]], "width": 3}, {"points": [[2, 4]], "width": 5}, {"clear": True}
    found = f([first, clear])
    if found == []: return "clear is one mark, and undo takes one mark back: the stroke before it must be there again"
    if found != [first] or f([first, second, clear]) != [first, second]: return "all marks but the last, in their order"
    if f([first, second]) != [first]: return "undo takes back a stroke as well as a clear: all marks but the last"
    if f([first, clear, second]) != [first, clear]:
        return "only the last mark goes: a clear before it stays in the list, or the strokes before that come back"
    if f([]) != []: return "with nothing drawn there is nothing to undo: return an empty list"
    return None
