"""The guard lets torchvision import beside a torch without CUDA, and does nothing where the two match."""
import subprocess
import sys
import types

import pytest
import torch

from pconv_edu import torchvision_guard as guard


def test_vgg_runs_behind_the_guard():
    from torchvision.models import vgg16
    net = vgg16(weights=None).features[:5]  # to pool1
    assert net(torch.rand(1, 3, 16, 16)).shape == (1, 64, 8, 8)


def test_a_fresh_process_can_import_torchvision_after_it():
    code = "import pconv_edu.torchvision_guard, torchvision.transforms.v2, torchvision.utils; print('imported')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.stdout.strip() == "imported", run.stderr


def test_does_nothing_where_the_pair_matches(monkeypatch):
    "A torchvision that imports is returned as it is, and no operator is declared."
    healthy = types.ModuleType("torchvision")
    monkeypatch.setitem(sys.modules, "torchvision", healthy)
    monkeypatch.setattr(
        guard, "_declare_missing_operators", lambda: pytest.fail("declared operators although torchvision imports")
    )
    assert guard.ensure_torchvision() is healthy


def test_other_import_errors_come_through(monkeypatch, tmp_path):
    "Only the missing operator is mended; any other failure is the user's to see."
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('another fault')")
    for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]: monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuntimeError, match="another fault"): guard.ensure_torchvision()
