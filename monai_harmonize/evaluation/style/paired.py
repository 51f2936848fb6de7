"""Means over patients who were seen in several looks, with resamples that keep together what belongs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.evaluation.resampling import bootstrap_weights, percentile_interval

__all__ = ["PatientDraws", "with_ends"]

Array = NDArray[np.float64]


class PatientDraws:
    """How often each patient is drawn in each bootstrap resample, the same for all looks, networks and scores.

    A patient who was seen in two looks is drawn in both alike, so that their difference is paired; patients of one look
    only are drawn among themselves, so that no resample of a look is empty.

    Args:
        patients: by look, patients of whom there are images.
        resamples: number of resamples.
        seed: of the draws.
    """

    def __init__(self, patients: Mapping[str, Sequence[str]], resamples: int = 2000, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        looks_of: dict[str, list[str]] = {}
        for look, names in patients.items():
            for name in sorted(set(names)):
                looks_of.setdefault(name, []).append(look)
        strata: dict[tuple[str, ...], list[str]] = {}
        for name in sorted(looks_of):
            strata.setdefault(tuple(looks_of[name]), []).append(name)
        self.counts: dict[str, Array] = {}
        for names in strata.values():
            drawn = len(names) * bootstrap_weights(names, resamples, rng).T
            # Entry 0 is the data itself.
            rows = np.hstack([np.ones((len(names), 1)), drawn])
            self.counts.update(zip(names, rows, strict=True))

    def means(self, patients: Sequence[str], values: Sequence[float] | Array) -> Array:
        """Mean of values of images, NaN left out: ``(1 + resamples,)``, of the data first; NaN without any value."""
        scores = np.asarray(values, dtype=np.float64)
        known = ~np.isnan(scores)
        if not known.any():
            return np.full(len(next(iter(self.counts.values()))), np.nan)
        weights = np.stack([self.counts[name] for name, use in zip(patients, known, strict=True) if use])
        total = weights.sum(axis=0)
        # A resample without a patient who has a score tells nothing.
        return np.asarray(np.where(total > 0, (scores[known] @ weights) / np.maximum(total, 1), np.nan))


def with_ends(name: str, means: Array) -> dict[str, float]:
    """Estimate and 95 % interval as columns ``name``, ``<name>_low`` and ``<name>_high``."""
    estimate, resampled = float(means[0]), means[1:][~np.isnan(means[1:])]
    if np.isnan(estimate) or not len(resampled):
        return {name: estimate, f"{name}_low": np.nan, f"{name}_high": np.nan}
    low, high = percentile_interval(resampled, estimate)
    return {name: estimate, f"{name}_low": low, f"{name}_high": high}
