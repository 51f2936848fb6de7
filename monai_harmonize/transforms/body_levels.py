"""The grey levels of the body in a CT image, without table, air around the patient, and padding."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey, TransformBackends
from numpy.typing import NDArray
from scipy.ndimage import generate_binary_structure, label

from monai_harmonize.data.errors import ImageFileError

__all__ = ["BodyLevels", "BodyLevelsD", "BodyLevelsDict", "BodyLevelsd", "body_mask"]

TISSUE = -500.0  # HU, between lung and soft tissue
AIR = -900.0  # HU, mean of what is no lung


def body_mask(image: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Voxels of the body: the largest connected piece that is left without the air around it.

    Air around the body is what lies below -500 HU, reaches the border of its slice, and has a mean below -900 HU: a
    lung that the field of view cuts stays. Air within the body stays, too.

    Args:
        image: ``(W, H)`` or ``(W, H, D)``, slices along the last axis, in HU; padding is taken for air.

    Returns:
        Same shape; nowhere true where nothing but air is found.
    """
    in_slice = generate_binary_structure(image.ndim, 1)
    if image.ndim == 3:
        in_slice[..., [0, 2]] = False
    regions, count = label(image < TISSUE, in_slice)
    border = np.unique(np.concatenate([edge.ravel() for i in (0, -1) for edge in (regions[i], regions[:, i])]))
    flat = regions.ravel()
    sums = np.bincount(flat, weights=image.ravel(), minlength=count + 1)
    around = np.isin(np.arange(count + 1), border) & (sums < AIR * np.bincount(flat, minlength=count + 1))
    around[0] = False
    pieces, _ = label(~around[regions])
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    mask: NDArray[np.bool_] = (pieces == sizes.argmax()) & (pieces > 0)
    return mask


class BodyLevels(Transform):
    """Grey levels of the body of a CT image in HU, in one row without its geometry.

    A site's histogram of them does not depend on how much air a field of view shows around the patient, nor on the
    value with which a scanner fills what lies outside it.
    """

    backend: ClassVar = [TransformBackends.NUMPY]

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Take the levels of ``(1, W, H[, D])``, HU, float.

        Returns:
            Shape ``(1, N)``, float32, a plain tensor.

        Raises:
            ImageFileError: the image shows nothing but air.
        """
        array = np.asarray(torch.as_tensor(image[0]).detach().cpu(), dtype=np.float32)
        levels = array[body_mask(array)]
        if levels.size == 0:
            name = image.meta.get(ImageMetaKey.FILENAME_OR_OBJ) if isinstance(image, MetaTensor) else None
            raise ImageFileError(
                name or "image", f"holds no body, only values up to {array.max():g}; expected CT in Hounsfield units"
            )
        return torch.from_numpy(levels)[None]


class BodyLevelsd(MapTransform):
    """Dictionary version of ``BodyLevels``.

    Args:
        keys: images.
        allow_missing_keys: whether keys may be absent.
    """

    backend: ClassVar = BodyLevels.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.levels = BodyLevels()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each image of an item by its levels."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.levels(item[key])
        return item


BodyLevelsD = BodyLevelsDict = BodyLevelsd
