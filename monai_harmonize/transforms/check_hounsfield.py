"""Refuse CT images that are not in Hounsfield units, before anything is made of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey
from monai.utils.enums import TransformBackends
from torch import Tensor

from monai_harmonize.data.hounsfield import check_hounsfield

__all__ = ["CheckHounsfield", "CheckHounsfieldD", "CheckHounsfieldDict", "CheckHounsfieldd"]


class CheckHounsfield(Transform):
    """Refuse an image that cannot be in HU (``check_hounsfield``), and give others on as they are.

    For steps that see a volume in parts, of which none can be judged alone; ``WindowHounsfield`` checks by itself.
    """

    backend = (TransformBackends.TORCH,)

    def __call__(self, image: Tensor) -> Tensor:
        """Check ``(C, W, H[, D])``, a whole volume or slice; the same object comes back.

        Raises:
            ImageFileError: the values are no HU.
        """
        known = image.meta if isinstance(image, MetaTensor) else {}
        path = str(known.get(ImageMetaKey.FILENAME_OR_OBJ, "image"))
        check_hounsfield(torch.as_tensor(image).as_subclass(Tensor), path, switch="check_unit")
        return image


class CheckHounsfieldd(MapTransform):
    """Dictionary version of ``CheckHounsfield``.

    Args:
        keys: images in HU.
        allow_missing_keys: whether keys may be absent.
    """

    backend = CheckHounsfield.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.check = CheckHounsfield()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Check each image of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.check(item[key])
        return item


CheckHounsfieldD = CheckHounsfieldDict = CheckHounsfieldd
