"""Z-score: grey levels of a site's mean and standard deviation."""

from __future__ import annotations

from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.level_curve import Curve, linear_curve
from monai_harmonize.transforms.reference_curve import ReferenceCurve, ReferenceCurved

__all__ = ["MatchMeanAndDeviation", "MatchMeanAndDeviationD", "MatchMeanAndDeviationDict", "MatchMeanAndDeviationd"]


class MatchMeanAndDeviation(ReferenceCurve):
    """Bring the mean and the standard deviation of an image to those that a site's images have on average.

    Args:
        reference: the site's, or its file.
        dtype: see ``Channelwise``.
    """

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Line of a channel."""
        target = self.reference.channel(*channel)
        slope = target.deviation / counts.deviation
        return linear_curve(slope, target.mean - slope * counts.mean)


class MatchMeanAndDeviationd(ReferenceCurved):
    """Dictionary version of ``MatchMeanAndDeviation``.

    Args:
        keys: images to match.
        reference: see ``MatchMeanAndDeviation``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    curve = MatchMeanAndDeviation


MatchMeanAndDeviationD = MatchMeanAndDeviationDict = MatchMeanAndDeviationd
