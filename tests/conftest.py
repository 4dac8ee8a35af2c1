"""What several test files share."""
import pytest
import torch
from torch import nn

from pconv_edu.unet import PConvUNet


@pytest.fixture(scope="module")
def net() -> PConvUNet:
    "A tiny network whose BatchNorm knows more than zeros and ones."
    torch.manual_seed(0)
    net = PConvUNet(widths=(4, 8, 8, 8))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d): module.running_mean.uniform_(-.1, .1)
    return net
