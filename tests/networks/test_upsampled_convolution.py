"""The convolution of a doubled image against doubling and convolving."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from monai_harmonize.networks.upsampled_convolution import UpsampledConvolution


def both(in_channels: int, out_channels: int) -> tuple[UpsampledConvolution, nn.Sequential]:
    """Ours, and the two layers that it stands for, with the same weights."""
    torch.manual_seed(0)
    ours = UpsampledConvolution(in_channels, out_channels).double()
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode="reflect").double()
    convolution.load_state_dict(ours.state_dict())
    return ours, nn.Sequential(nn.Upsample(scale_factor=2.0, mode="nearest"), convolution)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(4, 7), (1, 3), (1, 1)])
def test_values_and_gradients_are_those_of_the_two_layers(
    size: tuple[int, int], memory_format: torch.memory_format
) -> None:
    ours, plain = both(3, 5)
    features = torch.randn(2, 3, *size, dtype=torch.float64).to(memory_format=memory_format).requires_grad_()
    found, expected = ours(features), plain(features)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    if size != (1, 1):  # a single position is in either order
        assert found.is_contiguous(memory_format=memory_format)
    pull = torch.randn_like(expected)
    gradients = [
        torch.autograd.grad(image, [features, *layer.parameters()], pull)
        for image, layer in ((found, ours), (expected, plain))
    ]
    for own, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(own, wanted, rtol=1e-12, atol=1e-12)


def test_four_ninths_of_the_operations() -> None:
    counts = []
    features = torch.randn(1, 4, 6, 8, dtype=torch.float64, requires_grad=True)
    for layer in both(4, 4):
        with FlopCounterMode(display=False) as counter:
            layer(features).sum().backward()
        counts.append(counter.get_total_flops())
    assert counts[0] / counts[1] == pytest.approx(4 / 9)


def test_scripted_layer_computes_the_same() -> None:
    ours, _ = both(2, 3)
    features = torch.randn(1, 2, 3, 5, dtype=torch.float64)
    torch.testing.assert_close(torch.jit.script(ours)(features), ours(features))
