"""Area under the ROC curve in many resamples at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["weighted_auc"]

Array = NDArray[np.float64]


def weighted_auc(labels: NDArray[np.int64], scores: Array, weights: Array) -> Array:
    """Area under the ROC curve in every resample: the share of pairs in the right order, ties half.

    Args:
        labels: 0 or 1, ``(N,)``.
        scores: ``(N,)``.
        weights: of the images in each resample, ``(R, N)``.

    Returns:
        ``(R,)``.
    """
    ill, well = labels == 1, labels == 0
    order = (np.sign(scores[ill][:, None] - scores[well]) + 1) / 2
    pairs = weights[:, ill].sum(axis=1) * weights[:, well].sum(axis=1)
    found: Array = ((weights[:, ill] @ order) * weights[:, well]).sum(axis=1) / pairs
    return found
