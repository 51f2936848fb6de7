"""How much the images of a site differ in tone among themselves, and whether more than those of another site.

One curve per site can undo what a site does to all of its images. Where every image has a tone of its own, the images
differ more among themselves after the site's curve than those of the target do. The share of their variance that the
target's variance does not explain is the factor of an empirical Bayes shrinkage of per-image curves (James and
Stein 1961; Efron and Morris, J. Am. Stat. Assoc. 68, 117-130, 1973): at 0 the differences are those of patients and
are to be kept, towards 1 they are the site's and are to be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monai_harmonize.metrics.grey_level_histogram import grey_level_histogram

__all__ = ["ToneVariance", "shrinkage_factor"]

BINS = 4096
QUANTILES = 256


class ToneVariance:
    """Variance of the images' quantile functions, from any number of images in constant memory.

    It is the mean squared 2-Wasserstein distance of the images' histograms to their barycentre, whose quantile function
    is the mean of theirs.

    Args:
        value_range: lowest and highest grey level of the scale; levels beyond count at its ends.

    Attributes:
        images: how many images were added.
    """

    def __init__(self, value_range: Sequence[float] = (0.0, 1.0)) -> None:
        self.value_range = (float(value_range[0]), float(value_range[1]))
        self.images = 0
        self._mean = np.zeros(QUANTILES)
        self._squares = np.zeros(QUANTILES)

    def add(self, image: torch.Tensor | NDArray[Any]) -> None:
        """Add one image of any shape; ValueError as for ``grey_level_histogram``."""
        shares = grey_level_histogram(image, bins=BINS, value_range=self.value_range)
        steps = (np.arange(QUANTILES) + 0.5) / QUANTILES
        place = np.minimum(np.searchsorted(np.cumsum(shares), steps), BINS - 1)
        low, high = self.value_range
        levels = low + (high - low) * (place + 0.5) / BINS
        # Welford's update: a difference of large sums would lose the variance of images that hardly differ.
        self.images += 1
        difference = levels - self._mean
        self._mean += difference / self.images
        self._squares += difference * (levels - self._mean)

    @property
    def variance(self) -> float:
        """Unbiased variance over the images, mean over the quantiles, in squared grey levels; 0 below two images."""
        return 0.0 if self.images < 2 else float(self._squares.mean()) / (self.images - 1)


def shrinkage_factor(source: float, target: float) -> float:
    """Share of the source's variance that the target's does not explain, ``max(0, 1 - target / source)``.

    Args:
        source: variance of the source site's images once the site's own map is undone, at least 0.
        target: variance of the target site's images, at least 0, in the same unit.

    Returns:
        In [0, 1]; 0 where the source does not vary.

    Raises:
        ValueError: a variance is negative or not a number.
    """
    if not (source >= 0 and target >= 0):
        raise ValueError(f"variances are {source} and {target}; expected numbers of at least 0")
    return 0.0 if source == 0 else max(0.0, 1.0 - target / source)
