"""Histogram matching to a site as a whole."""

from __future__ import annotations

import numpy as np
from monai.config import KeysCollection

from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.channelwise import Channelwised, Reference, site_reference
from monai_harmonize.transforms.level_curve import Curve, LevelCurve, polyline

__all__ = ["MatchMeanCdf", "MatchMeanCdfD", "MatchMeanCdfDict", "MatchMeanCdfd"]


class MatchMeanCdf(LevelCurve):
    """Carry every image's cumulative histogram onto the mean one of a site.

    All images then have the same histogram: what made one brighter than another, disease included, is gone.

    Args:
        reference: the site's, or its file.
        dtype: see ``Channelwise``.
    """

    def __init__(self, reference: Reference, dtype: str | None = None) -> None:
        super().__init__(dtype)
        self.reference = site_reference(reference)

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Curve through all levels of a channel."""
        target = self.reference.channel(*channel).mean_cdf
        shares = np.linspace(0.0, 1.0, len(target))
        return polyline(counts.levels, polyline(shares, target)(counts.shares))


class MatchMeanCdfd(Channelwised):
    """Dictionary version of ``MatchMeanCdf``.

    Args:
        keys: images to match.
        reference: see ``MatchMeanCdf``.
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
        super().__init__(keys, MatchMeanCdf(reference, dtype), mask_key, allow_missing_keys)


MatchMeanCdfD = MatchMeanCdfDict = MatchMeanCdfd
