"""One slice as a volume of one slice, so that steps made for volumes take it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, TransformBackends
from torch import Tensor

__all__ = ["AsVolume", "AsVolumeD", "AsVolumeDict", "AsVolumed"]

# Sine of the angle at which the third axis of an affine still counts as one of its own.
FLAT = 1e-4


class AsVolume(InvertibleTransform):
    """Give a slice ``(C, W, H)`` a third axis of length 1, across its plane; volumes stay as they are.

    ``Invertd`` takes the axis away again. A NIfTI file ``(W, H, 1)`` is such a slice, too, see ``LoadRadiograph``.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __call__(self, image: Tensor) -> MetaTensor:
        """Add the axis.

        Args:
            image: ``(C, W, H)`` or ``(C, W, H, D)``.

        Returns:
            ``(C, W, H, D)``; the affine's third axis is its own, or 1 mm across the plane where it has none.
        """
        size = tuple(image.shape[1:])
        known = image if isinstance(image, MetaTensor) else MetaTensor(image)
        plain = known.as_tensor()
        volume = MetaTensor(plain[..., None] if len(size) == 2 else plain).copy_meta_from(known)
        if len(size) == 2:
            volume.affine = with_third_axis(np.asarray(known.affine, dtype=np.float64))
        tracked: MetaTensor = self.push_transform(volume, orig_size=size)
        return tracked

    def inverse(self, data: MetaTensor) -> MetaTensor:
        """Take the axis of a slice away, of the image itself or of what was made of it."""
        size = self.pop_transform(data)[TraceKeys.ORIG_SIZE]
        if len(size) == 3:
            return data
        return MetaTensor(data.as_tensor()[..., 0]).copy_meta_from(data)


def with_third_axis(affine: np.ndarray[Any, Any]) -> Tensor:
    """Affine ``(4, 4)`` whose third axis leaves the plane of the first two."""
    across = np.cross(affine[:3, 0], affine[:3, 1])
    across /= np.linalg.norm(across)
    third = affine[:3, 2]
    if not abs(third @ across) > FLAT * np.linalg.norm(third):
        affine = affine.copy()
        affine[:3, 2] = across
    return torch.from_numpy(affine)


class AsVolumed(MapTransform, InvertibleTransform):
    """Dictionary version of ``AsVolume``.

    Args:
        keys: slices or volumes.
        allow_missing_keys: whether keys may be absent.
    """

    backend: ClassVar = AsVolume.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.as_volume = AsVolume()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the axis to each image of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.as_volume(item[key])
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Take it away."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.as_volume.inverse(item[key])
        return item


AsVolumeD = AsVolumeDict = AsVolumed
