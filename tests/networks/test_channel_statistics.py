"""Channel means and deviations against numpy and closed forms."""

import math

import numpy as np
import pytest
import torch

from monai_harmonize.networks import channel_statistics


@pytest.mark.parametrize("size", [(7,), (4, 5), (3, 4, 2)])
def test_equals_numpy(size: tuple[int, ...]) -> None:
    features = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean, deviation = channel_statistics(features, epsilon=0.01)
    flat = features.flatten(2).numpy()
    np.testing.assert_allclose(mean, flat.mean(axis=2))
    np.testing.assert_allclose(deviation, np.sqrt(flat.var(axis=2) + 0.01))
    assert torch.autograd.gradcheck(channel_statistics, features.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_gradients_are_those_of_the_formula(dtype: torch.dtype, memory_format: torch.memory_format) -> None:
    generator = torch.Generator().manual_seed(0)
    features = (3 + torch.randn(2, 5, 8, 6, generator=generator)).to(dtype, memory_format=memory_format)
    pulls = torch.randn(2, 2, 5, generator=generator)
    own, exact = features.clone().requires_grad_(), features.double().requires_grad_()
    variance, mean = torch.var_mean(exact, dim=(2, 3), correction=0)
    (expected,) = torch.autograd.grad((mean, (variance + 1e-5).sqrt()), exact, tuple(pulls.double()))
    (found,) = torch.autograd.grad(channel_statistics(own), own, tuple(pulls))
    assert found.dtype == dtype
    assert found.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(found, expected.to(dtype))


def test_nothing_as_large_as_the_features_is_kept_for_the_gradient() -> None:
    features = torch.rand(1, 4, 16, 16, requires_grad=True)
    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: (kept.append(tensor), tensor)[1], lambda saved: saved):
        channel_statistics(features)
    assert all(tensor.numel() <= 4 or tensor.data_ptr() == features.data_ptr() for tensor in kept)


def test_scripted_function_computes_the_same() -> None:
    features = torch.rand(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    scripted = torch.jit.script(channel_statistics)
    for found, expected in zip(scripted(features), channel_statistics(features), strict=True):
        torch.testing.assert_close(found, expected)
        (own,), (wanted,) = (torch.autograd.grad(each.sum(), features, retain_graph=True) for each in (found, expected))
        torch.testing.assert_close(own, wanted)


def test_constant_channels_have_the_root_of_epsilon_and_a_gradient() -> None:
    features = torch.full((1, 2, 4, 4), 3.0, requires_grad=True)
    mean, deviation = channel_statistics(features)
    assert mean.tolist() == [[3.0, 3.0]]
    assert deviation.tolist() == [pytest.approx([math.sqrt(1e-5)] * 2)]
    deviation.sum().backward()
    assert not features.grad.any()


def test_half_precision_and_large_means() -> None:
    features = torch.linspace(-1, 1, 4096).reshape(1, 1, 64, 64)
    mean, deviation = channel_statistics(features.bfloat16())
    assert mean.dtype == deviation.dtype == torch.float32
    torch.testing.assert_close((mean, deviation), channel_statistics(features.bfloat16().float()))
    shifted = channel_statistics(features + 1000)
    assert float(shifted[1]) == pytest.approx(float(channel_statistics(features)[1]), rel=1e-4)
