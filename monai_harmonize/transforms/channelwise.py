"""Transforms of grey levels channel by channel: arrays and tensors, masks, number types, images without tone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from os import PathLike
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey
from monai.utils.enums import TransformBackends
from numpy.typing import NDArray

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.metrics.level_counts import LevelCounts, level_counts, refuse_extremes
from monai_harmonize.metrics.site_reference import SiteReference, region_of
from monai_harmonize.metrics.site_reference_file import load_site_reference

__all__ = ["Channelwise", "Channelwised", "Reference", "of_type", "site_reference"]

# A site's reference, or the file of one.
Reference = SiteReference | str | PathLike[str]


def site_reference(reference: Reference) -> SiteReference:
    """The reference itself, read if it is a file."""
    return reference if isinstance(reference, SiteReference) else load_site_reference(reference)


class Channelwise(Transform, ABC):
    """Base of transforms that change each channel of an image by itself.

    - Statistics come from the pixels within a mask; the change applies to all.
    - Pixels that are NaN or infinite do not count and stay what they are.
    - A channel without two grey levels within the mask has no tone to harmonize and stays what it is.
    - Results have the image's own type, whole numbers are rounded to the nearest and clipped to what the type holds;
      or the floating-point type ``dtype``.
    - Tensors stay tensors, on their device, with their metadata.

    Args:
        dtype: floating-point type of the results, for example ``"float32"``; the image's own by default.

    Raises:
        InputError: ``dtype`` is no floating-point type.
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(self, dtype: str | None = None) -> None:
        if dtype is not None and np.dtype(dtype).kind != "f":
            raise InputError(f"dtype is {dtype!r}; expected a floating-point type, or none for the image's own.")
        self.dtype = None if dtype is None else np.dtype(dtype)

    def __call__(self, image: Any, mask: Any = None) -> Any:
        """Harmonize an image.

        Args:
            image: ``(C, ...)``, array or tensor of real numbers.
            mask: pixels that count, ``(...)`` or ``(1, ...)``, not 0 within; all by default.

        Returns:
            The same kind and shape.

        Raises:
            InputError: the mask has another shape, the site's reference another number of channels, or the image a
                level beyond ``LARGEST``.
        """
        array = numbers_of(image)
        inside = None if mask is None else mask_of(mask, array.shape)
        result = np.empty_like(array, dtype=self.dtype or array.dtype)
        for place, plane in enumerate(array):
            counts = counts_of(plane, inside, image)
            if counts.has_tone:
                self.harmonize(plane, inside, counts, (place, len(array)), result[place])
            else:
                result[place] = plane
        return like(result, image)

    @abstractmethod
    def harmonize(
        self,
        plane: NDArray[Any],
        inside: NDArray[np.bool_] | None,
        counts: LevelCounts,
        channel: tuple[int, int],
        result: NDArray[Any],
    ) -> None:
        """Fill the result of one channel that has tone.

        Args:
            plane: ``(...)``.
            inside: mask of the same shape.
            counts: its grey levels within the mask.
            channel: its place and how many there are.
            result: ``(...)``, of the type asked for.
        """


class Channelwised(MapTransform):
    """Base of the dictionary versions.

    Args:
        keys: images ``(C, ...)``.
        transform: applied to each of them.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    backend = Channelwise.backend

    def __init__(
        self,
        keys: KeysCollection,
        transform: Channelwise,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = transform
        self.mask_key = mask_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Harmonize each image of an item."""
        item = dict(data)
        mask = None if self.mask_key is None else item.get(self.mask_key)
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key], mask)
        return item


def counts_of(plane: NDArray[Any], inside: NDArray[np.bool_] | None, image: Any) -> LevelCounts:
    """Grey levels of a channel within a mask; an error names the image's file, if it is known."""
    try:
        if inside is not None:
            refuse_extremes(plane)
        return level_counts(plane, inside)
    except InputError as error:
        known = image.meta.get(ImageMetaKey.FILENAME_OR_OBJ) if isinstance(image, MetaTensor) else None
        if known is None:
            raise
        raise ImageFileError(known, str(error)) from error


def of_type(values: NDArray[np.floating[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers in another type; whole ones rounded to the nearest and clipped to what it holds."""
    if dtype.kind in "iu":
        # The largest number of 32 bits is none of float32, that of 64 bits none of float64: each has the one behind it.
        limits, exact = np.iinfo(dtype), values.dtype if dtype.itemsize < 4 else np.dtype(np.float64)
        highest = float(limits.max)
        highest = highest if int(highest) <= limits.max else float(np.nextafter(highest, 0.0))
        values = np.clip(np.rint(values, dtype=exact), limits.min, highest)
    typed: NDArray[Any] = values.astype(dtype, copy=False)
    return typed


def finite_region(plane: NDArray[Any], inside: NDArray[np.bool_] | None, filling: float) -> tuple[Any, Any]:
    """Float32 or float64 pixels with a filling for those that are not finite, and the region that counts."""
    region = region_of(plane, inside)
    working = np.float64 if plane.dtype == np.float64 else np.float32
    pixels = plane.astype(working)
    return (pixels if region is None else np.where(np.isfinite(pixels), pixels, working(filling))), region


def keep_not_finite(plane: NDArray[Any], result: NDArray[Any]) -> None:
    """Give pixels that are not finite back."""
    if plane.dtype.kind == "f":
        np.copyto(result, plane, where=~np.isfinite(plane), casting="same_kind")


def numbers_of(image: Any) -> NDArray[Any]:
    """Array of an image; a view where possible."""
    if isinstance(image, torch.Tensor):
        array: NDArray[Any] = image.detach().cpu().as_subclass(torch.Tensor).numpy()
    else:
        array = np.asarray(image)
    if array.ndim < 2 or array.dtype.kind not in "iuf":
        raise InputError(f"an image of shape {array.shape} and type {array.dtype}; expected numbers (C, W, H[, D]).")
    return array


def mask_of(mask: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mask of one channel's shape."""
    array = numbers_of(mask.to(torch.uint8) if isinstance(mask, torch.Tensor) else np.asarray(mask).astype(np.uint8))
    if array.shape not in (shape[1:], (1, *shape[1:])):
        raise InputError(f"a mask of shape {array.shape} for an image of shape {shape}; expected {shape[1:]}.")
    inside: NDArray[np.bool_] = array.reshape(shape[1:]) != 0
    return inside


def like(result: NDArray[Any], image: Any) -> Any:
    """The result as what the image is."""
    if not isinstance(image, torch.Tensor):
        return result
    tensor = torch.from_numpy(result).to(image.device)
    if isinstance(image, MetaTensor):
        return MetaTensor(tensor, meta=dict(image.meta), applied_operations=list(image.applied_operations))
    return tensor
