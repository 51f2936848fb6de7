"""An alarm on small distances whose rate of false alarms is known: a conformal test against distances of real images.

Source: Vovk, Gammerman, Shafer 2005, "Algorithmic learning in a random world". If a fresh real image's distance is
exchangeable with the n calibration distances, it is below the k-th smallest of them with a probability of at most
k / (n + 1), whatever their distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import betabinom

from monai_harmonize.data.errors import InputError

__all__ = ["Alarm", "calibrated_alarm", "smallest_rate"]

# A sample nearer than this share of the smallest calibration distance is called a copy, whatever the numbers.
COPY = 0.5


@dataclass(frozen=True)
class Alarm:
    """Which of N distances are too small.

    Args:
        p_value: share of calibration distances as small, counting the image itself, ``(N,)``, above 0.
        alarm: whether it is at most the rate, ``(N,)``.
        copy: whether the distance is below half of the smallest calibration distance, ``(N,)``; no rate is known of
            this, it serves where few calibration distances cannot tell one exact copy from chance.
        rate: false alarms per real image, k / (n + 1), at most the one that was asked for.
        threshold: distance below which there is an alarm.
        chance: probability of so many alarms or more among N independent real images.
    """

    p_value: NDArray[np.float64]
    alarm: NDArray[np.bool_]
    copy: NDArray[np.bool_]
    rate: float
    threshold: float
    chance: float


def smallest_rate(calibrations: int) -> float:
    """Smallest rate of false alarms that so many calibration distances can state."""
    return 1 / (calibrations + 1)


def calibrated_alarm(distance: ArrayLike, calibration: ArrayLike, false_alarm_rate: float = 0.01) -> Alarm:
    """Distances that are smaller than those of real images.

    Args:
        distance: of N samples, at least 0.
        calibration: of n real images by the same procedure, at least 0.
        false_alarm_rate: of single real images, above 0 and below 1.

    Raises:
        InputError: a distance is negative, NaN or infinite, the rate is not in (0, 1), or there are too few calibration
            distances for it.
    """
    found, known = (np.asarray(values, dtype=np.float64) for values in (distance, calibration))
    if found.ndim != 1 or known.ndim != 1 or not all((np.isfinite(x) & (x >= 0)).all() for x in (found, known)):
        raise InputError("distances are no numbers of 0 or more; expected one per image.")
    if not 0 < false_alarm_rate < 1:
        raise InputError(f"false_alarm_rate is {false_alarm_rate}; expected a share between 0 and 1.")
    # A whole number that rounding puts a little below itself.
    enough, rank = int(np.ceil(1 / false_alarm_rate - 1 - 1e-9)), int(false_alarm_rate * (len(known) + 1) + 1e-9)
    if rank < 1:
        raise InputError(
            f"{len(known)} real images cannot calibrate a false_alarm_rate of {false_alarm_rate:g}; give "
            f"{enough} or more of them, or a rate of {smallest_rate(len(known)):.3g} or more."
        )
    ordered = np.sort(known)
    p_value = (1 + np.searchsorted(ordered, found, side="right")) / (len(known) + 1)
    alarm = found < ordered[rank - 1]
    # All N share the calibration, so that the number of false alarms is not binomial.
    chance = float(betabinom.sf(int(alarm.sum()) - 1, len(found), rank, len(known) + 1 - rank))
    return Alarm(
        p_value=p_value,
        alarm=alarm,
        copy=found < COPY * ordered[0],
        rate=rank / (len(known) + 1),
        threshold=float(ordered[rank - 1]),
        chance=chance,
    )
