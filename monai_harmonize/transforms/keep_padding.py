"""What lies outside a CT's field of view stays what it is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TransformBackends
from torch import Tensor

__all__ = ["KeepPaddingD", "KeepPaddingDict", "KeepPaddingd"]


class KeepPaddingd(MapTransform):
    """Give padding its source's value back in a harmonized CT, in place; it takes over the source's metadata.

    Scanners fill what lies outside the field of view with a value that no tissue, and no noise in air, has: -2000,
    -2048, -3024. It marks a place and is no grey level, so no curve moves it (Pixel Padding Value (0028,0120) of
    DICOM, which NIfTI files have lost).

    Args:
        keys: results, ``(1, W, H[, D])``, HU.
        reference_key: their source, same shape.
        below: HU below which a value is padding.
        allow_missing_keys: whether keys may be absent.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection,
        reference_key: str = "image",
        below: float = -1500.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference_key = reference_key
        self.below = below

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Restore the padding of each result of an item."""
        item = dict(data)
        reference = item[self.reference_key]
        source = torch.as_tensor(reference).as_subclass(Tensor)
        padding = source < self.below
        for key in self.key_iterator(item):
            result = torch.as_tensor(item[key]).as_subclass(Tensor)
            # In place, since a second copy of a large volume takes longer than the work itself.
            with torch.inference_mode():
                torch.where(padding, source, result, out=result)
            item[key] = MetaTensor(result, meta=dict(reference.meta))
        return item


KeepPaddingD = KeepPaddingDict = KeepPaddingd
