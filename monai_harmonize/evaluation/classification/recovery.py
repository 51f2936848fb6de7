"""Areas of one direction with intervals by patient, what the change of site costs and what a method brings back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.evaluation.classification.scores import Scores, ScoreSet
from monai_harmonize.evaluation.classification.significance import MEAN_OF_SEEDS, auc_tests
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW
from monai_harmonize.evaluation.resampling import percentile_interval, stratified_bootstrap_weights
from monai_harmonize.metrics.calibration import expected_calibration_error
from monai_harmonize.metrics.weighted_auc import weighted_auc

__all__ = ["area_rows"]

Array = NDArray[np.float64]


def area_rows(scores: ScoreSet, *, seed: int = 0, resamples: int = 2000) -> list[dict[str, Any]]:
    """A row of Table 2 for own, raw and every method.

    Intervals come from resamples of patients, stratified by class; classifiers stay as they were trained, so that what
    another training would give shows in `auc_sd`, the standard deviation over seeds. Raw and all methods share their
    resamples. The share of the loss recovered is (method - raw) / (own - raw); where the interval of the loss itself,
    own - raw, holds 0, no loss was shown and the share is NaN: it would divide by noise.

    Args:
        scores: of the direction.
        seed: of the bootstrap.
        resamples: number of resamples.

    Returns:
        By row: `method`, `auc`, `auc_sd`, `auc_low`, `auc_high`, `p_raw`, `p_raw_holm`, `p_own` (of the mean of the
        seeds' log odds), `loss`, `loss_low`, `loss_high` (own minus this), `recovered` with its ends, `sensitivity` and
        `specificity` at the classifier's threshold with their ends (NaN without one), `ece`, `images`, `positives`,
        `patients`, `seeds`.
    """
    rng = np.random.default_rng(seed)
    weights = {RAW: _weights(scores.others[RAW], resamples, rng), OWN: _weights(scores.own, resamples, rng)}
    of = {name: weights[OWN if name == OWN else RAW] for name in scores.all}
    # Row 0 is the data itself; mean over seeds.
    areas = {
        name: np.mean([weighted_auc(found.labels, one, of[name]) for one in found.probabilities], axis=0)
        for name, found in scores.all.items()
    }
    tests = auc_tests(scores)
    tests = tests[tests["scores"] == MEAN_OF_SEEDS].set_index(["first", "second"])
    rows = []
    for name, found in scores.all.items():
        single = [float(weighted_auc(found.labels, one, of[name][:1])[0]) for one in found.probabilities]
        row: dict[str, Any] = {
            "method": name,
            **_with_ends("auc", areas[name]),
            "auc_sd": float(np.std(single, ddof=1)) if len(single) > 1 else math.nan,
            "p_raw": _p_value(tests, name, RAW, "p_value"),
            "p_raw_holm": _p_value(tests, name, RAW, "p_holm"),
            "p_own": _p_value(tests, name, OWN, "p_value"),
            **_with_ends("loss", areas[OWN] - areas[name]),
            **_recovered(name, areas),
            **_rates(found, scores.thresholds, of[name]),
            "ece": float(np.mean([expected_calibration_error(found.labels, one) for one in found.probabilities])),
            "images": len(found.images),
            "positives": int(found.labels.sum()),
            "patients": len(set(found.patients)),
            "seeds": len(scores.seeds),
        }
        rows.append(row)
    return rows


def _weights(scores: Scores, resamples: int, rng: np.random.Generator) -> Array:
    drawn = stratified_bootstrap_weights(scores.patients, scores.labels, resamples, rng)
    return np.vstack([np.ones(len(scores.images)), drawn])


def _with_ends(name: str, values: Array) -> dict[str, float]:
    estimate = float(values[0])
    low, high = percentile_interval(values[1:], estimate)
    return {name: estimate, f"{name}_low": low, f"{name}_high": high}


def _p_value(tests: Any, first: str, second: str, column: str) -> float:
    return float(tests.loc[(first, second), column]) if (first, second) in tests.index else math.nan


def _recovered(name: str, areas: dict[str, Array]) -> dict[str, float]:
    loss = areas[OWN] - areas[RAW]
    low, _ = percentile_interval(loss[1:], float(loss[0]))
    if name in (OWN, RAW) or not (low > 0 or (math.isnan(low) and loss[0] > 0)):
        return {"recovered": math.nan, "recovered_low": math.nan, "recovered_high": math.nan}
    # At most 2.5 % of the resamples show no loss; they have no share and are left out.
    shown = loss > 0
    return _with_ends("recovered", (areas[name] - areas[RAW])[shown] / loss[shown])


def _rates(found: Scores, thresholds: Array | None, weights: Array) -> dict[str, float]:
    """Sensitivity and specificity, mean over seeds, with ends."""
    if thresholds is None:
        thresholds = np.full(len(found.probabilities), math.nan)
    right = found.probabilities >= thresholds[:, None]
    rates: dict[str, float] = {}
    for name, side, called in (("sensitivity", found.labels == 1, right), ("specificity", found.labels == 0, ~right)):
        share = weights[:, side] @ called[:, side].mean(axis=0) / weights[:, side].sum(axis=1)
        rates |= _with_ends(name, share if np.isfinite(thresholds).all() else np.full_like(share, math.nan))
    return rates
