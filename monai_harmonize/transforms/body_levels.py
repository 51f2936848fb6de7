"""The grey levels of the body in a CT image, and of a fixed share of the air around it; no table, no padding."""

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

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.single_precision import single_precision

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
    """Grey levels in HU by which a CT is compared with others, in one row without its geometry.

    Those of the body, and for each ten of its voxels ``10 * air_share`` of the air around it: air is the one
    material that every scanner shows, and without it the low end of a site's curve would follow its patients' lungs.
    So a site's histogram depends neither on how much air a field of view shows nor on the value with which a scanner
    fills what lies outside it. An image without air around the body gives its body alone.

    Args:
        air_share: voxels of air per voxel of the body.
        padding_below: HU below which a value is padding and no air.

    Raises:
        InputError: a negative share.
    """

    backend: ClassVar = [TransformBackends.NUMPY]

    def __init__(self, air_share: float = 0.1, padding_below: float = -1500.0) -> None:
        if air_share < 0:
            raise InputError(f"air_share is {air_share:g}; expected 0 or more")
        self.air_share = air_share
        self.padding_below = padding_below

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Take the levels of ``(1, W, H[, D])``, HU, float.

        Returns:
            Shape ``(1, N)``, float32, a plain tensor.

        Raises:
            ImageFileError: the image shows nothing but air.
            InputError: a value that float32 does not hold.
        """
        array = np.asarray(torch.as_tensor(single_precision(image)[0]).detach().cpu())
        inside = body_mask(array)
        body = array[inside]
        if body.size == 0:
            name = image.meta.get(ImageMetaKey.FILENAME_OR_OBJ) if isinstance(image, MetaTensor) else None
            raise ImageFileError(
                name or "image", f"holds no body, only values up to {array.max():g}; expected CT in Hounsfield units"
            )
        air = array[~inside & (array < AIR) & (array >= self.padding_below)]
        wanted = round(self.air_share * body.size) if air.size else 0
        # Evenly over the image; where there is less air than that, some of it twice.
        taken = air[np.linspace(0, air.size, wanted, endpoint=False).astype(np.intp)]
        return torch.from_numpy(np.concatenate([body, taken]))[None]


class BodyLevelsd(MapTransform):
    """Dictionary version of ``BodyLevels``.

    Args:
        keys: images.
        air_share: see ``BodyLevels``.
        padding_below: see ``BodyLevels``.
        allow_missing_keys: whether keys may be absent.
    """

    backend: ClassVar = BodyLevels.backend

    def __init__(
        self,
        keys: KeysCollection,
        air_share: float = 0.1,
        padding_below: float = -1500.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.levels = BodyLevels(air_share, padding_below)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each image of an item by its levels."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.levels(item[key])
        return item


BodyLevelsD = BodyLevelsDict = BodyLevelsd
