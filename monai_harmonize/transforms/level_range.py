"""The range that a method fills: a site's, or two levels that the user gives."""

from __future__ import annotations

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.level_counts import LARGEST
from monai_harmonize.transforms.channelwise import Reference, site_reference

__all__ = ["LevelRange", "two_levels"]


def two_levels(given: Reference | tuple[float, float]) -> tuple[float, float] | None:
    """The two levels if it is these that were given, else ``None``.

    Raises:
        InputError: they do not increase, or lie beyond ``LARGEST``.
    """
    if not isinstance(given, tuple | list):
        return None
    if len(given) != 2 or not -LARGEST <= float(given[0]) < float(given[1]) <= LARGEST:
        raise InputError(f"levels are {given}; expected two that increase, at most {LARGEST:g} in size.")
    return float(given[0]), float(given[1])


class LevelRange:
    """Lowest and highest level of a result.

    Args:
        given: a site's reference or its file, whose lowest and highest level are taken; or the two levels.

    Raises:
        InputError: the two levels do not increase.
    """

    def __init__(self, given: Reference | tuple[float, float]) -> None:
        self.levels = two_levels(given)
        self.reference = None if isinstance(given, tuple | list) else site_reference(given)

    def of(self, channel: tuple[int, int]) -> tuple[float, float]:
        """Range of a channel, given by its place and how many there are."""
        if self.reference is None:
            return self.levels or (0.0, 1.0)
        levels = self.reference.channel(*channel).mean_cdf
        return levels[0], levels[-1]
