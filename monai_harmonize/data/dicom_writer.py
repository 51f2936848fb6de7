"""Writer of a derived DICOM image: new pixels in the source's own pixel format and polarity."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.dicom_derivation import mark_as_derived
from monai_harmonize.data.dicom_greyscale import GreyScale
from monai_harmonize.data.dicom_header import PixelFormat, damaged_values_named, whole_number
from monai_harmonize.data.dicom_pixels import stored_values
from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.dicom_voi import reset_voi
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.polarity import turn_polarity
from monai_harmonize.data.writer_contract import UNKNOWN, Maker, check_writable, source_path

__all__ = ["refuse_applied_voi", "save_explicit_little_endian", "write_derived_dicom"]


def write_derived_dicom(
    image: NDArray[np.floating[Any]],
    meta: Mapping[str, Any],
    destination: str | PathLike[str],
    maker: Maker = UNKNOWN,
    *,
    series: str = "",
) -> None:
    """Write an image as a DICOM file derived from the one it was read from.

    Size, bits, sign, photometric interpretation, modality LUT and header are the source's (see
    ``mark_as_derived`` and ``reset_voi`` for what changes); the transfer syntax is Explicit VR Little Endian,
    uncompressed. Grey levels are taken back through the modality LUT, rounded to the nearest stored value and
    clipped to the range of the stored bits. Pixels of Pixel Padding Value (0028,0120) keep the source's value.
    Smallest and Largest Image Pixel Value (0028,0106 and 0107) are renewed where the source has them.
    The file appears whole or not at all.

    Args:
        image: grey levels ``(W, H)`` in the unit and polarity in which the source was read.
        meta: metadata as ``LoadRadiograph`` gives them; ``filename_or_obj`` names the source file.
        destination: path of the new file; missing folders are made.
        maker: who makes it, for the derivation and the UIDs.
        series: see ``mark_as_derived``.

    Raises:
        ImageFileError: the source cannot be read or is the destination, the image has another size or NaN, or
            was read with its VOI LUT applied.
    """
    source = source_path(meta)
    refuse_applied_voi(meta, source)
    dataset = read_dicom(source)
    with damaged_values_named(source):
        pixels = PixelFormat.of(dataset, source)
        check_writable(image, (pixels.columns, pixels.rows), source, Path(destination))
        scale = GreyScale.of(dataset, pixels, source)
        extremes = set_pixels(dataset, image, pixels, scale, source, meta["polarity_turned"])
        had = [keyword for keyword in extremes if keyword in dataset]
        mark_as_derived(dataset, source, maker, series)
        for keyword in had:
            dataset.add_new(tag_for_keyword(keyword), "SS" if pixels.signed else "US", extremes[keyword])
        reset_voi(dataset, scale.grey_range)
        with atomic_path(Path(destination)) as temporary:
            save_explicit_little_endian(dataset, temporary)


def refuse_applied_voi(meta: Mapping[str, Any], source: Path) -> None:
    """Raise ``ImageFileError`` for an image whose grey levels are no longer those of the file."""
    if meta.get("voi_applied"):
        raise ImageFileError(source, "was read with apply_voi=True, which cannot be undone; read it without")


def set_pixels(
    dataset: Dataset,
    image: NDArray[np.floating[Any]],
    pixels: PixelFormat,
    scale: GreyScale,
    source: Path,
    turned: bool,
) -> dict[str, int]:
    """Take grey levels ``(W, H)`` back to stored values and put them in the place of the source's.

    Returns:
        Keywords and values of the smallest and largest stored value.
    """
    grey = np.asarray(image, dtype=np.float32).T
    stored = scale.to_stored(turn_polarity(grey, scale.grey_range) if turned else grey)
    keep_padding(stored, dataset, pixels, source)
    replace_pixel_data(dataset, stored, pixels)
    return {"SmallestImagePixelValue": int(stored.min()), "LargestImagePixelValue": int(stored.max())}


def keep_padding(stored: NDArray[np.int64], dataset: Dataset, pixels: PixelFormat, source: Path) -> None:
    """Give pixels outside the image, marked by Pixel Padding Value (0028,0120), their source's value back."""
    if dataset.get("PixelPaddingValue") in (None, ""):
        return
    bounds = [whole_number(dataset, source, "PixelPaddingValue")]
    bounds.append(whole_number(dataset, source, "PixelPaddingRangeLimit", default=bounds[0]))
    if pixels.signed:  # some files give the value unsigned
        bounds = [value - (1 << pixels.bits_allocated) * (value > pixels.stored_range[1]) for value in bounds]
    original = stored_values(dataset, pixels, source)
    padding = (original >= min(bounds)) & (original <= max(bounds))
    stored[padding] = original[padding]


def replace_pixel_data(dataset: Dataset, stored: NDArray[np.int64], pixels: PixelFormat) -> None:
    """Replace Pixel Data (7FE0,0010) by native little endian values (PS3.5 8.1, A.2)."""
    raw = stored << (pixels.high_bit + 1 - pixels.bits_stored)
    data = raw.astype(f"<u{pixels.bits_allocated // 8}").tobytes()
    del dataset.PixelData
    dataset.add_new("PixelData", "OB" if pixels.bits_allocated == 8 else "OW", data + b"\0" * (len(data) % 2))


def save_explicit_little_endian(dataset: Dataset, path: Path) -> None:
    """Write a complete DICOM file with fresh file meta information, with pydicom 2.4 or 3."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if int(pydicom.__version__.split(".")[0]) >= 3:
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    else:
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        pydicom.dcmwrite(path, dataset, write_like_original=False)
