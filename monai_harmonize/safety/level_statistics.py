"""What an output does to each grey level of its source, and what the best increasing curve leaves of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.metrics.structure import isotonic_curve, level_index
from monai_harmonize.safety.image_pair import ImagePair

__all__ = ["CurveResidual", "LevelStatistics"]

Levels = NDArray[np.float64]

# Steps of a histogram of residuals; a percentile read from it is exact to one 16-bit level.
STEPS = 65536


class LevelStatistics:
    """Output by grey level of the source, in one walk through a pair.

    Args:
        pair: the images.
        stored_levels: steps on [0, 1] to which the source is rounded.
        reduced_shape: size of the reduced copies.

    Attributes:
        counts: pixels per level.
        sums: of their output, clipped to [0, 1], by level.
        used: levels that pixels have, increasing.
        curve: best increasing curve at every level in least squares.
        clipped: pixels that an end of the scale, at which the source was not, cuts off by more than rounding.
        source: reduced copy, float32 on [0, 1].
        harmonized: reduced copy of the clipped output.
    """

    def __init__(self, pair: ImagePair, stored_levels: int, reduced_shape: Sequence[int]) -> None:
        self.stored_levels = stored_levels
        self.counts = np.zeros(stored_levels, np.int64)
        self.sums = np.zeros(stored_levels)
        self.clipped = 0
        rounding = 0.5 / (stored_levels - 1)
        source, harmonized = (pair.area_mean(reduced_shape) for _ in range(2))
        for rows, before, after in pair.slabs():
            output = after.clip(0, 1)
            index = level_index(before, stored_levels).ravel()
            self.counts += np.bincount(index, minlength=stored_levels)
            self.sums += np.bincount(index, weights=output.ravel(), minlength=stored_levels)
            cut = ((after < -rounding) & (before > 0)) | ((after > 1 + rounding) & (before < 1))
            self.clipped += int(np.count_nonzero(cut))
            source.add(rows, before)
            harmonized.add(rows, output)
        self.source, self.harmonized = source.image, harmonized.image
        self.used = np.flatnonzero(self.counts)
        self.curve = isotonic_curve(self.counts, self.sums)


class CurveResidual:
    """Output minus the best increasing curve of the source, in a second walk through a pair.

    Args:
        pair: the images.
        levels: of the same pair.
        reduced_shape: size of the reduced copy.

    Attributes:
        rms: root mean square, share of the scale.
        largest: largest absolute value.
        spread: standard deviation of the output.
        reduced: reduced copy, float32.
    """

    def __init__(self, pair: ImagePair, levels: LevelStatistics, reduced_shape: Sequence[int]) -> None:
        self.levels = levels
        self.histogram = np.zeros(STEPS, np.int64)
        curve = levels.curve.astype(np.float32)
        reduced = pair.area_mean(reduced_shape)
        squares, lowest, highest = 0.0, 0.0, 0.0
        for rows, before, after in pair.slabs():
            residual = after.clip(0, 1) - curve[level_index(before, levels.stored_levels)]
            flat = residual.ravel()
            squares += float(np.dot(flat, flat))
            lowest, highest = min(lowest, float(flat.min())), max(highest, float(flat.max()))
            self.histogram += np.bincount(level_index(np.abs(flat), STEPS), minlength=STEPS)
            reduced.add(rows, residual)
        self.squares, self.largest = squares, max(highest, -lowest)
        self.rms = float(np.sqrt(squares / pair.size))
        self.spread = self._spread()
        self.reduced = reduced.image

    def percentile(self, share: float) -> float:
        """Of the absolute values, by their histogram."""
        return float(np.searchsorted(np.cumsum(self.histogram), share * self.histogram.sum()) / (STEPS - 1))

    def rms_from(self, knots: Levels, values: Levels) -> float:
        """Root mean square of the output minus another curve of the source, ``values`` at ``knots`` on [0, 1]."""
        declared = np.interp(np.linspace(0, 1, self.levels.stored_levels), knots, values).clip(0, 1)
        return float(np.sqrt(max(self._squares_from(declared), 0.0) / self.levels.counts.sum()))

    def _spread(self) -> float:
        total = self.levels.counts.sum()
        mean = np.full_like(self.levels.curve, self.levels.sums.sum() / total)
        return float(np.sqrt(max(self._squares_from(mean), 0.0) / total))

    def _squares_from(self, curve: Levels) -> Any:
        """Sum of squares of the output minus a curve, from those of the best curve: no third walk is needed."""
        counts, sums = self.levels.counts, self.levels.sums
        shift = self.levels.curve - curve
        return self.squares + 2 * shift @ (sums - counts * self.levels.curve) + counts @ shift**2
