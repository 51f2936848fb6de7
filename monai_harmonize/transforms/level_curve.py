"""Increasing curves of grey levels, one per image, from how often its levels occur."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_harmonize.metrics.level_counts import CHUNK, TABULATED, LevelCounts, in_memory_order, places_of
from monai_harmonize.transforms.channelwise import Channelwise, of_type

__all__ = ["Curve", "LevelCurve", "linear_curve", "map_levels", "matching_curve", "polyline"]

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class LevelCurve(Channelwise):
    """Base of transforms that change every pixel by its grey level alone; see ``Channelwise``.

    Whole numbers within 16 bits go level by level through a table: no bins, no loss but the rounding of the result.
    """

    def harmonize(
        self,
        plane: NDArray[Any],
        inside: NDArray[np.bool_] | None,  # noqa: ARG002 - counted already
        counts: LevelCounts,
        channel: tuple[int, int],
        result: NDArray[Any],
    ) -> None:
        """Apply the curve of one channel."""
        map_levels(plane, self.curve(counts, channel), result)

    @abstractmethod
    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Curve of a channel.

        Args:
            counts: its grey levels, two at least.
            channel: its place and how many there are.
        """


def map_levels(image: NDArray[Any], curve: Curve, result: NDArray[Any]) -> None:
    """Apply a curve to every pixel; what is not finite stays.

    Args:
        image: any shape.
        curve: of finite levels.
        result: same shape, lies in memory as ``numpy.empty_like(image)`` does.
    """
    pixels, mapped = in_memory_order(image), in_memory_order(result)
    if not np.shares_memory(mapped, result):
        pixels, mapped = image.reshape(-1), np.empty(result.size, result.dtype)
    table = None
    for start in range(0, pixels.size, CHUNK):
        part, destination = pixels[start : start + CHUNK], mapped[start : start + CHUNK]
        places = places_of(part)
        if places is not None:
            table = of_type(curve(TABULATED), result.dtype) if table is None else table
            # No place lies beyond the table: clipping only saves the check.
            np.take(table, places, out=destination, mode="clip")
            continue
        levels = part.astype(np.float64)
        finite = np.isfinite(levels)
        destination[:] = of_type(np.where(finite, curve(np.where(finite, levels, 0.0)), levels), result.dtype)
    if not np.shares_memory(mapped, result):
        result[...] = mapped.reshape(result.shape)


def linear_curve(slope: float, offset: float) -> Curve:
    """``slope * level + offset``."""
    return lambda levels: slope * levels + offset


def polyline(knots: ArrayLike, values: ArrayLike, extended: bool = False) -> Curve:
    """Piecewise-linear curve.

    Args:
        knots: strictly increasing, two at least.
        values: at the knots.
        extended: whether the outer segments go on beyond the knots; else the curve is flat there.
    """
    x, y = (np.asarray(numbers, dtype=np.float64) for numbers in (knots, values))
    if not extended:
        return lambda levels: np.interp(levels, x, y)
    first, last = (y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2])

    def curve(levels: NDArray[np.float64]) -> NDArray[np.float64]:
        below, above = np.minimum(levels - x[0], 0.0), np.maximum(levels - x[-1], 0.0)
        extended_levels: NDArray[np.float64] = np.interp(levels, x, y) + first * below + last * above
        return extended_levels

    return curve


def matching_curve(counts: LevelCounts, shares: ArrayLike, levels: ArrayLike) -> Curve:
    """Curve that carries a channel's cumulative histogram onto another one.

    Args:
        counts: of the channel.
        shares: of the other histogram, strictly increasing: parts of the pixels.
        levels: of the other histogram at these shares.
    """
    return polyline(counts.levels, polyline(shares, levels)(counts.shares))
