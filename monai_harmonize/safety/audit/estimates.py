"""Numbers with their uncertainty: rates over patients and medians, each with a 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, bootstrap

__all__ = ["Median", "Rate", "median_of", "rate_of"]


@dataclass(frozen=True)
class Rate:
    """Share of patients to whom something happened.

    Args:
        count: patients affected.
        total: patients judged.
        low: lower end of the exact 95 % interval (Clopper and Pearson, Biometrika 1934).
        high: upper end.
    """

    count: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Estimate; 0 where no patient could be judged."""
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True)
class Median:
    """Median over patients.

    Args:
        estimate: of the patients at hand.
        low: lower end of the 95 % percentile bootstrap interval over patients.
        high: upper end.
    """

    estimate: float
    low: float
    high: float


def rate_of(count: int, total: int) -> Rate:
    """Rate with its interval; (0, 1) where there is no patient."""
    if total == 0:
        return Rate(0, 0, 0.0, 1.0)
    interval = binomtest(count, total).proportion_ci(method="exact")
    return Rate(count, total, float(interval.low), float(interval.high))


def median_of(values: Sequence[float], *, resamples: int = 2000, seed: int = 0) -> Median | None:
    """Median with its interval, a single point for one value; ``None`` without values."""
    if not values:
        return None
    array = np.asarray(values, np.float64)
    estimate = float(np.median(array))
    if len(array) < 2 or np.ptp(array) == 0:
        return Median(estimate, estimate, estimate)
    rng = np.random.default_rng(seed)
    found = bootstrap((array,), np.median, n_resamples=resamples, method="percentile", random_state=rng)
    return Median(estimate, float(found.confidence_interval.low), float(found.confidence_interval.high))
