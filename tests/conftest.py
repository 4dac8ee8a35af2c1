"""What several test files share."""
import os
import signal

# Side by side, one thread each, and so for the processes that tests start: two workers with two threads each on two
# cores spend most of their time waiting for each other. Before torch is imported, which reads it once.
if "PYTEST_XDIST_WORKER" in os.environ: os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from torch import nn

from pconv_edu.unet import PConvUNet

# A shell starts its background jobs with SIGINT ignored, and their children inherit that: `nohup make test &`, most CI
# runners. Tests that press Ctrl-C need the handler that a terminal would give them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN: signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def net() -> PConvUNet:
    "A tiny network whose BatchNorm knows more than zeros and ones."
    torch.manual_seed(0)
    net = PConvUNet(widths=(4, 8, 8, 8))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d): module.running_mean.uniform_(-.1, .1)
    return net
