"""Histogram equalisation, exact."""

from __future__ import annotations

from monai.config import KeysCollection

from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.channelwise import Channelwised, Reference
from monai_harmonize.transforms.level_curve import Curve, LevelCurve, polyline
from monai_harmonize.transforms.level_range import LevelRange

__all__ = ["EqualiseHistogram", "EqualiseHistogramD", "EqualiseHistogramDict", "EqualiseHistogramd"]


class EqualiseHistogram(LevelCurve):
    """Give every grey level of an image the same share of the range.

    ``skimage.exposure.equalize_hist`` and MONAI's ``HistogramNormalize`` count in 256 bins; here every level counts.
    The darkest level becomes the low end, the brightest the high one.

    Args:
        reference: the site's, or its file, whose lowest and highest level make the range; or the two levels.
        dtype: see ``Channelwise``.
    """

    def __init__(self, reference: Reference | tuple[float, float], dtype: str | None = None) -> None:
        super().__init__(dtype)
        self.range = LevelRange(reference)

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Curve through all levels of a channel."""
        low, high = self.range.of(channel)
        first = counts.shares[0]
        return polyline(counts.levels, low + (high - low) * (counts.shares - first) / (1.0 - first))


class EqualiseHistogramd(Channelwised):
    """Dictionary version of ``EqualiseHistogram``.

    Args:
        keys: images to equalise.
        reference: see ``EqualiseHistogram``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference: Reference | tuple[float, float],
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, EqualiseHistogram(reference, dtype), mask_key, allow_missing_keys)


EqualiseHistogramD = EqualiseHistogramDict = EqualiseHistogramd
