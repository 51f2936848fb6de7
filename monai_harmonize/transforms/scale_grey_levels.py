"""Between the grey levels of a file and the range of a network."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from monai_harmonize.data.errors import ImageFileError, InputError

__all__ = ["RestoreGreyLevels", "RestoreGreyLevelsd", "ScaleGreyLevels", "ScaleGreyLevelsd"]

# Largest number of float32.
LARGEST = torch.finfo(torch.float32).max


class ScaleGreyLevels(Transform):
    """Map grey levels linearly to [-1, 1]; the range is that of the bit depth, never that of the image's content.

    Two images of one site therefore keep their difference in brightness, which carries diagnosis.

    Args:
        grey_range: lowest and highest grey level in the file's unit (stored value or HU); ``None`` takes
            ``meta["grey_range"]``, which the readers set, and radiographs only: the bit depth of CT is no scale.

    Raises:
        InputError: at the call, when no range is known, it is empty, or float32 does not hold it; or when none is
            given for CT or a volume.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, grey_range: tuple[float, float] | None = None) -> None:
        self.grey_range = grey_range

    def __call__(self, image: Tensor) -> Tensor:
        """Scale ``(C, W, H[, D])`` to [-1, 1] float32, clipped; the range used is noted in the metadata."""
        if self.grey_range is None:
            refuse_ct(image)
        low, high = self.range_of(image)
        scaled = ((image.float() - low) * (2.0 / (high - low)) - 1.0).clamp_(-1.0, 1.0)
        if isinstance(scaled, MetaTensor):
            scaled.meta["grey_range"] = (low, high)
        return scaled

    def range_of(self, image: Tensor) -> tuple[float, float]:
        """Lowest and highest grey level that apply to an image."""
        meta: Mapping[str, Any] = image.meta if isinstance(image, MetaTensor) else {}
        found = self.grey_range if self.grey_range is not None else meta.get("grey_range")
        name = meta.get("filename_or_obj", "image")
        if found is None:
            raise InputError(f"{name}: no grey range is known; load it with LoadRadiograph or give grey_range.")
        low, high = (float(value) for value in found)
        if not -LARGEST <= low < high <= LARGEST:
            raise InputError(
                f"{name}: grey range is [{low:g}, {high:g}]; expected low < high (a constant image?), which float32 "
                "holds."
            )
        return low, high


def refuse_ct(image: Tensor) -> None:
    """Refuse ``(C, W, H[, D])`` that its file calls CT, or that has several slices.

    Raises:
        ImageFileError: it is no radiograph.
    """
    meta: Mapping[str, Any] = image.meta if isinstance(image, MetaTensor) else {}
    slices = image.shape[3] if image.ndim == 4 else 1
    if slices == 1 and not meta.get("is_ct"):
        return
    found = "is CT (Modality, SOP Class)" if meta.get("is_ct") else f"is a volume of {slices} slices"
    raise ImageFileError(
        meta.get("filename_or_obj", "image"),
        f"{found}; expected a radiograph; take a bundle for CT, such as site_curve_ct",
    )


class RestoreGreyLevels(Transform):
    """Map [-1, 1] back to the file's grey levels, the inverse of ``ScaleGreyLevels``.

    Values beyond [-1, 1] are clipped: they do not fit the bit depth.

    Args:
        grey_range: as for ``ScaleGreyLevels``.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, grey_range: tuple[float, float] | None = None) -> None:
        self.scale = ScaleGreyLevels(grey_range)

    def __call__(self, image: Tensor) -> Tensor:
        """Restore ``(C, W, H[, D])``."""
        low, high = self.scale.range_of(image)
        return (image.float().clamp(-1.0, 1.0) + 1.0) * ((high - low) / 2.0) + low


class ScaleGreyLevelsd(MapTransform):
    """Dictionary version of ``ScaleGreyLevels``.

    Args:
        keys: images to scale.
        grey_range: see ``ScaleGreyLevels``.
        allow_missing_keys: whether keys may be absent.
    """

    backend = ScaleGreyLevels.backend

    def __init__(
        self,
        keys: KeysCollection,
        grey_range: tuple[float, float] | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.scale = ScaleGreyLevels(grey_range)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale each image of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.scale(item[key])
        return item


class RestoreGreyLevelsd(MapTransform):
    """Dictionary version of ``RestoreGreyLevels``.

    Args:
        keys: images to restore.
        reference_key: item whose metadata knows the grey range, usually the network's input.
        allow_missing_keys: whether keys may be absent.
    """

    backend = RestoreGreyLevels.backend

    def __init__(self, keys: KeysCollection, reference_key: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference_key = reference_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Restore each image; it also takes over the reference's metadata (file name, spacing)."""
        item = dict(data)
        reference = item[self.reference_key]
        for key in self.key_iterator(item):
            restored = RestoreGreyLevels(ScaleGreyLevels().range_of(reference))(item[key])
            item[key] = MetaTensor(torch.as_tensor(restored).as_subclass(Tensor), meta=dict(reference.meta))
        return item


ScaleGreyLevelsD = ScaleGreyLevelsDict = ScaleGreyLevelsd
RestoreGreyLevelsD = RestoreGreyLevelsDict = RestoreGreyLevelsd
