"""Closed forms and properties of adaptive instance normalization (Eqs. 1 to 3)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from monai_harmonize.networks.adain import adaptive_instance_norm, blended_statistics
from monai_harmonize.networks.channel_statistics import channel_statistics

SEEDS = st.integers(0, 2**31)


def draw(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, generator=generator, dtype=torch.float64) + torch.randn(
        1, shape[1], *[1] * (len(shape) - 2), generator=generator, dtype=torch.float64
    )


def test_statistics_of_known_numbers() -> None:
    features = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[2.0, 2.0], [2.0, 2.0]]]])
    mean, deviation = channel_statistics(features, epsilon=1e-2)
    assert mean.tolist() == [[4.0, 2.0]]
    # Population variance: (9 + 1 + 1 + 9) / 4.
    torch.testing.assert_close(deviation, torch.tensor([[5.01, 0.01]]).sqrt())


@pytest.mark.parametrize("spatial", [(7,), (5, 6), (3, 4, 5)])
def test_each_image_and_channel_by_itself(spatial: tuple[int, ...]) -> None:
    features = draw(0, 2, 3, *spatial)
    mean, deviation = channel_statistics(features, epsilon=0.0)
    assert mean.shape == deviation.shape == (2, 3)
    one = features[1, 2]
    torch.testing.assert_close(mean[1, 2], one.mean())
    torch.testing.assert_close(deviation[1, 2], one.std(correction=0))


@given(SEEDS)
def test_normalized_features_have_the_statistics_of_the_style(seed: int) -> None:
    content, style = draw(seed, 2, 3, 8, 9), draw(seed + 1, 2, 3, 5, 4)
    target, own = channel_statistics(style, 0.0), channel_statistics(content, 0.0)
    for found, expected in zip(
        channel_statistics(adaptive_instance_norm(content, *target, *own), 0.0), target, strict=True
    ):
        torch.testing.assert_close(found, expected)


@given(SEEDS)
def test_it_is_instance_normalization_then_scale_and_shift(seed: int) -> None:
    content, (mean, deviation) = draw(seed, 1, 3, 8, 9), channel_statistics(draw(seed + 1, 1, 3, 5, 4))
    expected = F.instance_norm(content, weight=deviation[0], bias=mean[0], eps=1e-5)
    found = adaptive_instance_norm(content, mean, deviation, *channel_statistics(content, 1e-5))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@given(seed=SEEDS)
def test_own_statistics_change_nothing_at_all(dtype: torch.dtype, seed: int) -> None:
    content = draw(seed, 2, 3, 8, 9).to(dtype)
    own = channel_statistics(content)
    found = adaptive_instance_norm(content, *own, *own)
    assert found.dtype == dtype
    assert torch.equal(found, content)


def test_half_precision_is_measured_in_float32() -> None:
    # The sum, 64 * 2000, is beyond float16, and bfloat16 has 8 bits.
    features = 2000 + torch.arange(64.0).reshape(1, 1, 8, 8)
    for dtype in (torch.float16, torch.bfloat16):
        stored = features.to(dtype)
        for found, expected in zip(channel_statistics(stored), channel_statistics(stored.double()), strict=True):
            assert found.dtype == torch.float32
            torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mean, deviation = channel_statistics(features)
    torch.testing.assert_close(mean, features.mean().reshape(1, 1))
    torch.testing.assert_close(deviation, features.std(correction=0).reshape(1, 1))


def test_a_constant_channel_has_finite_gradients() -> None:
    features = torch.ones(1, 2, 4, 4, requires_grad=True)
    own = channel_statistics(features)
    adaptive_instance_norm(features, torch.zeros(1, 2), torch.ones(1, 2), *own).square().sum().backward()
    assert features.grad.isfinite().all()


def test_gradients() -> None:
    content, style = (draw(seed, 2, 2, 3, 3).requires_grad_() for seed in (0, 1))

    def transfer(content: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        return adaptive_instance_norm(content, *channel_statistics(style), *channel_statistics(content))

    assert torch.autograd.gradcheck(transfer, (content, style))


@given(SEEDS)
def test_blended_statistics_blend_the_normalized_features(seed: int) -> None:
    content, styles = draw(seed, 2, 3, 6, 7), draw(seed + 1, 4, 3, 5, 5)
    weights = torch.rand(2, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) / 4
    own, target = channel_statistics(content), channel_statistics(styles)
    blended = [blended_statistics(one, several, weights) for one, several in zip(own, target, strict=True)]
    normalized = [adaptive_instance_norm(content, target[0][[k]], target[1][[k]], *own) for k in range(4)]
    shares = weights[:, :, None, None, None]
    expected = (1 - shares.sum(1)) * content + sum(shares[:, k] * normalized[k] for k in range(4))
    torch.testing.assert_close(adaptive_instance_norm(content, *blended, *own), expected)


def test_weights_of_all_images_and_of_none() -> None:
    own, styles = torch.rand(3, 5), torch.rand(2, 5)
    assert torch.equal(blended_statistics(own, styles, torch.zeros(2)), own)
    torch.testing.assert_close(blended_statistics(own, styles, torch.tensor([0.0, 1.0])), styles[1].expand(3, 5))
    torch.testing.assert_close(
        blended_statistics(own, styles, torch.tensor([0.5, 0.25])), 0.25 * own + 0.5 * styles[0] + 0.25 * styles[1]
    )
