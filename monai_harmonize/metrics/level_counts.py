"""How often every grey level of an image occurs: exact, no bins, for whole numbers without sorting.

Whole numbers within 16 bits, signed or not, as integers or as floats, are counted in pieces that stay in a processor's
cache, some twenty times as fast as sorting them. Everything else is sorted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_harmonize.data.errors import InputError

__all__ = [
    "CHUNK",
    "LARGEST",
    "LOWEST",
    "TABULATED",
    "LevelCounts",
    "in_memory_order",
    "level_counts",
    "places_of",
    "refuse_extremes",
]

# Stored values of radiographs and HU of CT: what one table can hold.
LOWEST, HIGHEST = -(2**15), 2**16 - 1
TABULATED = np.arange(LOWEST, HIGHEST + 1, dtype=np.float64)
# Beyond it float64 does not tell whole numbers apart and float32 loses squares; no image has such levels.
LARGEST = 1e15
# Levels that lie closer together are one: differences of float64 that have no reciprocal.
CLOSEST = 1e-30
# Pixels at a time, 2 MB of places.
CHUNK = 2**18
# Slack for the rounding of cumulated shares.
ROUNDING = 1e-12


@dataclass(frozen=True)
class LevelCounts:
    """Grey levels of an image and how many of its pixels have them.

    Args:
        levels: increasing, ``(L,)``.
        counts: above 0, ``(L,)``.
    """

    levels: NDArray[np.float64]
    counts: NDArray[np.int64]

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of pixels at or below each level, ``(L,)``; the last is 1."""
        cumulated = np.cumsum(self.counts)
        shares: NDArray[np.float64] = cumulated / cumulated[-1]
        return shares

    @property
    def has_tone(self) -> bool:
        """Whether there are two levels at least, apart from each other."""
        return self.levels.size > 1 and bool(self.levels[-1] - self.levels[0] > CLOSEST)

    def quantiles(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Lowest level at or below which a share of the pixels lies: one that the image has."""
        place = np.searchsorted(self.shares, np.asarray(shares, dtype=np.float64) - ROUNDING)
        levels: NDArray[np.float64] = self.levels[np.minimum(place, self.levels.size - 1)]
        return levels

    def percentiles(self, percentiles: ArrayLike) -> NDArray[np.float64]:
        """What ``numpy.percentile`` gives for the pixels, interpolated between neighbours by rank."""
        cumulated = np.cumsum(self.counts)
        place = np.asarray(percentiles, dtype=np.float64) / 100 * (cumulated[-1] - 1)
        lower = np.floor(place)
        levels = [
            self.levels[np.minimum(np.searchsorted(cumulated, rank, side="right"), self.levels.size - 1)]
            for rank in (lower, lower + 1)
        ]
        between: NDArray[np.float64] = levels[0] + (place - lower) * (levels[1] - levels[0])
        return between

    @cached_property
    def mean(self) -> float:
        """Mean grey level of the pixels."""
        return float(np.average(self.levels, weights=self.counts))

    @cached_property
    def deviation(self) -> float:
        """Standard deviation of the pixels."""
        return float(np.sqrt(np.average((self.levels - self.mean) ** 2, weights=self.counts)))


def level_counts(image: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> LevelCounts:
    """Count the grey levels of an image.

    Args:
        image: any shape, integer, boolean or floating point. Pixels that are NaN or infinite do not count.
        mask: pixels that count, same shape; all by default.

    Returns:
        Without levels where no pixel counts.

    Raises:
        ValueError: the mask has another shape.
        InputError: a level beyond ``LARGEST``.
    """
    if mask is not None and mask.shape != image.shape:
        raise ValueError(f"mask of shape {mask.shape} for an image of shape {image.shape}; expected the same")
    pixels = in_memory_order(image) if mask is None else image[mask]
    counted = np.zeros(TABULATED.size, dtype=np.int64)
    for start in range(0, pixels.size, CHUNK):
        places = places_of(pixels[start : start + CHUNK])
        if places is None:
            return sorted_counts(pixels)
        counted += np.bincount(places, minlength=TABULATED.size)
    (present,) = np.nonzero(counted)
    return LevelCounts(TABULATED[present], counted[present])


def sorted_counts(pixels: NDArray[Any]) -> LevelCounts:
    """Counts of any numbers."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    levels, counts = np.unique(finite, return_counts=True)
    refuse_extremes(levels[[0, -1]] if levels.size else levels)
    return LevelCounts(levels.astype(np.float64), counts.astype(np.int64))


def refuse_extremes(levels: NDArray[Any]) -> None:
    """Raise ``InputError`` for grey levels with which no method can compute; NaN and infinity are none."""
    exact = levels.astype(np.float64)
    extreme = exact[np.isfinite(exact) & (np.abs(exact) > LARGEST)]
    if extreme.size:
        raise InputError(
            f"a grey level is {extreme[0]:g}; expected at most {LARGEST:g} in size. The image is damaged, or holds a "
            "mark for missing pixels: replace it, by NaN for example."
        )


def in_memory_order(array: NDArray[Any]) -> NDArray[Any]:
    """Elements as they lie in memory, ``(N,)``; a view where they lie densely."""
    flat: NDArray[Any] = array.ravel(order="K")
    return flat


def places_of(pixels: NDArray[Any]) -> NDArray[np.intp] | None:
    """Place of each pixel in ``TABULATED``; ``None`` unless all are whole numbers that it holds."""
    fits = pixels.dtype.kind in "biu" and pixels.dtype.itemsize <= 2
    # NaN is neither above nor below.
    if not fits and not (pixels.min() >= LOWEST and pixels.max() <= HIGHEST):
        return None
    places = pixels.astype(np.intp)
    if pixels.dtype.kind == "f" and not np.array_equal(places, pixels):
        return None
    places -= LOWEST
    return places
