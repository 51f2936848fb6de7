"""Whether a probability means what it says."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from monai_harmonize.data.errors import InputError

__all__ = ["expected_calibration_error"]

BINNINGS = ("width", "mass")


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = 15, equal: str = "width"
) -> float:
    """Mean distance of the predicted from the observed share of positives, over bins of the prediction.

    Naeini, Cooper, Hauskrecht, AAAI 2015; in its binary form: within a bin, the mean probability against the share
    of label 1, weighted by the number of images.

    Args:
        labels: 0 or 1, ``(N,)``.
        probabilities: of label 1, ``(N,)``, in [0, 1].
        bins: number of bins, at least 1.
        equal: bins of equal ``"width"`` in [0, 1], or of equal ``"mass"``, as many images in each as can be.

    Returns:
        In [0, 1]; 0 is calibrated.

    Raises:
        InputError: no image, lengths that differ, a label other than 0 and 1, a probability outside [0, 1] or an option
            outside the above.
    """
    predicted, observed = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if equal not in BINNINGS or bins < 1:
        raise InputError(f"bins and equal are {bins} and {equal!r}; expected at least 1 and one of {BINNINGS}.")
    if predicted.shape != observed.shape or predicted.size == 0:
        raise InputError(f"labels have the shape {observed.shape} and probabilities {predicted.shape}; expected equal.")
    if not np.isin(observed, (0, 1)).all():
        raise InputError(f"labels are {np.unique(observed)}; expected 0 and 1.")
    if not ((predicted >= 0) & (predicted <= 1)).all():
        raise InputError("a probability is NaN or outside [0, 1].")
    if equal == "width":
        place = np.minimum((predicted * bins).astype(int), bins - 1)
    else:
        # Equal probabilities share a bin: the rank is that of the first among them.
        ranks = np.searchsorted(np.sort(predicted), predicted)
        place = ranks * bins // predicted.size
    gaps = np.bincount(place, weights=predicted - observed, minlength=bins)
    return float(np.abs(gaps).sum() / predicted.size)
