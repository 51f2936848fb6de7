"""The grey levels between two percentiles onto a range."""

from __future__ import annotations

from monai.config import KeysCollection

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.channelwise import Channelwised, Reference, site_reference
from monai_harmonize.transforms.level_curve import Curve, LevelCurve, linear_curve, polyline
from monai_harmonize.transforms.level_range import two_levels

__all__ = ["PercentileWindow", "PercentileWindowD", "PercentileWindowDict", "PercentileWindowd"]


class PercentileWindow(LevelCurve):
    """Bring two percentiles of an image to those of a site by one straight line.

    Args:
        reference: the site's, or its file; or the two levels themselves, lower one first.
        percentiles: two of 1, 10, 20, ..., 90 and 99; with two levels, any two.
        clip: whether what lies beyond becomes the end of the window.
        dtype: see ``Channelwise``.

    Raises:
        InputError: the percentiles or the two levels do not increase; at the call, the site knows no such percentile.
    """

    def __init__(
        self,
        reference: Reference | tuple[float, float],
        percentiles: tuple[float, float] = (1.0, 99.0),
        clip: bool = True,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype)
        low, high = percentiles
        if not 0 <= low < high <= 100:
            raise InputError(f"percentiles are {low:g} and {high:g}; expected two that increase, within 0 and 100.")
        self.levels = two_levels(reference)
        self.reference = None if isinstance(reference, tuple | list) else site_reference(reference)
        self.percentiles = (float(low), float(high))
        self.clip = clip

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Line of a channel."""
        own = counts.percentiles(self.percentiles)
        target = self.window(channel)
        if not own[1] > own[0]:
            return linear_curve(1.0, sum(target) / 2 - float(own[0]))
        return polyline(own, target, extended=not self.clip)

    def window(self, channel: tuple[int, int]) -> tuple[float, float]:
        """Levels that the percentiles become."""
        if self.reference is None:
            return self.levels or (0.0, 1.0)
        found = self.reference.channel(*channel)
        return found.landmark(self.percentiles[0]), found.landmark(self.percentiles[1])


class PercentileWindowd(Channelwised):
    """Dictionary version of ``PercentileWindow``.

    Args:
        keys: images to window.
        reference: see ``PercentileWindow``.
        percentiles: see ``PercentileWindow``.
        clip: see ``PercentileWindow``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference: Reference | tuple[float, float],
        percentiles: tuple[float, float] = (1.0, 99.0),
        clip: bool = True,
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, PercentileWindow(reference, percentiles, clip, dtype), mask_key, allow_missing_keys)


PercentileWindowD = PercentileWindowDict = PercentileWindowd
