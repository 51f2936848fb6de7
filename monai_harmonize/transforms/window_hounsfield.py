"""Between Hounsfield units and the range of a network, through a window, without losing what lies outside it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey, ensure_tuple
from monai.utils.enums import TransformBackends
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.hounsfield import Window, check_hounsfield, hounsfield_range

__all__ = ["RestoreHounsfield", "RestoreHounsfieldd", "WindowHounsfield", "WindowHounsfieldd"]

# Share of a window's width over which the restored HU go over into the source's.
BLEND = 0.1
# Slices that are restored at a time.
SLAB = 8


class WindowHounsfield(Transform):
    """Map the HU of a window linearly to [-1, 1]; what lies outside becomes -1 or 1.

    Args:
        window: ``"bone"``, ``"soft_tissue"``, ``"lung"``, ``"wide"``, or the lowest and highest HU.
        check_unit: refuse images that cannot be in HU; switch it off for small parts of a volume.

    Raises:
        InputError: no such window.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, window: Window, check_unit: bool = True) -> None:
        self.low, self.high = hounsfield_range(window)
        self.check_unit = check_unit

    def __call__(self, image: Tensor) -> Tensor:
        """Map ``(C, W, H[, D])`` in HU to [-1, 1], float32, a new tensor; metadata stay.

        Raises:
            ImageFileError: the values are no HU.
        """
        plain = torch.as_tensor(image).as_subclass(Tensor).float()
        if self.check_unit:
            known = image.meta if isinstance(image, MetaTensor) else {}
            check_hounsfield(plain, str(known.get(ImageMetaKey.FILENAME_OR_OBJ, "image")), switch="check_unit")
        scaled = (plain - self.low).mul_(2.0 / (self.high - self.low)).sub_(1.0).clamp_(-1.0, 1.0)
        return MetaTensor(scaled, meta=dict(image.meta)) if isinstance(image, MetaTensor) else scaled


class RestoreHounsfield(Transform):
    """Map [-1, 1] back to HU, the inverse of ``WindowHounsfield``; outside the window the source stays.

    With w the linear map back and c the source x clipped to the window, a voxel becomes x + k(x) (w(y) - c). Within
    the window k is 1, so this is w(y). Outside, k falls smoothly to 0 over ``blend`` HU and the source's value stays:
    the result is a continuous function of source and network output, so the window leaves no edge. An unchanged image
    gives the source, in and outside the window.

    Args:
        window: the one that was applied.
        blend: HU beyond the window over which the result goes over into the source; a tenth of its width by default.

    Raises:
        InputError: no such window, or a blend that is not positive.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, window: Window, blend: float | None = None) -> None:
        self.low, self.high = hounsfield_range(window)
        self.blend = BLEND * (self.high - self.low) if blend is None else float(blend)
        if not self.blend > 0:
            raise InputError(f"blend is {blend}; expected a positive number of HU.")

    def __call__(self, image: Tensor, source: Tensor) -> Tensor:
        """Restore HU.

        Args:
            image: ``(C, W, H[, D])``; values beyond [-1, 1] are clipped.
            source: the same shape, HU before the window; not changed.

        Returns:
            HU, float32, a new tensor with the metadata of ``source``.

        Raises:
            InputError: two shapes.
        """
        if image.shape != source.shape:
            raise InputError(
                f"the result has shape {tuple(image.shape)} and its source {tuple(source.shape)}; expected the same."
            )
        outputs, values = (torch.as_tensor(one).as_subclass(Tensor).float() for one in (image, source))
        restored = torch.empty_like(values)
        # In slabs that lie in one piece, since intermediate arrays of a whole volume need several times its memory.
        axis = max(range(values.ndim), key=lambda place: values.stride(place) if values.shape[place] > 1 else 0)
        for slab in zip(*(torch.split(one, SLAB, dim=axis) for one in (restored, outputs, values)), strict=True):
            slab[0].copy_(self.blended(*slab[1:]))
        return MetaTensor(restored, meta=dict(source.meta)) if isinstance(source, MetaTensor) else restored

    def blended(self, output: Tensor, source: Tensor) -> Tensor:
        """HU of a part of an image."""
        clipped = source.clamp(self.low, self.high)
        change = (output.clamp(-1.0, 1.0) + 1.0) * ((self.high - self.low) / 2.0) + self.low - clipped
        share = (1.0 - (source - clipped).abs() / self.blend).clamp_min(0.0)
        return source + share * share * (3.0 - 2.0 * share) * change


class WindowHounsfieldd(MapTransform):
    """Dictionary version of ``WindowHounsfield``.

    Args:
        keys: images in HU.
        window: see ``WindowHounsfield``.
        source_keys: where to keep the images before the window, one per key, for ``RestoreHounsfieldd``; no copy.
        check_unit: see ``WindowHounsfield``.
        allow_missing_keys: whether keys may be absent.

    Raises:
        InputError: no such window, or another number of source keys.
    """

    backend = WindowHounsfield.backend

    def __init__(
        self,
        keys: KeysCollection,
        window: Window,
        source_keys: KeysCollection | None = None,
        check_unit: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.source_keys = (None,) * len(self.keys) if source_keys is None else ensure_tuple(source_keys)
        if len(self.source_keys) != len(self.keys):
            raise InputError(f"source_keys are {self.source_keys}; expected one for each of {self.keys}.")
        self.window = WindowHounsfield(window, check_unit)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Apply the window to each image of an item."""
        item = dict(data)
        for key, source_key in self.key_iterator(item, self.source_keys):
            if source_key is not None:
                item[source_key] = item[key]
            item[key] = self.window(item[key])
        return item


class RestoreHounsfieldd(MapTransform):
    """Dictionary version of ``RestoreHounsfield``.

    Args:
        keys: results in [-1, 1].
        window: see ``RestoreHounsfield``.
        source_key: the image before the window, whose metadata (file name, place) the results take over.
        blend: see ``RestoreHounsfield``.
        allow_missing_keys: whether keys may be absent.
    """

    backend = RestoreHounsfield.backend

    def __init__(
        self,
        keys: KeysCollection,
        window: Window,
        source_key: str = "hounsfield",
        blend: float | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.source_key = source_key
        self.restore = RestoreHounsfield(window, blend)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Restore each result of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.restore(item[key], item[self.source_key])
        return item


WindowHounsfieldD = WindowHounsfieldDict = WindowHounsfieldd
RestoreHounsfieldD = RestoreHounsfieldDict = RestoreHounsfieldd
