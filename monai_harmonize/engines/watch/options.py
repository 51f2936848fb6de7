"""What a bundle's configuration says about its watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from monai_harmonize.data.errors import InputError

__all__ = ["WatchOptions"]


@dataclass(frozen=True)
class WatchOptions:
    """How often is looked, and how long a symptom must last.

    Args:
        every: iterations between two looks.
        looks: looks that make a review.
        patience: reviews in a row that must agree before a symptom begins, and before it is over.
        warm_up: reviews at the beginning that only measure.
        history: reviews that a loss's trend is looked for in, at least four.
        thresholds: by symptom, those that replace the default.

    Raises:
        InputError: a number that is too small or none.
    """

    every: int = 5
    looks: int = 20
    patience: int = 3
    warm_up: int = 2
    history: int = 6
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in {"every": 1, "looks": 3, "patience": 1, "warm_up": 0, "history": 4}.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(f"watch#{name} is {value!r}; expected a whole number of {least} or more.")
        if not isinstance(self.thresholds, Mapping):
            raise InputError(f"watch#thresholds is {self.thresholds!r}; expected numbers by symptom.")

    @classmethod
    def checked(cls, options: Mapping[str, Any]) -> WatchOptions:
        """Options of a configuration.

        Raises:
            InputError: an unknown name; the message lists the valid ones.
        """
        names = [one.name for one in fields(cls)]
        unknown = sorted(set(options) - set(names))
        if unknown:
            raise InputError(f"watch has {unknown}; expected some of {names}, or null for no watch.")
        return cls(**options)
