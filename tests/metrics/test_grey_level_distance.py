import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ignite.engine import Engine
from monai.handlers import IgniteMetricHandler, from_engine
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance as scipy_wasserstein

from monai_harmonize.metrics import (
    SiteDistanceMetric,
    grey_level_histogram,
    jensen_shannon_distance,
    wasserstein_distance,
)

HISTOGRAMS = arrays(np.float64, (2, 64), elements=st.floats(0, 1000).map(lambda x: round(x, 6))).filter(
    lambda h: bool((h.sum(1) > 0).all())
)


@settings(max_examples=60, deadline=None)
@given(HISTOGRAMS)
def test_distances_equal_scipy(histograms: NDArray[np.float64]) -> None:
    p, q = histograms
    centres = (np.arange(64) + 0.5) / 64
    assert wasserstein_distance(p, q) == pytest.approx(scipy_wasserstein(centres, centres, p, q), abs=1e-12)
    assert jensen_shannon_distance(p, q, bins=64) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    assert wasserstein_distance(p, q) == wasserstein_distance(q, p)


def test_wasserstein_equals_scipy_on_the_pixels_up_to_half_a_bin() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.beta(2, 5, 5000), generator.beta(4, 3, 5000)
    ours = wasserstein_distance(grey_level_histogram(first), grey_level_histogram(second))
    assert ours == pytest.approx(scipy_wasserstein(first, second), abs=1 / 2048)


def test_wasserstein_of_a_shift_is_the_shift() -> None:
    image = torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) * 0.5
    shifted = wasserstein_distance(grey_level_histogram(image), grey_level_histogram(image + 0.25))
    assert shifted == pytest.approx(0.25, abs=1e-4)


def test_extremes() -> None:
    black, white = np.eye(1024)[[0, -1]]
    assert wasserstein_distance(black, white) == pytest.approx(1023 / 1024)
    assert jensen_shannon_distance(black, white) == pytest.approx(1)
    assert wasserstein_distance(black, black) == 0
    assert jensen_shannon_distance(np.full(1024, 0.1), np.full(1024, 7.0)) == pytest.approx(0, abs=1e-7)


def test_leading_axes_broadcast() -> None:
    p = np.random.default_rng(2).random((5, 64))
    np.testing.assert_allclose(wasserstein_distance(p, p[0])[3], wasserstein_distance(p[3], p[0]))
    np.testing.assert_allclose(jensen_shannon_distance(p, p[0])[3], jensen_shannon_distance(p[3], p[0]))


def test_coarse_bins_forgive_the_comb_of_a_stretched_8_bit_image() -> None:
    smooth, comb = np.ones(1024), np.zeros(1024)
    comb[::8] = 1
    assert jensen_shannon_distance(smooth, comb, bins=64) == pytest.approx(0, abs=1e-7)
    assert jensen_shannon_distance(smooth, comb, bins=1024) > 0.5


@pytest.mark.parametrize("bad", [np.zeros(8), np.array([1.0, -1.0] * 4), np.array([np.nan] * 8)])
def test_refuses_what_is_no_histogram(bad: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="histogram must hold"):
        wasserstein_distance(bad, np.ones(8))


def test_refuses_unequal_bins() -> None:
    with pytest.raises(ValueError, match="8 and 16 bins"):
        wasserstein_distance(np.ones(8), np.ones(16))
    with pytest.raises(ValueError, match="do not divide"):
        jensen_shannon_distance(np.ones(100), np.ones(100), bins=64)


def images(count: int, seed: int, low: float = -1, high: float = 1, size: int = 12) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(count, 1, size, size, generator=generator)


def pooled_distance(first: torch.Tensor, second: torch.Tensor) -> float:
    p, q = (grey_level_histogram(x, value_range=(-1, 1)) for x in (first, second))
    return float(wasserstein_distance(p, q))


def test_metric_is_the_pooled_distance_of_the_epoch_in_any_batching() -> None:
    outputs, targets = images(6, 0, -0.5, 0.5), images(6, 1, -0.2, 1)
    metric = SiteDistanceMetric()
    for batch in (slice(0, 4), slice(4, 6)):
        metric(outputs[batch], targets[batch])
    metric_of_lists = SiteDistanceMetric()
    metric_of_lists(list(outputs), list(targets))
    assert float(metric.aggregate()) == pytest.approx(pooled_distance(outputs, targets))
    assert float(metric_of_lists.aggregate()) == pytest.approx(pooled_distance(outputs, targets))


def test_metric_takes_unequal_sizes_and_numbers_and_forgets_on_reset() -> None:
    metric = SiteDistanceMetric()
    metric(list(images(3, 0)), list(images(3, 1)))
    metric.reset()
    with pytest.raises(ValueError, match="no image"):
        metric.aggregate()
    black, white = torch.full((1, 8, 8), -1.0), torch.full((1, 4, 5), 1.0)
    metric([black], [white, white, black, black])
    assert float(metric.aggregate()) == pytest.approx(0.5, abs=1e-3)


def test_metric_with_a_given_target_ignores_the_second_argument() -> None:
    outputs, targets = images(4, 0, -0.5, 0.5), images(4, 1, 0, 1)
    given_target = grey_level_histogram(targets, value_range=(-1, 1)).tolist()
    metric = SiteDistanceMetric(target_histogram=given_target)
    metric(outputs)
    metric(outputs, outputs)
    assert float(metric.aggregate()) == pytest.approx(pooled_distance(outputs, targets))


def test_metric_value_range_only_sets_the_scale() -> None:
    unit, signed = SiteDistanceMetric(value_range=(0, 1)), SiteDistanceMetric(value_range=(-1, 1))
    outputs, targets = images(4, 0, 0, 0.5), images(4, 1, 0.2, 1)
    unit(outputs, targets)
    signed(outputs * 2 - 1, targets * 2 - 1)
    assert float(unit.aggregate()) == pytest.approx(float(signed.aggregate()), abs=1e-4)


def test_metric_memory_does_not_grow() -> None:
    metric = SiteDistanceMetric(bins=64)
    for seed in range(20):
        metric(images(2, seed), images(2, seed + 1))
    assert [tuple(part.shape) for part in metric.get_buffer()] == [(1, 64), (1, 64)]


def test_metric_through_an_ignite_engine() -> None:
    batches = [{"pred": images(2, seed, -0.5, 0.5), "image_b": images(2, seed + 9, -0.2, 1)} for seed in range(3)]
    evaluator = Engine(lambda _, batch: [{k: v[i] for k, v in batch.items()} for i in range(2)])
    handler = IgniteMetricHandler(
        SiteDistanceMetric(), output_transform=from_engine(["pred", "image_b"]), save_details=False
    )
    handler.attach(evaluator, "site_distance")
    expected = pooled_distance(*(torch.cat([b[key] for b in batches]) for key in ("pred", "image_b")))
    for _ in range(2):
        evaluator.run(batches)
        assert evaluator.state.metrics["site_distance"] == pytest.approx(expected)


def test_metric_refuses_no_target_and_a_target_of_other_bins() -> None:
    with pytest.raises(ValueError, match="target site"):
        SiteDistanceMetric()(images(1, 0))
    with pytest.raises(ValueError, match=r"expected \(1024,\)"):
        SiteDistanceMetric(target_histogram=[1.0, 2.0])
