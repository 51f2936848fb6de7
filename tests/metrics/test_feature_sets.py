"""Distances of sets of features: closed forms of Gaussians, unbiasedness, manifolds, resampling weights, errors."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics.fid import get_fid_score
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.feature_metric import SET_MEASURES, FeatureSetMetric
from monai_harmonize.metrics.frechet_distance import frechet_distance
from monai_harmonize.metrics.kernel_distance import kernel_distance, kernel_distances_of_subsets
from monai_harmonize.metrics.manifold_shares import manifold_shares
from monai_harmonize.networks.pooled_features import PooledFeatures


def normal(seed: int, count: int, width: int, mean: float = 0, deviation: float = 1) -> Tensor:
    return mean + deviation * torch.randn(count, width, generator=torch.manual_seed(seed), dtype=torch.float64)


def whitened(values: Tensor) -> Tensor:
    """The same vectors with mean 0 and unit covariance, exactly."""
    centred = values - values.mean(0)
    return centred @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(centred.T)).T)


def test_frechet_distance_of_gaussians_in_closed_form() -> None:
    """|m|^2 + sum of (s1 - s2)^2 for commuting covariances."""
    first, second = whitened(normal(0, 50, 3)), whitened(normal(1, 80, 3))
    scales, shift = torch.tensor([2.0, 0.5, 1.0]), torch.tensor([1.0, -2.0, 0.0])
    found = frechet_distance(first, second * scales + shift)
    assert float(found) == pytest.approx(5 + 1 + 0.25, rel=1e-9)


@pytest.mark.parametrize(("count", "width"), [(200, 6), (40, 20)])
def test_frechet_distance_is_monais(count: int, width: int) -> None:
    mix = normal(3, width, width)
    first, second = normal(0, count, width) @ mix, normal(1, count + 7, width, 0.3, 1.4) @ mix
    assert float(frechet_distance(first, second)) == pytest.approx(float(get_fid_score(first, second)), rel=1e-6)


def test_frechet_distance_below_as_many_images_as_features() -> None:
    """There MONAI's goes below 0 for equal sets."""
    few = normal(0, 20, 300) @ normal(1, 300, 300)
    assert 0 <= float(frechet_distance(few, few)) < 1e-6
    shifted = few + 1
    assert float(frechet_distance(few, shifted)) == pytest.approx(300, rel=1e-6)


def test_frechet_distance_is_biased_and_the_kernel_distance_is_not() -> None:
    """Sets of one distribution: FID falls with their size; KID lies around 0, within its standard error."""
    fid = [np.mean([frechet_distance(normal(s, n, 8), normal(s + 500, n, 8)) for s in range(20)]) for n in (20, 200)]
    assert fid[0] > 5 * fid[1] > 0
    kid = np.array([float(kernel_distance(normal(s, 12, 4), normal(s + 500, 15, 4))) for s in range(400)])
    assert abs(kid.mean()) < 3 * kid.std() / math.sqrt(len(kid))
    assert (kid < 0).mean() > 0.3


def test_kernel_distance_by_hand_and_for_means_apart() -> None:
    first, second = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [1.0], [3.0]])
    within = (1 * 2 + 1) ** 3  # of the two samples, in both orders
    real = np.mean([(0 * 1 + 1) ** 3, (0 * 3 + 1) ** 3, (1 * 3 + 1) ** 3])
    between = np.mean([(a * b + 1) ** 3 for a in (1, 2) for b in (0, 1, 3)])
    assert float(kernel_distance(first, second)) == pytest.approx(within + real - 2 * between)
    near, far = (float(kernel_distance(normal(0, 60, 5), normal(1, 60, 5, shift))) for shift in (0.2, 1.0))
    assert 0 < near < far


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance])
def test_weights_count_like_repetitions(measure) -> None:
    """Of a resample: an image drawn twice counts twice. A pair of an image with itself never counts for KID."""
    first, second = normal(0, 30, 4), normal(1, 25, 4, 0.5)
    assert float(measure(first, second, torch.ones(30), 7 * torch.ones(25))) == pytest.approx(
        float(measure(first, second)), rel=1e-9
    )
    only = torch.cat([torch.ones(20), torch.zeros(10)])
    correction = 30 / 29 * 19 / 20 if measure is frechet_distance else 1
    part = measure(first[:20], second)
    if measure is kernel_distance:
        assert float(measure(first, second, only)) == pytest.approx(float(part) * correction, rel=1e-9)
    else:
        scaled = (first[:20] - first[:20].mean(0)) * math.sqrt(correction) + first[:20].mean(0)
        assert float(measure(first, second, only)) == pytest.approx(float(measure(scaled, second)), rel=1e-6)
    with pytest.raises(InputError, match="expected one number of 0 or more per image"):
        measure(first, second, torch.ones(29))


def test_subsets() -> None:
    first, second = normal(0, 40, 4), normal(1, 50, 4, 0.4)
    found = kernel_distances_of_subsets(first, second, subset_size=20, subsets=60)
    assert found.shape == (60,)
    assert found.std() > 0
    assert abs(float(found.mean() - kernel_distance(first, second))) < 4 * float(found.std()) / math.sqrt(60)
    torch.testing.assert_close(found, kernel_distances_of_subsets(first, second, 20, 60, seed=0))
    assert not torch.equal(found, kernel_distances_of_subsets(first, second, 20, 60, seed=1))
    assert len(kernel_distances_of_subsets(first, second, 20, 5)) == 5
    smaller = kernel_distances_of_subsets(first, second, subset_size=5, subsets=60)
    assert smaller.std() > found.std()
    for size, count in ((1, 5), (41, 5), (20, 0)):
        with pytest.raises(InputError, match="expected 2 to 40 images of both sets"):
            kernel_distances_of_subsets(first, second, size, count)


