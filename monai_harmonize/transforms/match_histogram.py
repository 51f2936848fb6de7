"""Histogram matching to one template image, exact."""

from __future__ import annotations

from typing import Any

from monai.config import KeysCollection

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.level_counts import LevelCounts, level_counts
from monai_harmonize.transforms.channelwise import Channelwised, numbers_of
from monai_harmonize.transforms.level_curve import Curve, LevelCurve, matching_curve

__all__ = ["MatchHistogram", "MatchHistogramD", "MatchHistogramDict", "MatchHistogramd"]


class MatchHistogram(LevelCurve):
    """Carry an image's cumulative histogram onto that of a template.

    The traditional method of Lee et al. (Human-centric Computing and Information Sciences 10:17, 2020): level x
    becomes the level y at which the template's share of pixels is the image's at x, G(x) = H(y); between two levels of
    the template it is interpolated. With ``dtype="float64"`` the values are those of
    ``skimage.exposure.match_histograms``, channel by channel, but for images of one grey level, which stay.

    Args:
        template: ``(C, ...)``, array or tensor of any size; one channel serves all.
        dtype: see ``Channelwise``.

    Raises:
        InputError: a channel of the template holds no finite number; at the call, the numbers of channels differ.
    """

    def __init__(self, template: Any, dtype: str | None = None) -> None:
        super().__init__(dtype)
        self.templates = [level_counts(plane) for plane in numbers_of(template)]
        if not all(counts.levels.size for counts in self.templates):
            raise InputError("a channel of the template holds no finite number; choose another template.")

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Curve through all levels of a channel."""
        if len(self.templates) not in (1, channel[1]):
            raise InputError(f"the image has {channel[1]} channels, the template {len(self.templates)}.")
        template = self.templates[channel[0] if len(self.templates) > 1 else 0]
        return matching_curve(counts, template.shares, template.levels)


class MatchHistogramd(Channelwised):
    """Dictionary version of ``MatchHistogram``.

    Args:
        keys: images to match.
        template: see ``MatchHistogram``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        template: Any,
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, MatchHistogram(template, dtype), mask_key, allow_missing_keys)


MatchHistogramD = MatchHistogramDict = MatchHistogramd
