"""The best bounded curve: found again, within bounds, and no other one is better."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from monai_harmonize.metrics.bounded_fit import bounded_increasing_fit

seeds = st.integers(0, 2**31)


def curve(knots: np.ndarray, slopes: np.ndarray, at: np.ndarray, start: float = 0.0) -> np.ndarray:
    """Values at any level; outer segments go on."""
    values = start + np.concatenate([[0], np.cumsum(slopes * np.diff(knots))])
    inside = np.interp(at, knots, values)
    return inside + slopes[0] * np.minimum(at - knots[0], 0) + slopes[-1] * np.maximum(at - knots[-1], 0)


@given(seeds, st.sampled_from([(0.25, 4.0), (1.0, 1.0), (0.01, 100.0)]), st.sampled_from([1e-3, 1.0, 5000.0]))
def test_slopes_are_within_bounds_whatever_the_data(seed, slope_range, scale) -> None:
    draws = np.random.default_rng(seed)
    knots = np.cumsum(draws.uniform(0.1, 1, draws.integers(2, 30))) * scale
    levels = draws.uniform(knots[0] - scale, knots[-1] + scale, draws.integers(1, 60))
    targets = draws.normal(scale=draws.choice([0.0, 1.0, 1e4]) * scale, size=levels.shape)
    found = bounded_increasing_fit(levels, targets, draws.integers(0, 5, levels.shape) + 1, knots, slope_range)
    slopes = np.diff(found) / np.diff(knots)
    # Values far from zero have few digits for their differences.
    rounding = 1e-9 + 1e-14 * np.abs(found).max() / np.diff(knots).min()
    assert slopes.min() >= slope_range[0] - rounding
    assert slopes.max() <= slope_range[1] + rounding


@given(seeds)
def test_a_curve_within_the_bounds_is_found_again(seed) -> None:
    draws = np.random.default_rng(seed)
    knots = np.linspace(-1, 1, 17)
    slopes, levels = draws.uniform(0.3, 3.9, 16), draws.uniform(-1.2, 1.2, 400)
    targets = curve(knots, slopes, levels, start=0.7)
    found = bounded_increasing_fit(levels, targets, draws.uniform(0.1, 1, 400), knots, (0.25, 4))
    np.testing.assert_allclose(found, curve(knots, slopes, knots, start=0.7), atol=5e-3)


@given(seeds)
def test_no_other_curve_within_the_bounds_is_better(seed) -> None:
    draws = np.random.default_rng(seed)
    knots = np.linspace(0, 1, 9)
    levels, targets, weights = draws.uniform(0, 1, 80), draws.normal(size=80), draws.uniform(0, 1, 80)

    def error(start: float, slopes: np.ndarray) -> float:
        return float(np.average((curve(knots, slopes, levels, start) - targets) ** 2, weights=weights))

    found = bounded_increasing_fit(levels, targets, weights, knots, (0.25, 4))
    slopes = np.diff(found) / np.diff(knots)
    best = error(found[0], slopes)
    for _ in range(30):
        other = np.clip(slopes + draws.normal(scale=draws.choice([0.01, 0.3, 3]), size=8), 0.25, 4)
        assert error(found[0] + draws.normal(scale=0.05), other) >= best - 1e-5


def test_weights_count_like_repetitions() -> None:
    levels, targets, knots = [0.1, 0.4, 0.8, 0.4], [0.0, 1.0, 0.5, 0.2], [0, 0.5, 1]
    weighted = bounded_increasing_fit(levels, targets, [1, 2, 3, 0], knots, (0.25, 4))
    repeated = bounded_increasing_fit(
        [0.1, 0.4, 0.4, 0.8, 0.8, 0.8], [0, 1, 1, 0.5, 0.5, 0.5], [1] * 6, knots, (0.25, 4)
    )
    np.testing.assert_allclose(weighted, repeated, atol=1e-6)


def test_nearly_free_slopes_give_the_isotonic_regression() -> None:
    levels = np.linspace(0, 1, 12)
    targets = np.random.default_rng(0).normal(size=12) + 3 * levels
    found = bounded_increasing_fit(levels, targets, np.ones(12), levels, (1e-6, 1e3))
    np.testing.assert_allclose(found, isotonic_regression(targets).x, atol=0.02)


def test_where_no_level_lies_the_curve_goes_straight_on() -> None:
    levels = np.concatenate([np.linspace(-1, -0.4, 50), np.linspace(0.4, 1, 50)])
    knots = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(
        bounded_increasing_fit(levels, 1.7 * levels, np.ones(100), knots, (0.25, 4)), 1.7 * knots, atol=1e-6
    )


def test_a_single_level_fixes_the_offset() -> None:
    found = bounded_increasing_fit([0.5], [3.0], [1.0], [0.0, 1.0], (0.25, 4))
    assert np.mean(found) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"levels": [0.0]}, "shapes"),
        ({"levels": [], "targets": [], "weights": []}, "shapes"),
        ({"targets": [0.0, np.nan]}, "NaN or infinite"),
        ({"weights": [1.0, -1.0]}, "at least 0"),
        ({"weights": [0.0, 0.0]}, "at least 0"),
        ({"knots": [1.0]}, "got 1 knots"),
        ({"knots": [1.0, 0.0]}, "increasing"),
        ({"slope_range": (0.0, 1.0)}, r"slope_range is \(0, 1\)"),
        ({"slope_range": (2.0, 1.0)}, r"slope_range is \(2, 1\)"),
    ],
)
def test_problems_without_a_solution_are_refused(changed, message) -> None:
    problem = {
        "levels": [0.0, 1.0],
        "targets": [0.0, 1.0],
        "weights": [1.0, 1.0],
        "knots": [0.0, 1.0],
        "slope_range": (0.25, 4.0),
    }
    with pytest.raises(ValueError, match=message):
        bounded_increasing_fit(**{**problem, **changed})


@pytest.mark.parametrize(
    ("targets", "value_range", "ends"),
    [
        ((-0.2, 0.8), (0.0, 1.0), (0.0, None)),
        ((0.3, 1.2), (0.0, 1.0), (None, 1.0)),
        ((-0.3, 1.4), (0.0, 1.0), (0.0, 1.0)),
        ((0.2, 0.7), (0.0, 1.0), (0.2, 0.7)),
    ],
)
def test_ends_stay_within_the_values_allowed(targets, value_range, ends) -> None:
    levels = np.linspace(0, 1, 200)
    wanted = np.interp(levels, [0, 1], targets)
    knots = np.linspace(0, 1, 33)
    values = bounded_increasing_fit(levels, wanted, np.ones(200), knots, (0.25, 4.0), value_range)
    slopes = np.diff(values) / np.diff(knots)
    assert slopes.min() >= 0.25 * (1 - 1e-9)
    assert slopes.max() <= 4 * (1 + 1e-9)
    for value, end in zip(values[[0, -1]], ends, strict=True):
        assert value_range[0] - 1e-12 <= value <= value_range[1] + 1e-9
        assert end is None or value == pytest.approx(end, abs=2e-3)
    # As near as the slopes let it come to the clipped line.
    assert np.abs(np.interp(levels, knots, values) - wanted.clip(*value_range)).mean() < 0.03


def test_too_narrow_a_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"too narrow for a slope of 0\.5"):
        bounded_increasing_fit([0.0, 1.0], [0.0, 1.0], [1.0, 1.0], [0.0, 1.0], (0.5, 2.0), (0.0, 0.4))
