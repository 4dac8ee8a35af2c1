"""Find devices and dtypes that do not match, without a GPU: networks and loss on a CUDA device that has no numbers.

Needs a CUDA build of torch; the machine needs no GPU. Forward pass and whole loss of each network in each precision and
memory layout run on fake tensors of the device 'cuda', as `fit`'s step runs them. Backward needs a real device.
Without a GPU torch switches autocast off, so bfloat16 and float16 are run as networks of that dtype, too.

    python tools/once/fake_gpu.py
"""
import sys
import warnings
from itertools import product
from unittest.mock import patch

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from pconv_edu import mask_update, partial_conv, unet
from pconv_edu.losses import InpaintingLoss
from pconv_edu.phases import PRECISIONS, TrainingStep
from pconv_edu.unet import make_net

LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
SIZES = {"small": 256, "seven_stage": 256, "paper": 512}


def fake(module: nn.Module, layout: torch.memory_format, dtype: torch.dtype | None = None) -> nn.Module:
    "The module with tensors on 'cuda'. `Module.to` cannot swap fake parameters."
    for part in module.modules():
        for name, tensor in [*part._parameters.items(), *part._buffers.items()]:
            if tensor is None: continue
            new = torch.empty(tensor.shape, dtype=dtype if dtype and tensor.is_floating_point() else tensor.dtype,
                              device="cuda")
            if tensor.ndim == 4: new = new.contiguous(memory_format=layout)
            if name in part._parameters: part._parameters[name] = nn.Parameter(new, tensor.requires_grad)
            else: part._buffers[name] = new
    return module


def try_step(name: str, precision: str, layout: torch.memory_format, cast: bool):
    "Raises what a GPU would raise: forward pass and loss of one step; `cast`: the network itself in that dtype."
    net, loss = make_net(name), InpaintingLoss(vgg="random")
    with FakeTensorMode(allow_non_fake_inputs=True):
        fake(net, layout, PRECISIONS[precision] if cast else None), fake(loss, layout)
        image = torch.empty(2, 3, SIZES[name], SIZES[name], device="cuda").contiguous(memory_format=layout)
        step = TrainingStep(net.train(), loss, precision="float32" if cast else precision)
        total, terms = step.forward(image, torch.empty(2, 1, SIZES[name], SIZES[name], device="cuda"))
    for term, value in {"total": total, **terms}.items():
        if value.device.type != "cuda" or value.dtype != torch.float32:
            raise TypeError(f"{term} is {value.dtype} on {value.device}")


def main() -> int:
    if torch.version.cuda is None: return print("skipped: this torch was built without CUDA") or 0
    failed = 0
    with (
        warnings.catch_warnings(),
        patch.object(mask_update, "check_mask"), patch.object(partial_conv, "check_mask"),
        patch.object(unet, "check_mask"),  # fake tensors have no values to look at
    ):
        warnings.simplefilter("ignore")
        for name, precision, layout, cast in product(SIZES, PRECISIONS, LAYOUTS, (False, True)):
            if cast and precision == "float32": continue
            said = "ok"
            try: try_step(name, precision, LAYOUTS[layout], cast)
            except Exception as error: said, failed = f"{type(error).__name__}: {error}", failed + 1
            print(f"{name}, {precision}{', cast' if cast else ''}, {layout}: {said}", flush=True)
    print(f"torch {torch.__version__}: {failed} failed")
    return int(failed > 0)


if __name__ == "__main__": sys.exit(main())
