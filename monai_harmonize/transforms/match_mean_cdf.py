"""Histogram matching to a site as a whole."""

from __future__ import annotations

import numpy as np

from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.level_curve import Curve, matching_curve
from monai_harmonize.transforms.reference_curve import ReferenceCurve, ReferenceCurved

__all__ = ["MatchMeanCdf", "MatchMeanCdfD", "MatchMeanCdfDict", "MatchMeanCdfd"]


class MatchMeanCdf(ReferenceCurve):
    """Carry every image's cumulative histogram onto the mean one of a site.

    All images then have the same histogram: what made one brighter than another, disease included, is gone.

    Args:
        reference: the site's, or its file.
        dtype: see ``Channelwise``.
    """

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Curve through all levels of a channel."""
        target = self.reference.channel(*channel).mean_cdf
        return matching_curve(counts, np.linspace(0.0, 1.0, len(target)), target)


class MatchMeanCdfd(ReferenceCurved):
    """Dictionary version of ``MatchMeanCdf``.

    Args:
        keys: images to match.
        reference: see ``MatchMeanCdf``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    curve = MatchMeanCdf


MatchMeanCdfD = MatchMeanCdfDict = MatchMeanCdfd
