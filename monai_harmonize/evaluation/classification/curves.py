"""ROC curves, averaged over seeds so that the area under the drawn curve is the mean area of the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from monai_harmonize.evaluation.classification.scores import Scores, ScoreSet

__all__ = ["mean_curve", "roc_table"]

Array = NDArray[np.float64]


def mean_curve(scores: Scores) -> tuple[Array, Array]:
    """Mean sensitivity of the seeds at every false positive rate that occurs; jumps are kept as vertical pieces.

    Returns:
        False positive rates and sensitivities, both `(points,)`, from 0 to 1.
    """
    curves = [roc_curve(scores.labels, one, drop_intermediate=False)[:2] for one in scores.probabilities]
    rates = np.unique(np.concatenate([false for false, _ in curves]))
    low = np.mean([_limit(false, true, rates, "left") for false, true in curves], axis=0)
    high = np.mean([_limit(false, true, rates, "right") for false, true in curves], axis=0)
    return np.repeat(rates, 2), np.stack([low, high], axis=1).ravel()


def _limit(false: Array, true: Array, rates: Array, side: str) -> Array:
    """Sensitivity just before (left) or after (right) a false positive rate, linear between a curve's points."""
    between = np.interp(rates, false, true)
    exact = np.isin(rates, false)
    places = np.searchsorted(false, rates[exact], side="left")
    if side == "right":
        places = np.searchsorted(false, rates[exact], side="right") - 1
    between[exact] = true[places]
    return between


def roc_table(scores: ScoreSet) -> pd.DataFrame:
    """Points of all mean curves, columns `method`, `false_positive_rate`, `sensitivity`."""
    parts = []
    for name, found in scores.all.items():
        false, true = mean_curve(found)
        parts.append(pd.DataFrame({"method": name, "false_positive_rate": false, "sensitivity": true}))
    return pd.concat(parts, ignore_index=True)
