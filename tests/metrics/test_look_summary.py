"""Thirteen numbers of a look, against closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.look_summary import FAINTEST, FEATURES, look_summary, turned_summary


def field(seed: int = 0, shape: tuple[int, ...] = (1, 60, 44)) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.9, 0.8, shape) ** 3


def test_levels_of_a_ramp() -> None:
    found = look_summary(np.linspace(-1, 1, 101 * 101).reshape(1, 101, 101))
    assert len(found) == len(FEATURES) == 13
    np.testing.assert_allclose(found[:5], [-0.9, -0.5, 0, 0.5, 0.9], atol=1e-12)
    # The noise mask does not see what is even.
    assert found[12] == pytest.approx(np.log(FAINTEST), abs=1e-6)


def test_a_constant_image_has_no_band_and_no_noise() -> None:
    found = look_summary(torch.full((1, 30, 40), 0.3))
    np.testing.assert_allclose(found[:5], 0.3, rtol=1e-6)
    np.testing.assert_allclose(found[5:], np.log(FAINTEST), rtol=1e-4)


def test_noise_is_the_deviation_times_the_gain_of_the_mask() -> None:
    """The mask's squares sum to 36; of a normal distribution the median absolute value is 0.6745 deviations."""
    found = look_summary(np.random.default_rng(0).normal(0, 0.05, (1, 256, 256)))
    assert np.exp(found[12]) - FAINTEST == pytest.approx(0.6745 * 6 * 0.05, rel=0.01)


def test_half_the_contrast_is_half_of_every_strength() -> None:
    full, half = (np.exp(look_summary(field() * share)[5:]) - FAINTEST for share in (1.0, 0.5))
    np.testing.assert_allclose(half, full / 2, rtol=1e-9)


@given(st.integers(0, 10_000))
def test_the_summary_of_a_turned_image_is_known_from_its_own(seed: int) -> None:
    image = field(seed, (1, 9, 7))
    np.testing.assert_allclose(turned_summary(look_summary(image)), look_summary(-image), atol=1e-9)


def test_summaries_turn_in_rows() -> None:
    several = np.stack([look_summary(field(seed)) for seed in range(3)])
    np.testing.assert_allclose(turned_summary(several), [turned_summary(one) for one in several])
    np.testing.assert_array_equal(turned_summary(turned_summary(several)), several)


def test_channels_are_averaged() -> None:
    image = field(1, (3, 20, 20))
    np.testing.assert_allclose(look_summary(image), look_summary(image.mean(0, keepdims=True)))


@pytest.mark.parametrize(
    "image", [np.zeros((1, 8, 8, 8)), np.zeros((8, 8)), np.zeros((1, 2, 8)), np.full((1, 8, 8), np.nan)]
)
def test_what_is_no_radiograph(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="shape"):
        look_summary(image)
