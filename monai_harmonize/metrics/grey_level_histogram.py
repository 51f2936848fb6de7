"""Histograms of grey levels on one fixed scale, pooled over images without keeping the images.

Every image weighs the same, whatever its size: the pool is the mean of the images' own histograms, which is
what Fig. 8 of Lee et al. (HCIS 2020) draws for a site.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["DEFAULT_BINS", "GreyLevelHistogram", "grey_level_histogram", "pooled_histogram"]

# Four bins per level of an 8-bit file: the position of a level is off by at most 1/2048 of the scale.
DEFAULT_BINS = 1024


def grey_level_histogram(
    image: torch.Tensor | NDArray[Any],
    *,
    bins: int = DEFAULT_BINS,
    value_range: Sequence[float] = (0.0, 1.0),
) -> NDArray[np.float64]:
    """Share of an image's pixels in each of `bins` equal intervals of `value_range`.

    Args:
        image: any shape, any real type. Levels beyond `value_range` count in the first or the last bin, as a
            writer that clips would store them.
        bins: number of intervals.
        value_range: lowest and highest grey level of the scale.

    Returns:
        Shape `(bins,)`, sums to 1.

    Raises:
        ValueError: the image is empty or holds NaN or infinity, or the scale is not an interval.
    """
    low, high = map(float, value_range)
    if bins < 1 or not low < high:
        raise ValueError(f"expected bins >= 1 and low < high, got {bins} bins on [{low}, {high}]")
    values = torch.as_tensor(image).detach().as_subclass(torch.Tensor).flatten()
    values = values if values.dtype == torch.float64 else values.float()
    if values.numel() == 0 or not bool(torch.isfinite(values).all()):
        raise ValueError(f"an image of shape {tuple(image.shape)} is empty or holds NaN or infinity")
    index = ((values - low) * (bins / (high - low))).clamp_(0, bins - 1).long()
    counts: NDArray[np.float64] = torch.bincount(index, minlength=bins).cpu().numpy().astype(np.float64)
    return counts / values.numel()


class GreyLevelHistogram:
    """Mean histogram of any number of images in constant memory.

    Args:
        bins: number of equal intervals.
        value_range: lowest and highest grey level of the scale.

    Attributes:
        images: how many images were added.
    """

    def __init__(self, bins: int = DEFAULT_BINS, value_range: Sequence[float] = (0.0, 1.0)) -> None:
        self.bins = bins
        self.value_range = (float(value_range[0]), float(value_range[1]))
        self.images = 0
        self._mass = np.zeros(bins)

    def add(self, image: torch.Tensor | NDArray[Any]) -> None:
        """Add one image of any shape; see `grey_level_histogram` for what is refused."""
        self._mass += grey_level_histogram(image, bins=self.bins, value_range=self.value_range)
        self.images += 1

    def merge(self, other: GreyLevelHistogram) -> None:
        """Add all images of another accumulator.

        Raises:
            ValueError: the other one counts on another scale.
        """
        if (self.bins, self.value_range) != (other.bins, other.value_range):
            raise ValueError(
                f"cannot merge {other.bins} bins on {other.value_range} into {self.bins} bins on {self.value_range}"
            )
        self._mass += other._mass
        self.images += other.images

    @property
    def density(self) -> NDArray[np.float64]:
        """Mean share of pixels per bin, shape `(bins,)`, sums to 1.

        Raises:
            ValueError: no image was added.
        """
        if self.images == 0:
            raise ValueError("a histogram of no images has no density; add an image first")
        return self._mass / self.images

    @property
    def centres(self) -> NDArray[np.float64]:
        """Grey level in the middle of each bin, shape `(bins,)`, in the unit of `value_range`."""
        return np.linspace(*self.value_range, 2 * self.bins + 1, dtype=np.float64)[1::2]


def pooled_histogram(
    images: Iterable[torch.Tensor], *, bins: int = DEFAULT_BINS, value_range: Sequence[float] = (0.0, 1.0)
) -> NDArray[np.float64]:
    """Mean histogram of a site's images, each `(C, W, H[, D])`; see `GreyLevelHistogram`.

    Returns:
        Shape `(bins,)`, float64, sums to 1.

    Raises:
        ValueError: there is no image.
    """
    histogram = GreyLevelHistogram(bins, value_range)
    for image in images:
        histogram.add(image)
    return histogram.density
