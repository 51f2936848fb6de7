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
