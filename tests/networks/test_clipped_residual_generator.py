"""Guarantee class G3: nowhere further than epsilon from the base."""

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from monai_harmonize.networks import ClippedResidualGenerator, ToneCurveGenerator

sys.path.insert(0, str(Path(__file__).parent))
from adversarial import adversarial, images, make_image, weights

bare = cache(ToneCurveGenerator)


def free(spatial_dims: int) -> nn.Module:
    """A network that can draw anything, at any size."""
    convolution = (nn.Conv2d, nn.Conv3d)[spatial_dims - 2]
    return nn.Sequential(convolution(1, 4, 3, padding=1), nn.ReLU(), convolution(4, 1, 3, padding=1))


@given(images(), weights, st.sampled_from([1e-3, 0.05, 0.5]))
def test_the_deviation_from_the_base_is_bounded(image, weight, epsilon) -> None:
    dims = image.ndim - 2
    generator = adversarial(ClippedResidualGenerator(bare(dims), free(dims), epsilon), *weight)
    assert (generator(image) - generator.base(image)).abs().max() <= epsilon + 1e-6


def test_a_small_residual_passes_and_a_large_one_is_clipped() -> None:
    image = make_image("noise", (8, 8), 1, 0)
    base = nn.Identity()
    for residual, expected in ((0.001, 0.001), (50.0, 0.05), (-50.0, -0.05)):
        constant = nn.Hardtanh(residual, residual + 1e-9)
        generator = ClippedResidualGenerator(base, constant, 0.05)
        torch.testing.assert_close(generator(image) - image, torch.full_like(image, expected), atol=2e-6, rtol=0)


def test_both_parts_learn() -> None:
    image = make_image("noise", (8, 8), 2, 0)
    generator = ClippedResidualGenerator(ToneCurveGenerator(2), free(2), 0.1)
    (generator(image) - image**3).abs().mean().backward()
    assert generator.base.curve_layers[-1].weight.grad.abs().sum() > 0
    assert generator.residual_network[0].weight.grad.abs().sum() > 0


def test_it_exports_to_torchscript() -> None:
    image = make_image("noise", (8, 8), 2, 0)
    generator = ClippedResidualGenerator(ToneCurveGenerator(2), free(2), 0.1)
    torch.testing.assert_close(torch.jit.script(generator)(image), generator(image))


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("inf"), float("nan")])
def test_epsilon_must_be_a_positive_number(epsilon) -> None:
    with pytest.raises(ValueError, match="epsilon is"):
        ClippedResidualGenerator(nn.Identity(), nn.Identity(), epsilon)
