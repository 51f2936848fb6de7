"""How axial slices are turned before a network sees them: columns to the patient's left, rows to the back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils import MetaKeys
from torch import Tensor

__all__ = ["SliceTurn", "slice_turn"]


@dataclass(frozen=True)
class SliceTurn:
    """A turn of the last two axes by steps of 90 degrees or a reflection, without resampling.

    Args:
        transposed: whether both axes change places first.
        flipped: axes that are reversed then.
    """

    transposed: bool = False
    flipped: tuple[int, ...] = ()

    def there(self, slices: Tensor) -> Tensor:
        """Turn ``(..., W, H)``."""
        turned = slices.transpose(-2, -1) if self.transposed else slices
        return torch.flip(turned, self.flipped) if self.flipped else turned

    def back(self, slices: Tensor) -> Tensor:
        """The inverse of ``there``, exactly."""
        turned = torch.flip(slices, self.flipped) if self.flipped else slices
        return turned.transpose(-2, -1) if self.transposed else turned


def slice_turn(image: Any, axis: int | None = None) -> SliceTurn:
    """The turn after which axial slices lie as in a DICOM series: the first axis to the left, the second to the back.

    Filters of a network tell these directions apart, and files hold them in any order.

    Args:
        image: ``(C, W, H, D)``, a slice ``(C, W, H)``, or a batch of one, as the data loader makes it.
        axis: spatial axis across which a volume is cut, see ``axial_axis``; ``None`` for a slice.

    Returns:
        No turn for a tensor without metadata, or for a slice that is not axial.
    """
    if not isinstance(image, MetaTensor) or MetaKeys.AFFINE.value not in image.meta:
        return SliceTurn()
    affine = np.asarray(image.meta[MetaKeys.AFFINE.value], dtype=np.float64)
    affine = affine[0] if affine.ndim == 3 else affine
    in_plane = [place for place in range(3) if place != (2 if axis is None else axis)]
    # Of a slice that was cut out of a volume, MONAI keeps the two directions of its plane alone.
    directions = affine[: len(affine) - 1, in_plane]
    lengths = np.linalg.norm(directions, axis=0)
    if not (np.isfinite(lengths).all() and lengths.all()):
        return SliceTurn()
    directions = directions / lengths
    if axis is None and len(directions) == 3 and np.abs(np.cross(*directions.T)).argmax() != 2:
        return SliceTurn()
    (left, back), (left_of_other, back_of_other) = -directions[:2].T
    transposed = abs(left_of_other) + abs(back) > abs(left) + abs(back_of_other)
    first, second = (left_of_other, back) if transposed else (left, back_of_other)
    return SliceTurn(bool(transposed), tuple(place for place, way in ((-2, first), (-1, second)) if way < 0))
