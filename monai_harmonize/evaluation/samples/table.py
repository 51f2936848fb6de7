"""Measures of samples, and of held-out real images in their place, with intervals by resampling patients.

The images of a set are resampled, the real ones by patient. Precision, density and the alarms are means over samples,
recall and coverage over real images, the balls and thresholds as they are. The Frechet and the kernel distance are of
whole sets. A resample repeats images, which adds to the Frechet distance what more of its bias would, so intervals of
these two are the resamples' spread around the estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.evaluation.resampling import bootstrap_weights, percentile_interval
from monai_harmonize.metrics.frechet_distance import frechet_distance
from monai_harmonize.metrics.inception_score import conditional_inception_score
from monai_harmonize.metrics.kernel_distance import kernel_distances_of_subsets, kernel_matrices, mean_discrepancy
from monai_harmonize.metrics.manifold_shares import ManifoldShares, manifold_shares

__all__ = ["COLUMNS", "HELD_OUT", "HIGHER", "LOWER", "SAMPLES", "Row", "mean_row", "set_rows", "shares_row", "to_table"]

Array = NDArray[np.float64]
Row = dict[str, object]

SAMPLES, HELD_OUT = "samples", "held_out"
LOWER, HIGHER = "lower", "higher"
COLUMNS = ("measure", "of", "estimate", "low", "high", "better", "images")
SUBSETS = 100
LARGEST_SUBSET = 1000


def to_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a table with ``COLUMNS``."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def mean_row(measure: str, of: str, values: Array, weights: Array, better: str) -> Row:
    """Mean of values of single images.

    Args:
        measure: its name.
        of: ``SAMPLES`` or ``HELD_OUT``.
        values: ``(N,)``.
        weights: of resamples, ``(R, N)``.
        better: ``LOWER`` or ``HIGHER``.
    """
    estimate = float(values.mean())
    finite = np.isfinite(values).all()
    low, high = percentile_interval(weights @ values, estimate) if finite else (float("nan"), float("nan"))
    return _row(measure, of, estimate, (low, high), better, len(values))


def set_rows(
    of: str,
    name: str,
    sets: tuple[Tensor, Tensor],
    patients: tuple[Sequence[str], Sequence[str]],
    neighbours: int,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[list[Row], ManifoldShares]:
    """Frechet and kernel distance, precision, recall, density and coverage of a set against the training images.

    Args:
        of: ``SAMPLES`` or ``HELD_OUT``.
        name: of the features.
        sets: features of the set ``(N, K)`` and of the training images ``(M, K)``, float64.
        patients: of both.
        neighbours: k of the manifolds.
        resamples: number of resamples.
        rng: source of randomness.

    Returns:
        Rows and the values of single images.
    """
    weights = [bootstrap_weights(each, resamples, rng) for each in patients]
    rows = [_distance_row(of, name, sets, weights), *_kernel_rows(of, name, sets, weights)]
    shares = manifold_shares(*sets, neighbours=neighbours)
    for measure, values, own in (
        ("precision", shares.precision, weights[0]),
        ("recall", shares.recall, weights[1]),
        ("density", shares.density, weights[0]),
        ("coverage", shares.coverage, weights[1]),
    ):
        row = mean_row(f"{measure}_{name}", of, values.numpy(), own, HIGHER)
        rows.append({**row, "images": len(sets[0])})
    return rows, shares


def _distance_row(of: str, name: str, sets: tuple[Tensor, Tensor], weights: list[Array]) -> Row:
    drawn = (
        frechet_distance(*sets, torch.from_numpy(first), torch.from_numpy(second))
        for first, second in zip(*weights, strict=True)
        # One image alone has no covariance.
        if (first > 0).sum() > 1 and (second > 0).sum() > 1
    )
    estimate = float(frechet_distance(*sets))
    return _row(f"fid_{name}", of, estimate, _around(estimate, drawn), LOWER, len(sets[0]))


def _kernel_rows(of: str, name: str, sets: tuple[Tensor, Tensor], weights: list[Array]) -> Iterator[Row]:
    kernels = kernel_matrices(*sets)
    whole = (torch.full((len(each),), 1 / len(each), dtype=torch.float64) for each in sets)
    estimate = float(mean_discrepancy(kernels, *whole))
    drawn = (
        mean_discrepancy(kernels, torch.from_numpy(first), torch.from_numpy(second))
        for first, second in zip(*weights, strict=True)
        if (first > 0).sum() > 1 and (second > 0).sum() > 1
    )
    yield _row(f"kid_{name}", of, estimate, _around(estimate, drawn), LOWER, len(sets[0]))
    size = min(*map(len, sets), LARGEST_SUBSET)
    # Half of a small set, so that subsets differ.
    size = max(2, size // 2) if size < LARGEST_SUBSET else size
    subsets = kernel_distances_of_subsets(*sets, subset_size=size, subsets=SUBSETS)
    deviation = float(subsets.std())
    mean = float(subsets.mean())
    yield _row(f"kid_subsets_of_{size}_{name}", of, mean, (mean - deviation, mean + deviation), LOWER, len(sets[0]))


def shares_row(of: str, logits: Tensor, weights: Array) -> Row:
    """Inception score of samples in nats; the published score is its exponential.

    Args:
        of: ``SAMPLES`` or ``HELD_OUT``.
        logits: of a classifier, ``(N, K)``.
        weights: of resamples, ``(R, N)``.
    """
    one = torch.zeros(len(logits))
    estimate = float(conditional_inception_score(logits, one))
    drawn = (
        conditional_inception_score(logits, one, torch.from_numpy(each))[0] for each in weights if (each > 0).sum() > 1
    )
    return _row("inception_score_nats", of, estimate, _around(estimate, drawn), HIGHER, len(logits))


def _around(estimate: float, drawn: Iterator[Tensor]) -> tuple[float, float]:
    """Percentile interval of resamples moved to the estimate."""
    values = np.array([float(each) for each in drawn])
    if not len(values):
        return float("nan"), float("nan")
    return percentile_interval(values - values.mean() + estimate, estimate)


def _row(measure: str, of: str, estimate: float, ends: tuple[float, float], better: str, images: int) -> Row:
    low, high = ends
    return dict(zip(COLUMNS, (measure, of, estimate, low, high, better, images), strict=True))
