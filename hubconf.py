"""`torch.hub.load("pconv-edu/pconv_edu", "pconv")`: a trained network for people who have torch and not this package.

torch.hub installs nothing: `dependencies` names what has to be there.
"""
dependencies = ["torch", "numpy", "PIL", "safetensors", "tqdm"]


def pconv(name_or_path=None, *, device=None):
    """A trained network in eval mode: `net(image, mask)` of [B,3,H,W] in [0,1] and [B,1,H,W], where 1 is valid.

    `name_or_path` is 'pconv_small' (what None means), 'pconv_small_pixel', 'plain_small', or anything that
    `load_pretrained` takes.
    """
    from pconv_edu import load_pretrained
    return load_pretrained(name_or_path, device=device)
