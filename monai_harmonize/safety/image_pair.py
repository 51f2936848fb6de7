"""Source and output of a harmonizer, walked through in slabs: a volume is never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError

__all__ = ["AreaMean", "ImagePair"]

Image = NDArray[np.float32]

# Pixels of a slab, so that what is computed from it stays in a processor's cache.
SLAB = 2**18
# The source may leave its scale by rounding.
ROUNDING = 1e-4


class ImagePair:
    """Two images of one shape, read on the unit scale of a fixed grey range.

    Args:
        source: input of the harmonizer, two or three spatial axes, any real type and memory order.
        harmonized: its output, same shape.
        grey_range: what becomes [0, 1].
        clip_source: take what the source holds beyond the range for its ends, instead of refusing it.

    Raises:
        InputError: shapes differ or are no image, or the range is empty.
    """

    def __init__(
        self,
        source: NDArray[Any],
        harmonized: NDArray[Any],
        grey_range: Sequence[float],
        clip_source: bool = False,
    ) -> None:
        low, high = (float(bound) for bound in grey_range)
        if not high > low:
            raise InputError(f"grey_range is [{low:g}, {high:g}]; expected low < high")
        if source.shape != harmonized.shape:
            raise InputError(
                f"the output has shape {harmonized.shape}, its source {source.shape}; compare images of one size"
            )
        if source.ndim not in (2, 3) or source.size == 0:
            raise InputError(f"an image of shape {source.shape}; expected two or three axes, none empty")
        self.shape, self.size = source.shape, source.size
        self.grey_range = (low, high)
        self.clip_source = clip_source
        # Slabs lie along the axis that changes slowest in memory.
        self.order = sorted(range(source.ndim), key=lambda axis: -abs(source.strides[axis]))
        self.images = source.transpose(self.order), harmonized.transpose(self.order)

    def slabs(self) -> Iterator[tuple[slice, Image, Image]]:
        """Rows along the slowest axis, and both images there, contiguous float32.

        Raises:
            InputError: NaN or infinity, or the source leaves the scale and is not clipped.
        """
        rows, whole = len(self.images[0]), self.size
        step = max(1, SLAB * rows // whole)
        for start in range(0, rows, step):
            part = slice(start, min(start + step, rows))
            before, after = (self._unit(image[part]) for image in self.images)
            for name, slab in (("source", before), ("output", after)):
                if not np.isfinite(slab).all():
                    raise InputError(f"the {name} holds NaN or infinity")
            if not self.clip_source and (before.min() < -ROUNDING or before.max() > 1 + ROUNDING):
                raise InputError(f"the source leaves the scale {self.grey_range}; scale it with the range of its file")
            yield part, before.clip(0, 1), after

    def area_mean(self, shape: Sequence[int]) -> AreaMean:
        """Collects slabs into a smaller image of ``shape``, in the axes' own order."""
        return AreaMean(self.shape, shape, self.order)

    def _unit(self, image: NDArray[Any]) -> Image:
        low, high = self.grey_range
        slab = np.array(image, dtype=np.float32, order="C")
        slab -= np.float32(low)
        slab *= np.float32(1 / (high - low))
        return slab


class AreaMean:
    """Mean over the area of each pixel of a smaller image, as ``interpolate(mode="area")``, from slabs.

    Args:
        native: shape of the image.
        shape: of the smaller one.
        order: axes of the image in the order in which slabs have them.
    """

    def __init__(self, native: Sequence[int], shape: Sequence[int], order: Sequence[int]) -> None:
        self.order = list(order)
        rows, *self.others = (shape[axis] for axis in order)
        length = native[order[0]]
        # An image that keeps its size is taken over bit by bit.
        self.weights = None if rows == length else _area_weights(length, rows)
        self.collected = np.zeros((rows, *self.others), np.float32)

    def add(self, rows: slice, slab: Image) -> None:
        """Take in a slab."""
        small = slab
        if list(slab.shape[1:]) != self.others:
            small = F.interpolate(torch.from_numpy(slab)[:, None], self.others, mode="area")[:, 0].numpy()
        if self.weights is None:
            self.collected[rows] = small
            return
        weights = self.weights[rows]
        touched = np.flatnonzero(weights.any(axis=0))
        self.collected[touched] += np.tensordot(weights[:, touched].T, small, axes=1)

    @property
    def image(self) -> Image:
        """What was collected."""
        return self.collected.transpose(np.argsort(self.order))


def _area_weights(length: int, shorter: int) -> NDArray[np.float32]:
    """Share of every row in the mean of each of fewer rows, ``(length, shorter)``."""
    weights: NDArray[np.float32] = F.interpolate(torch.eye(length)[:, None], shorter, mode="area")[:, 0].numpy()
    return weights
