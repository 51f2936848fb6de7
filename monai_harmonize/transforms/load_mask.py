"""Load the label image of a radiograph, one file or several that are united."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, ensure_tuple
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.formats import sniff_format
from monai_harmonize.data.nifti import NiftiRadiographReader
from monai_harmonize.data.png_reader import open_raster
from monai_harmonize.data.reader_contract import single_path

__all__ = ["LoadMask", "LoadMaskD", "LoadMaskDict", "LoadMaskd"]

JPEG_HALF = 127


class LoadMask(Transform):
    """Read label images, PNG, JPEG or NIfTI; a pixel above zero in any of the files belongs to the mask.

    Montgomery gives each lung a file of its own, OpenIST both lungs one; 1, 255 and colours all mean inside. In a
    JPEG, whose zeros are noisy, inside begins at half of the range.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __call__(self, filenames: str | PathLike[str] | Sequence[str | PathLike[str]]) -> Tensor:
        """Load a mask.

        Args:
            filenames: one path, or those of the parts of one mask.

        Returns:
            ``(1, W, H)`` or ``(1, W, H, D)``, float32, 0 outside and 1 inside.

        Raises:
            ImageFileError: a file cannot be read, or the parts differ in size.
        """
        names = ensure_tuple(filenames)
        parts = [inside_pixels(name) for name in names]
        for name, part in zip(names, parts, strict=True):
            check_size(name, part.shape, parts[0].shape, "the mask's first part")
        return torch.from_numpy(np.any(parts, axis=0)[None].astype(np.float32))


def inside_pixels(name: str | PathLike[str]) -> NDArray[np.bool_]:
    """Pixels ``(W, H)``, or voxels ``(W, H, D)``, that one label image marks.

    Raises:
        ImageFileError: the file cannot be read as PNG, JPEG or NIfTI.
    """
    if sniff_format(name) == "nifti":
        reader = NiftiRadiographReader()
        return np.asarray(reader.get_data(reader.read(name))[0] > 0)
    path = single_path(name)
    with open_raster(path) as image:
        try:
            grey = np.asarray(image.convert("L")).T
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageFileError(path, f"truncated or damaged; get it again: {error}") from error
        return np.asarray(grey > (JPEG_HALF if image.format == "JPEG" else 0))


def check_size(name: str | PathLike[str], size: Sequence[int], expected: Sequence[int], whose: str) -> None:
    """Refuse a mask of another size.

    Raises:
        ImageFileError: the sizes ``(W, H)`` differ.
    """
    if tuple(size) != tuple(expected):
        raise ImageFileError(
            name, f"has {tuple(size)} pixels (columns, rows), {whose} {tuple(expected)}; give masks of one size"
        )


class LoadMaskd(MapTransform):
    """Dictionary version of ``LoadMask``; a mask must have the size of its image.

    Args:
        keys: keys of the paths.
        reference_key: key of the image, loaded before by ``LoadRadiographd``; the mask takes over its metadata.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = LoadMask.backend

    def __init__(self, keys: KeysCollection, reference_key: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference_key = reference_key
        self.loader = LoadMask()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the masks of an item; the item itself is not changed.

        Raises:
            ImageFileError: see ``LoadMask``; or mask and image differ in size.
        """
        item = dict(data)
        size = tuple(item[self.reference_key].shape[1:])
        for key in self.key_iterator(item):
            mask = self.loader(item[key])
            check_size(ensure_tuple(item[key])[0], mask.shape[1:], size, "its image")
            item[key] = MetaTensor(mask, meta=dict(item[self.reference_key].meta))
        return item


LoadMaskD = LoadMaskDict = LoadMaskd