def test_manifolds_on_a_line() -> None:
    """Radii of the real images 1, 1, 2 and of the samples 1, 1, 8 to their nearest neighbours."""
    real = torch.tensor([[0.0], [1.0], [3.0]])
    samples = torch.tensor([[4.0], [5.0], [13.0]])
    found = manifold_shares(samples, real, neighbours=1)
    assert found.precision.tolist() == [1, 1, 0]
    assert found.recall.tolist() == [0, 0, 1]
    assert found.density.tolist() == [1, 1, 0]
    assert found.coverage.tolist() == [0, 0, 1]
    with pytest.raises(InputError, match="neighbours is 3; expected 1 to 2, less than there are images"):
        manifold_shares(samples, real)


def test_dropped_modes_lower_recall_and_not_precision() -> None:
    def modes(seed: int, centres) -> Tensor:
        return torch.cat([normal(seed + c, 40, 3, 20 * c) for c in centres])

    real, fair, collapsed = modes(0, range(4)), modes(10, range(4)), modes(20, [2])
    shares = {name: manifold_shares(samples, real) for name, samples in (("fair", fair), ("collapsed", collapsed))}
    assert float(shares["collapsed"].precision.mean()) > 0.8
    assert float(shares["fair"].recall.mean()) > 0.8
    assert float(shares["collapsed"].recall.mean()) <= 0.25
    assert float(shares["collapsed"].coverage.mean()) <= 0.25
    far = manifold_shares(fair + 1000, real)
    assert [float(x.mean()) for x in (far.precision, far.recall, far.density, far.coverage)] == [0, 0, 0, 0]


def test_an_outlier_widens_recall_and_not_coverage() -> None:
    """What density and coverage were made for."""
    real, samples = normal(0, 60, 2), normal(1, 60, 2, 6, 0.5)
    outliers = torch.cat([samples, torch.tensor([[-30.0, -30.0], [40.0, -20.0], [-30.0, 40.0], [45.0, 45.0]])])
    assert (
        float(manifold_shares(outliers, real).recall.mean()) > 0.9 > float(manifold_shares(samples, real).recall.mean())
    )
    assert float(manifold_shares(outliers, real).coverage.mean()) < 0.1


@given(st.integers(0, 2**31), st.integers(4, 20), st.integers(1, 5), st.integers(1, 3))
def test_invariants(seed: int, count: int, width: int, neighbours: int) -> None:
    """Equal sets are best; order does not count; all is unchanged by a rotation and a shift, but KID's kernel."""
    first, second = normal(seed, count, width), normal(seed + 1, count + 3, width, 0.5)
    same = manifold_shares(first, first, neighbours)
    assert float(same.precision.mean()) == float(same.recall.mean()) == float(same.coverage.mean()) == 1
    assert float(frechet_distance(first, first)) == pytest.approx(0, abs=1e-9)
    order = torch.randperm(count, generator=torch.manual_seed(seed))
    turn = torch.linalg.qr(normal(seed + 2, width, width)).Q
    moved = [each @ turn + 3 for each in (first[order], second)]
    assert float(frechet_distance(*moved)) == pytest.approx(float(frechet_distance(first, second)), abs=1e-8)
    assert float(frechet_distance(second, first)) == pytest.approx(float(frechet_distance(first, second)), abs=1e-9)
    rotated = kernel_distance(first[order] @ turn, second @ turn)
    assert float(rotated) == pytest.approx(float(kernel_distance(first, second)), rel=1e-6, abs=1e-9)
    torch.testing.assert_close(
        manifold_shares(first, second, neighbours).density[order],
        manifold_shares(first[order], second, neighbours).density,
    )


def test_sets_that_do_not_fit() -> None:
    good = normal(0, 5, 3)
    for first, second, message in (
        (good, good[:, 1:], "by the same extractor"),
        (good[:, 0], good[:, 0], r"expected \(images, features\)"),
        (good[:1], good, "there are 1 samples; the measure needs 2"),
        (good, good[:1], "there are 1 real images"),
        (good, good * float("nan"), "a feature of the real images is NaN"),
    ):
        for measure in (frechet_distance, kernel_distance, manifold_shares):
            with pytest.raises(InputError, match=message):
                measure(first, second)


def test_the_metric_of_an_evaluator() -> None:
    features = PooledFeatures("resnet50", random_weights=True, layer="relu")
    outputs, real = 2 * torch.rand(2, 6, 1, 16, 16, generator=torch.manual_seed(0)) - 1
    for measure, function in SET_MEASURES.items():
        metric = FeatureSetMetric(features, measure)
        metric(outputs[:4], real[:4])
        metric(list(outputs[4:]), list(real[4:]))
        expected = function(features(outputs), features(real))
        torch.testing.assert_close(metric.aggregate(), expected, rtol=1e-4, atol=1e-6)
        assert str(metric) == f"{measure}_resnet50_relu_random_weights"
        assert [len(part) for part in metric.get_buffer()] == [6, 6]
    with pytest.raises(InputError, match="measure 'is' is not known; expected one of fid, kid"):
        FeatureSetMetric(features, "is")
    with pytest.raises(ValueError, match="there is no fid_resnet50_relu_random_weights"):
        FeatureSetMetric(features).aggregate()
