"""Whether a probability means what it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["expected_calibration_error"]


def expected_calibration_error(
    labels: Sequence[int] | NDArray[np.int64],
    probabilities: Sequence[float] | NDArray[np.floating],
    bins: int = 15,
) -> float:
    """Mean gap between the probability of the finding and how often it is there, over bins of equal width.

    Bins weigh by their number of images (Naeini et al., AAAI 2015; here for the probability of class 1).

    Args:
        labels: 0 or 1, ``(N,)``.
        probabilities: of label 1, ``(N,)``, in [0, 1].
        bins: number of bins; 1 belongs to the last.

    Returns:
        In [0, 1]; 0 where every bin keeps its word.

    Raises:
        ValueError: no image, lengths differ, a label other than 0 and 1, a probability outside [0, 1], no bin.
    """
    truth, said = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if truth.shape != said.shape or truth.ndim != 1 or truth.size == 0:
        raise ValueError(f"labels of shape {truth.shape} and probabilities of shape {said.shape}; expected equal (N,)")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("labels are 0 and 1")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("a probability is NaN or outside [0, 1]")
    if bins < 1:
        raise ValueError(f"bins is {bins}; expected at least 1")
    place = np.minimum((said * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights=said - truth, minlength=bins)
    return float(np.abs(gaps).sum() / truth.size)
