"""NIfTI images and volumes: a thin layer over MONAI's reader, and a writer like the source."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from monai.data import NibabelReader
from nibabel.filebasedimages import ImageFileError as NibabelFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.polarity import turn_polarity
from monai_harmonize.data.reader_contract import radiograph_meta, single_path
from monai_harmonize.data.writer_contract import UNKNOWN, Maker, check_writable, source_path

__all__ = ["NiftiRadiographReader", "write_like_nifti"]

SINGULAR = 1e-4
DAMAGED = (NibabelFileError, HeaderDataError, WrapStructError, OSError, EOFError, zlib.error, ValueError)


def spatial_shape(img: Any, path: str | PathLike[str]) -> tuple[int, ...]:
    """``(W, H)`` or ``(W, H, D)``: the shape without trailing axes of length 1 after the second.

    Raises:
        ImageFileError: one axis, more than three, an empty one, or values that are no real numbers.
    """
    shape, dtype = tuple(int(size) for size in img.shape), img.get_data_dtype()
    if dtype.kind not in "iuf":
        raise ImageFileError(path, f"its values are of type {dtype}; expected one real number per voxel")
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ImageFileError(
            path, f"its shape is {img.shape}; expected (W, H), (W, H, 1) or (W, H, D); give one image or volume a file"
        )
    return shape


def refuse_singular_affine(img: Any, path: str | PathLike[str]) -> None:
    """Raise for a file whose affine is not finite or takes two voxels of the grid to one place.

    Raises:
        ImageFileError: with the affine.
    """
    axes = max([2, *(place + 1 for place, size in enumerate(img.shape[:3]) if size > 1)])
    directions = np.asarray(img.affine, dtype=np.float64)[:3, :axes]
    lengths = np.linalg.norm(directions, axis=0)
    usable = bool(np.isfinite(img.affine).all() and lengths.all())
    # Smallest singular value of the axes' directions: 1 if they are perpendicular, 0 if one lies in the others.
    if usable and np.linalg.svd(directions / lengths, compute_uv=False)[-1] > SINGULAR:
        return
    rows = "; ".join(" ".join(f"{value:.4g}" for value in row) for row in img.affine[:3])
    raise ImageFileError(
        path,
        f"its affine ({rows}), of sform, qform or pixdim, cannot be inverted; expected one independent axis of finite "
        "length per dimension; copy the geometry of the source it was made from",
    )


class NiftiRadiographReader(NibabelReader):
    """Read a radiograph ``(W, H)`` or ``(W, H, 1)``, or a volume ``(W, H, D)``, scaled by the header's slope.

    NIfTI has no nominal depth: ``grey_range`` is the lowest and highest finite value of the file, for
    integers too. Metadata as in ``radiograph_meta``, nothing of the header's texts. The file's axis order and
    affine stay; the affine is the sform if that is set, else the qform, else of the voxel sizes (NIfTI-1, nifti1.h,
    methods 3, 2 and 1).
    """

    def read(self, data: Sequence[PathLike[str] | str] | PathLike[str] | str, **kwargs: Any) -> Any:
        """Open one file.

        Args:
            data: path.
            kwargs: for ``nibabel.load``.

        Raises:
            ImageFileError: there is no such file, it is no NIfTI file, or its affine cannot be inverted.
        """
        path = single_path(data)
        # Not MONAI's own, which replaces the sform of headers of two or four dimensions by their voxel sizes.
        try:
            img = nibabel.load(path, **kwargs)
        except DAMAGED as error:
            raise ImageFileError(path, f"not a NIfTI file or damaged; check or get it again: {error}") from error
        refuse_singular_affine(img, path)
        return img

    def get_data(self, img: Any) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Decode an image.

        Returns:
            Grey levels, float32, of the shape that ``spatial_shape`` gives; and the metadata. NaN and
            infinity are not refused here.

        Raises:
            ImageFileError: truncated data, colour or complex values, four or more axes, no finite value, or
                integers finer than float32 resolves.
        """
        path = img.get_filename()
        shape = spatial_shape(img, path)
        try:
            grey = img.get_fdata(dtype=np.float32, caching="unchanged").reshape(shape, order="F")
        except DAMAGED as error:
            raise ImageFileError(path, f"truncated or damaged; get it again: {error}") from error
        grey_range = finite_range(grey, path)
        dtype, slope = img.get_data_dtype(), float(img.dataobj.slope)
        if dtype.kind != "f" and max(map(abs, grey_range)) * np.finfo(np.float32).eps > abs(slope) / 2:
            raise ImageFileError(path, f"its values {grey_range} are too large to keep steps of {slope} in float32")
        meta = radiograph_meta(
            affine=np.array(img.affine),
            spatial_shape=shape,
            grey_range=grey_range,
            source_format="nifti",
            bits_stored=8 * dtype.itemsize,
            spacing_known=True,
        )
        return grey, meta


def finite_range(grey: NDArray[np.float32], path: str | PathLike[str]) -> tuple[float, float]:
    """Lowest and highest finite value."""
    low, high = float(grey.min()), float(grey.max())
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    finite = grey[np.isfinite(grey)]
    if finite.size == 0:
        raise ImageFileError(path, "every value is NaN or infinite; get the file again")
    return float(finite.min()), float(finite.max())


def write_like_nifti(
    image: NDArray[np.floating[Any]],
    meta: Mapping[str, Any],
    destination: str | PathLike[str],
    maker: Maker = UNKNOWN,
) -> None:
    """Write an image with shape, affine, data type, scaling and polarity of the NIfTI file it was read from.

    Integers are rounded and clipped to their type. The header's ``descrip`` names the software. The file
    appears whole or not at all.

    Args:
        image: grey levels ``(W, H)`` or ``(W, H, D)`` in the unit and polarity in which the source was read.
        meta: metadata as ``LoadRadiograph`` gives them; ``filename_or_obj`` names the source file.
        destination: path of the new file, ``.nii`` or ``.nii.gz``; missing folders are made.
        maker: who makes it.

    Raises:
        ImageFileError: the source cannot be read or is the destination, or the image has another size or NaN.
    """
    source = source_path(meta)
    original = NiftiRadiographReader().read(source)
    check_writable(image, spatial_shape(original, source), source, Path(destination))
    slope, inter = float(original.dataobj.slope), float(original.dataobj.inter)
    dtype = original.get_data_dtype()
    stored = np.empty(image.shape, dtype, order="F")
    for place in range(image.shape[-1]):  # since a volume's intermediate values would need several times its memory
        grey = np.asarray(image[..., place], dtype=np.float32)
        if meta["polarity_turned"]:
            grey = turn_polarity(grey, meta["grey_range"])
        exact = (grey.astype(np.float64) - inter) / slope
        if dtype.kind != "f":
            exact = np.rint(exact).clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
        stored[..., place] = exact
    header = original.header.copy()
    header["descrip"] = str(maker).encode()[:79]
    result = type(original)(stored.reshape(original.shape, order="F"), original.affine, header)
    if (slope, inter) != (1.0, 0.0):
        result.header.set_slope_inter(slope, inter)  # with these set, nibabel stores the values as they are
    with atomic_path(Path(destination)) as temporary:
        nibabel.save(result, temporary)
