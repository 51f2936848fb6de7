"""When a number becomes an alarm: beyond its threshold for a while, and over when it is well back for as long."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["BEGINS", "ENDS", "Alarm", "Limit"]

BEGINS, ENDS = "begins", "ends"
# Part of the way from the threshold to the healthy value that a number must have come back.
RECOVERY = 0.2


@dataclass(frozen=True)
class Limit:
    """Where a statistic stops being healthy.

    Args:
        threshold: first value that is not.
        healthy: value without the symptom, which tells on which side of the threshold the healthy ones lie.
        logarithmic: whether ratios count, not differences.
    """

    threshold: float
    healthy: float
    logarithmic: bool = False

    def beyond(self, value: float) -> bool:
        """Whether a value is at the threshold or farther; NaN never is, infinity may be."""
        return value >= self.threshold if self.threshold > self.healthy else value <= self.threshold

    def recovered(self, value: float) -> bool:
        """Whether a value has come back a fifth of the way to the healthy one; NaN never has."""
        back: float
        if self.logarithmic:
            back = self.threshold * (self.healthy / self.threshold) ** RECOVERY
        else:
            back = self.threshold + RECOVERY * (self.healthy - self.threshold)
        return value <= back if self.threshold > self.healthy else value >= back


class Alarm:
    """One symptom of one network, with hysteresis in value and time.

    Args:
        limit: where the symptom begins.
        patience: reviews in a row that must agree before it begins, and before it is over.
    """

    def __init__(self, limit: Limit, patience: int) -> None:
        self.limit = limit
        self.patience = patience
        self.active = False
        self.count = 0

    def review(self, value: float) -> str | None:
        """Take the next value; NaN, which is no measurement, changes nothing.

        Returns:
            ``"begins"`` or ``"ends"`` at the review at which that is so, else ``None``.
        """
        if math.isnan(value):
            return None
        told = self.limit.recovered(value) if self.active else self.limit.beyond(value)
        self.count = self.count + 1 if told else 0
        if self.count < self.patience:
            return None
        self.active, self.count = not self.active, 0
        return BEGINS if self.active else ENDS
