"""Histogram matching to a random image of a site, another for every image."""

from __future__ import annotations

import zlib

import numpy as np
from monai.config import KeysCollection

from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.channelwise import Channelwised, Reference, site_reference
from monai_harmonize.transforms.level_curve import Curve, LevelCurve, matching_curve

__all__ = ["MatchRandomImage", "MatchRandomImageD", "MatchRandomImageDict", "MatchRandomImaged"]


class MatchRandomImage(LevelCurve):
    """Carry every image's cumulative histogram onto that of an image of the site, drawn at random.

    The traditional method as Lee et al. (Human-centric Computing and Information Sciences 10:17, 2020) compare with
    it. The draw follows from the seed and the image's own histogram, so that an image gets the same template in
    whatever order images come and in however many processes.

    Args:
        reference: the site's, or its file; it keeps some of its images' distributions.
        seed: of the draws.
        dtype: see ``Channelwise``.
    """

    def __init__(self, reference: Reference, seed: int = 0, dtype: str | None = None) -> None:
        super().__init__(dtype)
        self.reference = site_reference(reference)
        self.seed = seed

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Curve through all levels of a channel."""
        templates = self.reference.channel(*channel).templates
        target = templates[self.drawn(counts, len(templates))]
        return matching_curve(counts, np.linspace(0.0, 1.0, len(target)), target)

    def drawn(self, counts: LevelCounts, templates: int) -> int:
        """Which template an image gets."""
        content = zlib.crc32(counts.counts.tobytes(), zlib.crc32(counts.levels.tobytes()))
        return int(np.random.default_rng([self.seed, content]).integers(templates))


class MatchRandomImaged(Channelwised):
    """Dictionary version of ``MatchRandomImage``.

    Args:
        keys: images to match.
        reference: see ``MatchRandomImage``.
        seed: see ``MatchRandomImage``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference: Reference,
        seed: int = 0,
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, MatchRandomImage(reference, seed, dtype), mask_key, allow_missing_keys)


MatchRandomImageD = MatchRandomImageDict = MatchRandomImaged
