import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.evaluation.resampling import (
    bootstrap_weights,
    percentile_interval,
    split_half_distances,
)
from monai_harmonize.metrics import wasserstein_distance


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=12), st.integers(0, 2**31))
def test_images_of_one_patient_are_drawn_together(groups: list[str], seed: int) -> None:
    weights = bootstrap_weights(groups, 50, np.random.default_rng(seed))
    assert weights.shape == (50, len(groups))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    for name in set(groups):
        own = weights[:, [g == name for g in groups]]
        assert np.ptp(own, axis=1).max() == 0


def test_spread_of_a_mean_is_its_standard_error() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=200)
    means = bootstrap_weights([str(i) for i in range(200)], 4000, rng) @ values
    assert means.std() == pytest.approx(values.std() / np.sqrt(200), rel=0.05)
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)


def test_repeated_images_of_few_patients_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(size=20), 10)
    by_patient = bootstrap_weights([str(i // 10) for i in range(200)], 2000, rng) @ values
    by_image = bootstrap_weights([str(i) for i in range(200)], 2000, rng) @ values
    assert by_patient.std() > 2.5 * by_image.std()


def test_interval_is_that_of_the_percentiles_and_holds_the_estimate() -> None:
    resampled = np.arange(1001) / 1000
    assert percentile_interval(resampled, 0.5) == pytest.approx((0.025, 0.975))
    assert percentile_interval(resampled, 0.5, level=0.5) == pytest.approx((0.25, 0.75))
    assert percentile_interval(resampled, 0.001) == pytest.approx((0.001, 0.975))
    assert percentile_interval(resampled, 1.2) == pytest.approx((0.025, 1.2))


def test_no_interval_without_variation() -> None:
    assert np.isnan(percentile_interval(np.full(10, 0.3), 0.3)).all()


def test_halves_of_two_patients_are_these_two() -> None:
    histograms = np.eye(16)[[2, 2, 9]]
    distances = split_half_distances(histograms, ["p", "p", "q"], 40, np.random.default_rng(0))
    np.testing.assert_allclose(distances, wasserstein_distance(histograms[0], histograms[2]))


def test_halves_shrink_with_more_patients_and_vanish_for_equal_images() -> None:
    rng = np.random.default_rng(0)
    few, many = (rng.dirichlet(np.full(64, 0.2), size=n) for n in (6, 200))
    names = [str(i) for i in range(200)]
    assert np.median(split_half_distances(few, names[:6], 200, rng)) > 3 * np.median(
        split_half_distances(many, names, 200, rng)
    )
    assert split_half_distances(np.ones((4, 8)), names[:4], 20, rng).max() == 0
    assert split_half_distances(few, ["one"] * 6, 20, rng).size == 0
