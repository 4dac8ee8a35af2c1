"""The experiments of lessons 13, 18 and 21: their layers compute what they say, and their arms differ in one thing."""
import torch

from pconv_edu.course.gated import GatedBlock, GatedUNet
from pconv_edu.unet import freeze_encoder_bn
from pconv_edu.weights import load_pretrained, save_pretrained


def test_the_gate_by_hand():
    block = GatedBlock(1, 1, kernel_size=1, bn=False, slope=1.)
    with torch.no_grad(): block.conv.weight.copy_(torch.tensor([2., 1]).view(2, 1, 1, 1))
    x = torch.tensor([[-1., 0], [1, 3]])[None, None]
    torch.testing.assert_close(block(x), 2 * x / (1 + torch.exp(-x)))  # features 2x, gate x


def test_the_gated_network_ignores_the_hole_takes_any_size_and_comes_back_from_a_file(tmp_path):
    torch.manual_seed(0)
    net = GatedUNet(widths=(4, 6, 8)).eval()
    image, mask = torch.rand(2, 3, 37, 50), (torch.rand(2, 1, 37, 50) > .3).float()
    with torch.no_grad(): output, other = net(image, mask), net(torch.where(mask > 0, image, torch.nan), mask)
    assert output.shape == image.shape and torch.equal(output, other)
    loaded = load_pretrained(save_pretrained(net, tmp_path / "gated.safetensors"))
    assert type(loaded) is GatedUNet and loaded.config == net.config
    with torch.no_grad(): assert torch.equal(loaded.eval()(image, mask), output)
    freeze_encoder_bn(net)
    assert not any(block.bn.training or block.bn.weight.requires_grad for block in net.encoder if block.bn is not None)
