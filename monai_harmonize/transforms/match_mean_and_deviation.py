"""Z-score: grey levels of a site's mean and standard deviation."""

from __future__ import annotations

from monai.config import KeysCollection

from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.channelwise import Channelwised, Reference, site_reference
from monai_harmonize.transforms.level_curve import Curve, LevelCurve, linear_curve

__all__ = ["MatchMeanAndDeviation", "MatchMeanAndDeviationD", "MatchMeanAndDeviationDict", "MatchMeanAndDeviationd"]


class MatchMeanAndDeviation(LevelCurve):
    """Bring the mean and the standard deviation of an image to those that a site's images have on average.

    Args:
        reference: the site's, or its file.
        dtype: see ``Channelwise``.
    """

    def __init__(self, reference: Reference, dtype: str | None = None) -> None:
        super().__init__(dtype)
        self.reference = site_reference(reference)

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Line of a channel."""
        target = self.reference.channel(*channel)
        slope = target.deviation / counts.deviation
        return linear_curve(slope, target.mean - slope * counts.mean)


class MatchMeanAndDeviationd(Channelwised):
    """Dictionary version of ``MatchMeanAndDeviation``.

    Args:
        keys: images to match.
        reference: see ``MatchMeanAndDeviation``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference: Reference,
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, MatchMeanAndDeviation(reference, dtype), mask_key, allow_missing_keys)


MatchMeanAndDeviationD = MatchMeanAndDeviationDict = MatchMeanAndDeviationd
