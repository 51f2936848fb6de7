"""Load the label map of a volume onto the voxels of its image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey, MetaKeys, TransformBackends
from nibabel.affines import apply_affine
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.nifti import NiftiRadiographReader
from monai_harmonize.data.reader_contract import single_path
from monai_harmonize.data.vertebra_numbers import problem_of_values

__all__ = ["LoadLabelMap", "LoadLabelMapD", "LoadLabelMapDict", "LoadLabelMapd", "millimetres_apart"]

# Share of a voxel by which two grids may differ: affines are stored with seven digits, and added up over the grid.
TOLERANCE = 0.05
# Largest value of a label map: that of 16 bits, as tools write them.
LARGEST = 2**16 - 1
# Wrong values that a message names.
SHOWN = 3


class LoadLabelMap(Transform):
    """Read a NIfTI label map, in the order of axes of its image, and renumber its values.

    A label map of a DICOM series or of another tool often has turned axes; they are turned back. It is never resampled.

    Args:
        numbers: new number of each value that counts, see ``vertebra_numbers``, all others become 0; by default values
            stay.
    """

    backend: ClassVar = [TransformBackends.NUMPY]

    def __init__(self, numbers: Mapping[int, int] | None = None) -> None:
        self.numbers = None if numbers is None else dict(numbers)

    def __call__(self, filename: str | PathLike[str], image: MetaTensor) -> MetaTensor:
        """Load a label map.

        Args:
            filename: NIfTI file, ``(W, H, D)`` or ``(W, H)``, whole numbers from 0 to 65535. Without any foreground it
                is taken as it is: the scan shows nothing that counts.
            image: of which it is, ``(1, W, H[, D])``, as loaded by ``LoadRadiograph``.

        Returns:
            Shape and metadata of the image, float32 whole numbers.

        Raises:
            ImageFileError: the file cannot be read, values are no whole numbers from 0 to 65535, or no value of the
                foreground counts; or the voxels are not those of the image: another size, place or spacing.
        """
        path, reader = single_path(filename), NiftiRadiographReader()
        values, meta = reader.get_data(reader.read(path))
        size = tuple(image.shape[1:])
        expected = np.asarray(image.affine, dtype=np.float64)
        affine = np.asarray(meta[MetaKeys.ORIGINAL_AFFINE.value], dtype=np.float64)
        if values.ndim == len(size) == 3:
            # Its axes as seen from those of the image, not from the body's: there, turned by 45 degrees, each of two
            # axes is as near, and rounding decides.
            turn = io_orientation(np.linalg.inv(expected) @ affine)
            affine = affine @ inv_ornt_aff(turn, values.shape)
            values = apply_orientation(values, turn)
        source = f"its image {image.meta[ImageMetaKey.FILENAME_OR_OBJ]}"
        if values.shape != size:
            raise ImageFileError(path, f"has {values.shape} voxels, {source} {size}; give the label map of this image")
        apart = millimetres_apart(affine, expected, size)
        voxel = np.linalg.norm(expected[:3, : len(size)], axis=0).min()
        if apart > TOLERANCE * voxel:
            raise ImageFileError(
                path,
                f"lies up to {apart:.3g} mm beside {source}; expected the same voxels. Resample the "
                "label map to the image (nearest neighbour), or correct its affine",
            )
        labels = whole_numbers(path, values)
        if self.numbers is not None:
            occurs = np.zeros(LARGEST + 1, dtype=bool)
            occurs[labels] = True
            if problem := problem_of_values(np.flatnonzero(occurs).tolist(), self.numbers):
                raise ImageFileError(path, problem)
            table = np.zeros(LARGEST + 1, dtype=np.float32)
            for value, number in self.numbers.items():
                if 0 <= value <= LARGEST:
                    table[value] = number
            labels = table[labels]
        return MetaTensor(torch.from_numpy(np.ascontiguousarray(labels, dtype=np.float32))[None], meta=dict(image.meta))


def whole_numbers(path: str | PathLike[str], values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Values of a label map as integers of 16 bits.

    Raises:
        ImageFileError: some are negative, fractions, infinite, NaN, or too large for a label.
    """
    wrong = ~((values >= 0) & (values <= LARGEST) & (np.rint(values) == values))
    if wrong.any():
        some = ", ".join(f"{value:g}" for value in np.unique(values[wrong])[:SHOWN])
        raise ImageFileError(
            path,
            f"has values that are no whole numbers from 0 to {LARGEST}, such as {some}; expected a label map, not an "
            "image or probabilities",
        )
    return values.astype(np.uint16)


def millimetres_apart(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any], size: Sequence[int]) -> float:
    """How far a voxel of one affine can lie from the same voxel of another, along one axis of the patient.

    Args:
        one: ``(4, 4)``, from voxels to millimetres.
        other: the same.
        size: voxels along each axis.
    """
    corners = np.array(np.meshgrid(*([0, length - 1] for length in size), indexing="ij")).reshape(len(size), -1).T
    return float(np.abs(places(one, corners) - places(other, corners)).max())


def places(affine: np.ndarray[Any, Any], voxels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Millimetres of voxels ``(N, 2 or 3)``."""
    full = np.zeros((len(voxels), 3))
    full[:, : voxels.shape[1]] = voxels
    return np.asarray(apply_affine(affine, full))


class LoadLabelMapd(MapTransform):
    """Dictionary version of ``LoadLabelMap``.

    Args:
        keys: keys of the paths.
        numbers: see ``LoadLabelMap``.
        reference_key: key of the image, loaded before by ``LoadRadiographd``.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = LoadLabelMap.backend

    def __init__(
        self,
        keys: KeysCollection,
        numbers: Mapping[int, int] | None = None,
        reference_key: str = "image",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference_key = reference_key
        self.loader = LoadLabelMap(numbers)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the label maps of an item; the item itself is not changed."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.loader(item[key], item[self.reference_key])
        return item


LoadLabelMapD = LoadLabelMapDict = LoadLabelMapd
