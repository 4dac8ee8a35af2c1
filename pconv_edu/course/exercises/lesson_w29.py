"""Judges of page w29."""
import torch

from pconv_edu.course.exercises import exercise


@exercise("w29.1")
def valid_in_groups(answer):
    torch.manual_seed(0)
    mask, groups = (torch.rand(2, 6, 5, 4) > .4).float(), 2
    right = torch.stack([mask[:, :3].sum(1), mask[:, 3:].sum(1)], 1)
    given = answer(mask.clone(), groups)
    if not isinstance(given, torch.Tensor): return "return a tensor [B, groups, H, W]"
    if given.shape == (2, 1, 5, 4) or given.shape == (2, 5, 4):
        return "that is one count for all channels: a group that sees nothing would borrow from the other"
    if given.shape == (2, 3, 5, 4):
        return "[B, C / groups, H, W] has the two sizes swapped: sum over the channels of a group"
    if given.shape != right.shape: return f"the counts have shape {list(right.shape)}, and yours {list(given.shape)}"
    if torch.equal(given.float(), torch.stack([mask[:, ::2].sum(1), mask[:, 1::2].sum(1)], 1)):
        return "in yours, a group takes every other channel; the first C / groups channels are the first group"
    if torch.equal(given.float(), right / 3): return "that is the share of valid channels; return how many there are"
    if torch.equal(given.float(), right.clamp(max=1)):
        return "that says whether a group saw anything; return how much it saw"
    if not torch.equal(given.float(), right): return "split the channels into groups and sum over each group's own"
    four = answer(mask[:, :4].clone(), 4)
    if four.shape != (2, 4, 5, 4) or not torch.equal(four.float(), mask[:, :4]):
        return "right for two groups; with groups=C each channel is a group of its own"
