"""Curves are kept within the grey scale, and otherwise left alone."""

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.networks import BilateralGridGenerator, ToneCurveGenerator
from monai_harmonize.networks.bilateral_grid import apply_bilateral_grid
from monai_harmonize.networks.within_scale import within_scale

sys.path.insert(0, str(Path(__file__).parent))
from adversarial import adversarial, images, weights

ROUNDING = 1e-5
bare = {kind: cache(kind) for kind in (ToneCurveGenerator, BilateralGridGenerator)}


@pytest.mark.parametrize("kind", list(bare))
@given(images(kinds=("noise", "blobs", "ramp", "extremes")), weights)
def test_no_weights_make_a_generator_leave_the_scale(kind, image, weight) -> None:
    inside = image.clamp(-1, 1)
    output = adversarial(bare[kind](image.ndim - 2), *weight)(inside)
    assert output.abs().max() <= 1 + ROUNDING


def random_curves(seed: int, steepness: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    slopes = 0.25 + steepness * torch.rand(2, 6, 3, 3, generator=generator)
    return slopes, torch.rand(2, 1, 3, 3, generator=generator) - 0.5


@given(st.integers(0, 1000), st.floats(0, 3.75), st.floats(0.05, 1))
def test_slopes_are_lowered_by_one_share_and_keep_their_bounds(seed, steepness, extent) -> None:
    slopes, offset = random_curves(seed, steepness)
    image = extent * (2 * torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(seed)) - 1)
    kept, moved = within_scale(image, slopes, offset, 0.25)
    assert kept.min() >= 0.25 - ROUNDING
    assert (kept <= slopes + ROUNDING).all()
    share = (kept - 0.25).sum(dim=1, keepdim=True) / (slopes - 0.25).sum(dim=1, keepdim=True).clamp(min=1e-6)
    torch.testing.assert_close(kept, 0.25 + (slopes - 0.25) * share, atol=ROUNDING, rtol=0)
    # Grid nodes lie on the pixels here, so that each pixel has the curve of its node.
    for level in (image.amin(dim=(1, 2, 3)), image.amax(dim=(1, 2, 3))):
        ends = apply_bilateral_grid(level.view(-1, 1, 1, 1).expand(2, 1, 3, 3), kept, moved)
        assert ends.abs().max() <= 1 + ROUNDING


def test_what_stays_within_the_scale_is_not_touched() -> None:
    image = torch.linspace(-0.5, 0.5, 9).view(1, 1, 3, 3)
    slopes, offset = 0.3 + torch.rand(1, 6, 3, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(1, 1, 3, 3)
    kept, moved = within_scale(image, slopes, offset, 0.25)
    assert torch.equal(kept, slopes)
    assert torch.equal(moved, offset)


def test_a_curve_known_in_closed_form() -> None:
    """Slope 4 over a range of 1 climbs by 4, twice the scale: 0.25 + 3.75 * (2 - 0.25) / (4 - 0.25) = 2."""
    image, slopes = torch.tensor([[[[0.0, 1.0]]]]), torch.full((1, 4), 4.0)
    kept, moved = within_scale(image, slopes, torch.zeros(1, 1), 0.25)
    torch.testing.assert_close(kept, torch.full((1, 4), 2.0))
    torch.testing.assert_close(moved, torch.tensor([[-1.0]]))
