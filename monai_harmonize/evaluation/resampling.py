"""Confidence intervals by resampling patients, and the distance that a site has to itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.metrics.grey_level_distance import wasserstein_distance

__all__ = ["bootstrap_weights", "percentile_interval", "split_half_distances", "stratified_bootstrap_weights"]

Array = NDArray[np.float64]


def bootstrap_weights(groups: Sequence[str], resamples: int, rng: np.random.Generator) -> Array:
    """Weight of every image in every bootstrap resample; whole groups are drawn with replacement.

    One matrix serves all measures of all methods, so that ratios and differences between methods are paired:
    a mean is `weights @ values`, a pooled histogram `weights @ histograms`.

    Args:
        groups: group (patient) of each of the n images.
        resamples: number of resamples.
        rng: source of randomness.

    Returns:
        Shape `(resamples, n)`, rows sum to 1.
    """
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    weights = draws[:, group_of].astype(np.float64)
    shares: Array = weights / weights.sum(axis=1, keepdims=True)
    return shares


def percentile_interval(resampled: Array, estimate: float, *, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval, widened to hold the estimate.

    Resampling adds sampling noise and noise adds distance, so near zero the resampled distances of two sites
    lie above the estimate. The interval then errs to the cautious side: "farther" rather than "nearer".

    Args:
        resampled: the statistic in each resample.
        estimate: the statistic of the data.
        level: coverage.

    Returns:
        Lower and upper end; NaN where the resamples do not vary (a single patient).
    """
    if np.ptp(resampled) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), estimate), max(float(high), estimate)


def split_half_distances(histograms: Array, groups: Sequence[str], splits: int, rng: np.random.Generator) -> Array:
    """1-Wasserstein distances between random halves of one site: below them, a distance means nothing.

    Args:
        histograms: one per image, shape `(n, bins)`.
        groups: group (patient) of each image; a group is never divided.
        splits: number of random divisions.
        rng: source of randomness.

    Returns:
        Shape `(splits,)`; empty with fewer than two groups.
    """
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        return np.empty(0)
    order = rng.permuted(np.tile(np.arange(len(names)), (splits, 1)), axis=1)
    first = (order < len(names) // 2)[:, group_of].astype(np.float64)
    halves = [(side / side.sum(axis=1, keepdims=True)) @ histograms for side in (first, 1 - first)]
    return wasserstein_distance(*halves)


def stratified_bootstrap_weights(
    groups: Sequence[str], labels: NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> Array:
    """As `bootstrap_weights`, patients with the finding and patients without drawn apart.

    Every resample then holds as many patients of each class as the data, and none lacks one. A patient with images of
    both classes counts as one with the finding.

    Args:
        groups: patient of each of the n images.
        labels: 0 or 1, `(n,)`.
        resamples: number of resamples.
        rng: source of randomness.

    Returns:
        Shape `(resamples, n)`; the weights of a stratum sum to its number of images.
    """
    _, group_of = np.unique(np.asarray(groups), return_inverse=True)
    ill = np.bincount(group_of, weights=labels) > 0
    weights = np.zeros((resamples, len(group_of)))
    for stratum in (ill[group_of], ~ill[group_of]):
        if stratum.any():
            drawn = bootstrap_weights([str(group) for group in group_of[stratum]], resamples, rng)
            weights[:, stratum] = drawn * stratum.sum()
    return weights
