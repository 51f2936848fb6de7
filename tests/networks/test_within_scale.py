"""Curves bend before the ends of the grey scale, and are left alone elsewhere."""

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.networks import BilateralGridGenerator, ToneCurveGenerator
from monai_harmonize.networks.within_scale import used_levels, within_scale

sys.path.insert(0, str(Path(__file__).parent))
from adversarial import adversarial, images, make_image, weights

ROUNDING = 1e-5
bare = {kind: cache(kind) for kind in (ToneCurveGenerator, BilateralGridGenerator)}


@pytest.mark.parametrize("kind", list(bare))
@given(images(kinds=("noise", "blobs", "ramp", "extremes")), weights)
def test_no_weights_make_a_generator_leave_the_scale(kind, image, weight) -> None:
    inside = image.clamp(-1, 1)
    output = adversarial(bare[kind](image.ndim - 2), *weight)(inside)
    beyond = (output.abs() > 1 + ROUNDING).flatten(1).float().mean(dim=1)
    assert beyond.max() <= 2e-3


@given(st.integers(0, 1000), st.floats(0, 3.75), st.floats(-1, 0.9), st.floats(0.1, 2))
def test_slopes_keep_their_bounds_and_used_levels_the_scale(seed, steepness, low, extent) -> None:
    generator = torch.Generator().manual_seed(seed)
    slopes = 0.25 + steepness * torch.rand(2, 6, 3, generator=generator)
    values = torch.cat([torch.zeros(2, 1, 3), slopes.cumsum(1) / 3], dim=1) - 2 * torch.rand(
        2, 1, 3, generator=generator
    )
    high = min(low + extent, 1.0)
    used = torch.tensor([[low, high]] * 2)
    kept = within_scale(values, used, 0.25)
    found = 3 * kept.diff(dim=1)
    assert found.min() >= 0.25 - ROUNDING
    assert (found <= slopes + ROUNDING).all()
    for level in (low, high):
        place = 3 * (level + 1)
        segment = min(int(place), 5)
        at_level = kept[:, segment] + (place - segment) * (kept[:, segment + 1] - kept[:, segment])
        assert at_level.abs().max() <= 1 + ROUNDING
    inside = (values.abs() <= 0.5) & (values == kept)
    assert inside.sum() == (values.abs() <= 0.5).sum()


def test_a_curve_known_in_closed_form() -> None:
    """Slope 4 through 0 meets 1 - 0.25 (1 - x) at 0.2, and goes on with slope 0.25."""
    knots = torch.linspace(-1, 1, 11)
    kept = within_scale(4 * knots[None], torch.tensor([[-1.0, 1.0]]), 0.25)
    expected = torch.where(knots.abs() <= 0.2, 4 * knots, knots.sign() * (0.75 + 0.25 * knots.abs()))
    torch.testing.assert_close(kept[0], expected)


def test_what_stays_within_the_scale_is_not_touched() -> None:
    values = torch.linspace(-0.9, 0.7, 9).view(1, 9)
    assert torch.equal(within_scale(values, torch.tensor([[-1.0, 1.0]]), 0.25), values)


@pytest.mark.parametrize("kind", list(bare))
def test_a_marker_does_not_change_the_rest_of_the_image(kind) -> None:
    image = 0.3 * make_image("blobs", (80, 80), 1, 0).clamp(-1, 1)
    generator = adversarial(kind(2), 1.0, 0)
    marked = image.clone()
    marked[..., :2, :2] = 1.0
    levels = [used_levels(each) for each in (image, marked)]
    torch.testing.assert_close(*levels, atol=5e-3, rtol=0)
    change = (generator(marked) - generator(image))[..., 2:, 2:].abs().max()
    assert change < 0.02


def test_used_levels_of_a_large_image_are_those_of_its_sample() -> None:
    image = torch.linspace(-1, 1, 1000 * 1000).view(1, 1, 1000, 1000)
    torch.testing.assert_close(used_levels(image), torch.tensor([[-0.998, 0.998]]), atol=1e-3, rtol=0)
