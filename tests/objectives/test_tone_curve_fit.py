"""The site's curve: closed forms, slope bounds, unused bits, and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import GreyLevelHistogram, wasserstein_distance
from monai_harmonize.metrics.grey_level_histogram import pooled_histogram
from monai_harmonize.networks import SiteToneCurve
from monai_harmonize.objectives.tone_curve_fit import ToneCurveFit, quantiles_of


def site(seed: int, images: int = 6, size: int = 40, low: float = -1.0, high: float = 1.0) -> list[torch.Tensor]:
    """Images whose grey levels are uniform between two bounds."""
    generator = torch.Generator().manual_seed(seed)
    return [low + (high - low) * torch.rand(1, 1, size, size, generator=generator) for _ in range(images)]


def fitted(source: list[torch.Tensor], target: list[torch.Tensor], **options) -> SiteToneCurve:
    curve = SiteToneCurve(**options)
    fit = ToneCurveFit(curve)
    for image in source:
        fit.add_source(image, None)
    for image in target:
        fit.add_target(image, None)
    fit.solve()
    return curve


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 0.6 * x + 0.1,
        lambda x: 2 * ((x + 1) / 2) ** 1.5 - 1,
        lambda x: torch.tanh(1.2 * x) / 1.2,
    ],
    ids=["linear", "gamma", "s-curve"],
)
def test_an_increasing_change_within_the_bounds_is_undone(change) -> None:
    plain = site(0)
    curve = fitted([change(image) for image in plain], plain)
    for image in plain:
        assert float((curve(change(image)) - image).abs().max()) < 0.03
        assert float((curve(change(image)) - image).abs().mean()) < 0.005


def test_a_site_that_has_the_look_already_is_left_alone() -> None:
    curve = fitted(site(0, 20), site(1, 20))
    levels = torch.linspace(-1, 1, 200)
    assert float((curve(levels) - levels).abs().max()) < 0.02


def test_the_distance_of_unseen_images_falls() -> None:
    dark = lambda x: 2 * ((x + 1) / 2) ** 1.5 - 1  # noqa: E731
    curve = fitted([dark(image) for image in site(0)], site(1))
    target = pooled_histogram(site(2), value_range=(-1, 1))
    unseen = [dark(image) for image in site(3)]
    raw = wasserstein_distance(pooled_histogram(unseen, value_range=(-1, 1)), target)
    after = wasserstein_distance(pooled_histogram([curve(i) for i in unseen], value_range=(-1, 1)), target)
    assert after < 0.05 * raw


def test_slopes_stop_at_their_bounds() -> None:
    # Undoing it fully would take slopes from 0.1 to 10.
    steep = lambda x: torch.where(x < 0, 10 * x, 0.1 * x) / 10  # noqa: E731
    slopes = fitted([steep(image) for image in site(0)], site(1)).slopes
    assert float(slopes.min()) >= 0.25 * (1 - 1e-4)
    assert float(slopes.max()) <= 4 * (1 + 1e-4)
    assert float(slopes.max()) > 3.9


def test_unused_bits_are_no_contrast() -> None:
    """A site that uses 4 of its 16 bits' worth of range is brought to the full range, slopes being about one."""
    curve = fitted(site(0, low=-1.0, high=-1.0 + 2 / 16), site(1))
    assert float(curve.stretch) == 16
    assert float((curve.slopes - 1).abs().max()) < 0.5
    assert float(curve(torch.tensor(-1.0 + 2 / 32))) == pytest.approx(0.0, abs=0.02)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.floats(-1, 0.5), st.floats(0.05, 1))
def test_any_two_sites_give_a_strictly_increasing_bounded_curve(seed, images, low, width) -> None:
    curve = fitted(site(seed, images, 8, low, min(1.0, low + width)), site(seed + 1, images, 8))
    assert bool((curve.target_levels.diff() > 0).all())
    smallest, largest = curve.slope_range
    # Levels are stored in single precision: each end of a segment is off by up to half a unit in the last place.
    rounding = 2.0**-24 / float(curve.source_levels.double().diff().min())
    assert float(curve.slopes.min()) >= smallest - 2 * rounding * (1 + smallest)
    assert float(curve.slopes.max()) <= largest + 2 * rounding * (1 + largest)


def test_images_of_a_site_weigh_the_same_whatever_their_size() -> None:
    small, large = torch.full((1, 1, 4, 4), -0.5), torch.full((1, 1, 64, 64), 0.5)
    histogram = GreyLevelHistogram(1024, (-1.0, 1.0))
    for image in (small, large):
        histogram.add(image)
    low, high = quantiles_of(histogram, np.array([0.4, 0.6]))
    assert (low, high) == (pytest.approx(-0.5, abs=0.002), pytest.approx(0.5, abs=0.002))


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([], site(0), "source site has no images"),
        (site(0), [], "target site has no images"),
        ([torch.zeros(1, 1, 8, 8)], site(0), "source site have one grey level"),
        (site(0), [torch.zeros(1, 1, 8, 8)], "target site have one grey level"),
    ],
)
def test_what_cannot_be_fitted_is_named(source, target, message) -> None:
    with pytest.raises(InputError, match=message):
        fitted(source, target)
