"""Keep the part of an image in which its label is known."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["REGIONS", "CropToRegion", "CropToRegionD", "CropToRegionDict", "CropToRegiond"]

# First and last column as fractions of the width. The image's left side shows the patient's right lung.
REGIONS: Mapping[str, tuple[float, float]] = {"all": (0.0, 1.0), "image_left": (0.0, 0.5), "image_right": (0.5, 1.0)}


class CropToRegion(Transform):
    """Crop an image to a named region, for data sets whose masks hold one lung only, such as JSRT's at hand.

    Args:
        region: ``"all"``, ``"image_left"`` or ``"image_right"``.

    Raises:
        InputError: another name.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(self, region: str = "all") -> None:
        if region not in REGIONS:
            raise InputError(f"region is {region!r}; expected one of {', '.join(REGIONS)}")
        self.region = region

    def __call__(self, image: Tensor) -> Tensor:
        """Crop ``(C, W, H)`` along its columns; an odd width's middle column belongs to the right half."""
        first, last = (int(edge * image.shape[1]) for edge in REGIONS[self.region])
        return image[:, first:last]


class CropToRegiond(MapTransform):
    """Dictionary version of ``CropToRegion``.

    Args:
        keys: keys of the images.
        region: see ``CropToRegion``.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = CropToRegion.backend

    def __init__(self, keys: KeysCollection, region: str = "all", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.crop = CropToRegion(region)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Crop the images of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.crop(item[key])
        return item


CropToRegionD = CropToRegionDict = CropToRegiond
