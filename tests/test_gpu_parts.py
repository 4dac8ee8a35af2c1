"""The parts that are other ones on GPUs: which are chosen, and that a run goes on from the one to the other."""
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from pconv_edu import fit, parallel, phases, trainer
from pconv_edu.parallel import SharedBatchNorm2d, share_batchnorm, shared_kind
from pconv_edu.phases import Phase, adam
from pconv_edu.trainer import restore_optimizer
from pconv_edu.unet import PConvUNet, freeze_encoder_bn

PHASES = Phase("one", 4, 1e-3), Phase("two", 4, 1e-3)


def net() -> PConvUNet:
    torch.manual_seed(0)
    return PConvUNet(widths=(4, 8))


def as_on_a_gpu(monkeypatch):
    for module in (parallel, phases): monkeypatch.setattr(module, "NUMBERED", {"cpu": "gloo"})


def test_pytorchs_own_batchnorm_is_shared_on_gpus():
    for kind in ("cuda", "xpu"): assert shared_kind(torch.device(kind, 1)) is nn.SyncBatchNorm
    for kind in ("cpu", "mps"): assert shared_kind(torch.device(kind)) is SharedBatchNorm2d


def test_either_batchnorm_has_the_same_tensors_and_goes_on_from_the_other(monkeypatch):
    plain, ours, torchs = net(), net(), net()
    share_batchnorm(ours)
    as_on_a_gpu(monkeypatch)
    share_batchnorm(torchs)
    kinds = lambda net: {type(block.bn) for block in (*net.encoder, *net.decoder) if block.bn is not None}
    assert kinds(ours) == {SharedBatchNorm2d} and kinds(torchs) == {nn.SyncBatchNorm}
    plain(torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32))  # moves the statistics
    torchs.load_state_dict(plain.state_dict())
    ours.load_state_dict(torchs.state_dict())
    image, mask = torch.rand(1, 3, 32, 32), (torch.rand(1, 1, 32, 32) > .3).float()
    for shared in (ours, torchs): assert torch.equal(shared.eval()(image, mask), plain.eval()(image, mask))
    freeze_encoder_bn(torchs)
    torchs.train()
    found = [block.bn.training for block in torchs.encoder if block.bn is not None]
    assert found and not any(found) and not any(b.bn.weight.requires_grad for b in torchs.encoder if b.bn is not None)


def test_adam_is_fused_on_gpus_alone(monkeypatch):
    assert not adam(net().parameters()).param_groups[0]["fused"]
    as_on_a_gpu(monkeypatch)
    assert adam(net().parameters()).param_groups[0]["fused"]


def test_a_run_goes_on_from_either_adam_to_the_other(tmp_path, monkeypatch):
    "Fused Adam exists on CPUs, too: eight steps with one kind, with the other, and with each after the other."
    pictures = list(torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(0)))
    def half(line):
        if line["step"] == 3: raise EOFError
    def go(out, fused: bool, log=None):
        with monkeypatch.context() as patch:
            if fused: patch.setattr(phases, "NUMBERED", {"cpu": "gloo"})
            return fit(pictures, out=tmp_path / out, net=net(), phases=PHASES, size=32, batch=2, vgg=None, draw=False,
                       progress=False, device="cpu", log=log).net.state_dict()
    whole = go("plain", False)
    for k, (first, second) in enumerate([(True, True), (True, False), (False, True)]):
        with pytest.raises(EOFError): go(f"mixed{k}", first, half)
        found = go(f"mixed{k}", second)
        for name in whole: torch.testing.assert_close(found[name], whole[name], atol=2e-5, rtol=1e-3, msg=f"{k} {name}")


def test_the_number_of_steps_lies_where_each_adam_looks_for_it():
    for fused, place in ((True, "meta"), (False, "cpu")):
        with torch.device("meta"): module = PConvUNet(widths=(4, 8))
        name, p = next(iter(module.named_parameters()))
        optimizer = SimpleNamespace(state={p: {}}, param_groups=[{"fused": fused}])
        saved = {f"{name}/step": torch.tensor(3.), f"{name}/exp_avg": torch.zeros(p.shape)}
        restore_optimizer(SimpleNamespace(net=module, optimizer=optimizer), saved)
        assert optimizer.state[p]["step"].device.type == place and optimizer.state[p]["exp_avg"].device.type == "meta"


def test_the_trainer_takes_that_adam(): assert trainer.adam is adam
