"""The score above which an image is called ill, and how often that is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_curve
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["OperatingPoint", "OperatingThresholdMetric", "best_threshold", "operating_point"]


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold does to a set of images; NaN where a class is missing.

    Attributes:
        sensitivity: share of the ill that lie above the threshold.
        specificity: share of the others that do not.
    """

    sensitivity: float
    specificity: float


def best_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """Score above which an image is called ill: the largest sum of sensitivity and specificity (Youden 1950).

    Half way to the next lower score, so that the images on which it was chosen do not lie on it.

    Args:
        labels: 0 or 1, ``(N,)``, both present.
        scores: higher is more ill, ``(N,)``.

    Raises:
        InputError: a score is NaN.
    """
    found = numbers(scores)
    false_alarms, hits, thresholds = roc_curve(np.asarray(labels), found, drop_intermediate=False)
    threshold = float(thresholds[1:][np.argmax((hits - false_alarms)[1:])])
    lower = found[found < threshold]
    return threshold if lower.size == 0 else (threshold + float(lower.max())) / 2


def operating_point(labels: ArrayLike, scores: ArrayLike, threshold: float) -> OperatingPoint:
    """Sensitivity and specificity of "ill if the score is at least the threshold"; arguments as ``best_threshold``."""
    ill, called = np.asarray(labels) == 1, numbers(scores) >= threshold
    sensitivity, specificity = (
        float(right[group].mean()) if group.any() else float("nan") for right, group in ((called, ill), (~called, ~ill))
    )
    return OperatingPoint(sensitivity, specificity)


def numbers(scores: ArrayLike) -> NDArray[np.float64]:
    """Scores as an array; NaN is on no side of a threshold and would pass for healthy."""
    found = np.asarray(scores, dtype=np.float64)
    if np.isnan(found).any():
        raise InputError(f"{int(np.isnan(found).sum())} of {found.size} scores are NaN; expected numbers.")
    return found


class OperatingThresholdMetric(CumulativeIterationMetric):
    """``best_threshold`` of all predictions of a run of an evaluator, gathered from all processes.

    Called with probabilities and labels, batch-first tensors of shape ``(B, 1)`` or lists of ``(1,)``.
    """

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return y_pred, y

    def aggregate(self) -> Tensor:
        """Threshold as a scalar tensor; NaN where a class is missing, as MONAI's AUC, or a score is NaN."""
        scores, labels = (values.cpu().double().numpy().reshape(-1) for values in self.get_buffer())
        known = len(np.unique(labels)) == 2 and not np.isnan(scores).any()
        return torch.tensor(best_threshold(labels, scores) if known else float("nan"), dtype=torch.float64)
