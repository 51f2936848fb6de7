"""CLAHE: equalisation in tiles with limited slope, of scikit-image."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.config import KeysCollection
from numpy.typing import NDArray
from skimage.exposure import equalize_adapthist

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.transforms.channelwise import (
    Channelwise,
    Channelwised,
    Reference,
    finite_region,
    keep_not_finite,
    of_type,
)
from monai_harmonize.transforms.level_range import LevelRange

__all__ = ["EqualiseLocally", "EqualiseLocallyD", "EqualiseLocallyDict", "EqualiseLocallyd"]

# A histogram needs some pixels per bin, or its limit means nothing.
PIXELS_PER_BIN = 16
FEWEST_BINS, MOST_BINS = 64, 4096


class EqualiseLocally(Channelwise):
    """Contrast-limited adaptive histogram equalisation (``skimage.exposure.equalize_adapthist``).

    It is local: neither the order of grey levels nor their number is kept. The number of bins follows from the size of
    the tiles, 64 to 4096, and the limit is told as a slope, so that it means the same at every size.

    Args:
        reference: the site's, or its file, whose lowest and highest level make the range; or the two levels.
        tiles: along every axis of the image.
        steepest: slope of a tile's curve that is not exceeded, the range being 1 wide; scikit-image's default of 0.01
            with 256 bins is 2.56.
        dtype: see ``Channelwise``. Within a mask only the range of the levels is measured.

    Raises:
        InputError: no tiles, or a limit of 1 or less, which no curve over the whole range keeps.
    """

    def __init__(
        self,
        reference: Reference | tuple[float, float],
        tiles: int = 8,
        steepest: float = 2.56,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype)
        if tiles < 1 or not steepest > 1:
            raise InputError(f"tiles is {tiles}, steepest {steepest:g}; expected at least 1 and above 1.")
        self.range = LevelRange(reference)
        self.tiles = tiles
        self.steepest = steepest

    def harmonize(
        self,
        plane: NDArray[Any],
        inside: NDArray[np.bool_] | None,
        counts: LevelCounts,
        channel: tuple[int, int],
        result: NDArray[Any],
    ) -> None:
        """Equalise one channel."""
        first, last = float(counts.levels[0]), float(counts.levels[-1])
        pixels, _ = finite_region(plane, inside, first)
        tile = [max(1, length // self.tiles) for length in plane.shape]
        bins = 2 ** int(np.log2(np.clip(np.prod(tile) / PIXELS_PER_BIN, FEWEST_BINS, MOST_BINS)))
        unit = np.clip((pixels - first) / (last - first), 0.0, 1.0)
        equalised = equalize_adapthist(unit, tile, clip_limit=self.steepest / bins, nbins=bins)
        low, high = self.range.of(channel)
        result[...] = of_type(low + (high - low) * equalised, result.dtype)
        keep_not_finite(plane, result)


class EqualiseLocallyd(Channelwised):
    """Dictionary version of ``EqualiseLocally``.

    Args:
        keys: images to equalise.
        reference: see ``EqualiseLocally``.
        tiles: see ``EqualiseLocally``.
        steepest: see ``EqualiseLocally``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        reference: Reference | tuple[float, float],
        tiles: int = 8,
        steepest: float = 2.56,
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, EqualiseLocally(reference, tiles, steepest, dtype), mask_key, allow_missing_keys)


EqualiseLocallyD = EqualiseLocallyDict = EqualiseLocallyd
