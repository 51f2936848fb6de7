"""How certain an area under the ROC curve is, and whether two of them differ: DeLong's nonparametric theory.

The area is the share of pairs (one image with the finding, one without) in the right order, ties counting half. Its
placement values, the share of the other class that one image lies beyond, have the area as their mean, and their
spread is its variance (DeLong, DeLong, Clarke-Pearson, Biometrics 1988). They follow from ranks in O(n log n): the
rank of an image among all images minus its rank within its class counts the other class below it (Sun and Xu, IEEE
Signal Processing Letters 2014). Several images of one patient are not independent; their placements are then summed by
patient (Obuchowski, Biometrics 1997), which is DeLong's variance again where every patient has one image.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, rankdata, t

__all__ = ["AucTest", "auc_interval", "delong_covariance", "paired_auc_test", "unpaired_auc_test"]

Array = NDArray[np.float64]
# Placements are means of some thousand shares; a variance below this is rounding.
NO_VARIANCE = 1e-15


@dataclass(frozen=True)
class AucTest:
    """A two-sided test of two areas.

    Args:
        difference: first area minus second.
        standard_error: of the difference.
        statistic: their ratio; 0 where the areas are equal without variance, infinite where they differ without.
        p_value: two-sided.
    """

    difference: float
    standard_error: float
    statistic: float
    p_value: float


def delong_covariance(
    labels: Sequence[int] | NDArray[np.int64],
    scores: Sequence[float] | NDArray[np.floating],
    groups: Sequence[Hashable] | None = None,
) -> tuple[Array, Array]:
    """Areas of several scores of the same images, and their covariance.

    Args:
        labels: 0 or 1, ``(N,)``.
        scores: ``(K, N)`` or ``(N,)``; more means more likely 1.
        groups: patients of the images, ``(N,)``; every image is a patient of its own by default.

    Returns:
        Areas ``(K,)`` and covariance ``(K, K)``.

    Raises:
        ValueError: fewer than two patients of a class, another label than 0 and 1, a score that is not finite, or
            lengths that differ.
    """
    ill, values = _checked(labels, scores)
    of_ill, of_well = _placements(values[:, ill], values[:, ~ill])
    areas: Array = of_ill.mean(axis=1)
    names = np.arange(len(ill)) if groups is None else np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]
    if len(names) != len(ill):
        raise ValueError(f"{len(names)} groups for {len(ill)} labels")
    patients = [len(np.unique(names[side])) for side in (ill, ~ill)]
    if min(patients) < 2:
        raise ValueError(f"a variance needs two patients of each class; there are {patients[0]} and {patients[1]}")
    every = int(names.max()) + 1
    # Sums of what a patient adds to the error of the area, as ill and as well.
    first, second = (
        _summed((part - areas[:, None]) / side.sum(), names[side], every)
        for part, side in ((of_ill, ill), (of_well, ~ill))
    )
    left, right = (count / (count - 1) for count in patients)
    mixed = first @ second.T * (every / (every - 1))
    covariance: Array = left * (first @ first.T) + right * (second @ second.T) + mixed + mixed.T
    return areas, covariance


def auc_interval(area: float, variance: float, *, level: float = 0.95, scale: str = "logit") -> tuple[float, float]:
    """Confidence interval of an area by the normal distribution.

    Args:
        area: the estimate.
        variance: of the estimate, see ``delong_covariance``.
        level: coverage.
        scale: ``"logit"`` forms the interval on the log odds of the area, so that it stays within 0 and 1 and covers
            better near the ends (Pepe 2003, section 5.2); ``"plain"`` on the area itself, cut at 0 and 1.

    Returns:
        Lower and upper end; NaN for an area of 0 or 1 or without variance, of which this theory says nothing.

    Raises:
        ValueError: unknown scale.
    """
    if scale not in ("logit", "plain"):
        raise ValueError(f"scale is {scale!r}; expected 'logit' or 'plain'")
    if not 0 < area < 1 or variance <= NO_VARIANCE:
        return float("nan"), float("nan")
    width = float(norm.ppf((1 + level) / 2)) * variance**0.5
    if scale == "plain":
        return max(area - width, 0.0), min(area + width, 1.0)
    width /= area * (1 - area)
    return float(expit(logit(area) - width)), float(expit(logit(area) + width))


def paired_auc_test(
    labels: Sequence[int] | NDArray[np.int64],
    first: Sequence[float] | NDArray[np.floating],
    second: Sequence[float] | NDArray[np.floating],
    groups: Sequence[Hashable] | None = None,
) -> AucTest:
    """Whether two scores of the same images have different areas.

    Args:
        labels: 0 or 1, ``(N,)``.
        first: scores ``(N,)``.
        second: scores ``(N,)``.
        groups: patients, see ``delong_covariance``.

    Raises:
        ValueError: see ``delong_covariance``.
    """
    areas, covariance = delong_covariance(
        labels, np.stack([np.asarray(first, float), np.asarray(second, float)]), groups
    )
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    return _tested(float(areas[0] - areas[1]), variance, lambda statistic: 2 * float(norm.sf(statistic)))


def unpaired_auc_test(first: tuple[float, float, int], second: tuple[float, float, int]) -> AucTest:
    """Whether the areas of two independent groups of patients differ.

    The statistic has Student's distribution with the degrees of freedom of Satterthwaite, as in Robin et al. (BMC
    Bioinformatics 2011).

    Args:
        first: area, variance and number of patients.
        second: the same of the other group.
    """
    (area, variance, count), (other, other_variance, other_count) = first, second
    total = variance + other_variance
    spread = variance**2 / (count - 1) + other_variance**2 / (other_count - 1)
    freedom = total**2 / spread if spread > 0 else np.inf
    return _tested(area - other, total, lambda statistic: 2 * float(t.sf(statistic, freedom)))


def _tested(difference: float, variance: float, p_value_of: Callable[[float], float]) -> AucTest:
    if variance <= NO_VARIANCE:
        equal = abs(difference) < 1e-12
        return AucTest(difference, 0.0, 0.0 if equal else float(np.copysign(np.inf, difference)), 1.0 if equal else 0.0)
    error = variance**0.5
    statistic = difference / error
    return AucTest(difference, error, statistic, min(p_value_of(abs(statistic)), 1.0))


def _placements(ill: Array, well: Array) -> tuple[Array, Array]:
    """Share of the other class that every image lies beyond, on its right side, ties half: ``(K, M), (K, N)``."""
    rows, columns = ill.shape[1], well.shape[1]
    among_all = rankdata(np.concatenate([ill, well], axis=1), axis=1)
    of_ill: Array = (among_all[:, :rows] - rankdata(ill, axis=1)) / columns
    of_well: Array = 1 - (among_all[:, rows:] - rankdata(well, axis=1)) / rows
    return of_ill, of_well


def _summed(values: Array, names: NDArray[np.int64], every: int) -> Array:
    """Sums by patient, ``(K, patients)``."""
    sums = np.zeros((len(values), every))
    np.add.at(sums.T, names, values.T)
    return sums


def _checked(
    labels: Sequence[int] | NDArray[np.int64], scores: Sequence[float] | NDArray[np.floating]
) -> tuple[NDArray[np.bool_], Array]:
    truth, values = np.asarray(labels), np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if truth.ndim != 1 or values.ndim != 2 or values.shape[1] != len(truth):
        raise ValueError(f"labels of shape {truth.shape} and scores of shape {values.shape}; expected (N,) and (K, N)")
    if others := sorted(set(truth.tolist()) - {0, 1}):
        raise ValueError(f"labels are 0 and 1; found {others[:3]}")
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} scores are NaN or infinite")
    ill = truth == 1
    if ill.all() or not ill.any():
        raise ValueError(f"all {len(truth)} labels are {int(ill.any())}; an area needs both classes")
    return ill, values
