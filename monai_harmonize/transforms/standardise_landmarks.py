"""Piecewise-linear standardisation of grey levels by percentiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.metrics.level_counts import LevelCounts
from monai_harmonize.metrics.site_reference import LANDMARKS
from monai_harmonize.transforms.level_curve import Curve, linear_curve, polyline
from monai_harmonize.transforms.reference_curve import ReferenceCurve, ReferenceCurved

__all__ = ["StandardiseLandmarks", "StandardiseLandmarksD", "StandardiseLandmarksDict", "StandardiseLandmarksd"]


class StandardiseLandmarks(ReferenceCurve):
    """Bring the percentiles of an image to the mean ones of a site, straight lines between them.

    Nyul, Udupa. On standardizing the MR image intensity scale. Magnetic Resonance in Medicine 42:1072, 1999. The
    landmarks are the percentiles 1, 10, 20, ..., 90 and 99; the outer lines go on beyond them. Landmarks that share a
    level, as in a black or white border, count once: at the ends with their outermost value, else with their mean.

    Args:
        reference: the site's, or its file.
        dtype: see ``Channelwise``.
    """

    def curve(self, counts: LevelCounts, channel: tuple[int, int]) -> Curve:
        """Curve through the landmarks of a channel."""
        knots, values = distinct(counts.percentiles(LANDMARKS), np.asarray(self.reference.channel(*channel).landmarks))
        if knots.size == 1:
            # Nearly all pixels have one level: it is all that can be moved.
            return linear_curve(1.0, float(values[0] - knots[0]))
        return polyline(knots, values, extended=True)


def distinct(
    knots: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Strictly increasing knots and one value for each."""
    levels, first, count = np.unique(knots, return_index=True, return_counts=True)
    chosen = np.array([values[start : start + many].mean() for start, many in zip(first, count, strict=True)])
    if levels.size > 1:
        chosen[0], chosen[-1] = values[0], values[-1]
    return levels, chosen


class StandardiseLandmarksd(ReferenceCurved):
    """Dictionary version of ``StandardiseLandmarks``.

    Args:
        keys: images to standardise.
        reference: see ``StandardiseLandmarks``.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    curve = StandardiseLandmarks


StandardiseLandmarksD = StandardiseLandmarksDict = StandardiseLandmarksd
