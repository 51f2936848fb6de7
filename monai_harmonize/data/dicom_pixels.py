"""Stored values of one grey frame, from native or compressed pixel data, with the unused bits removed."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from monai_harmonize.data.dicom_header import PixelFormat, tag_error
from monai_harmonize.data.errors import ImageFileError

__all__ = ["stored_values"]

NATIVE_SYNTAXES = {
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
}
END_OF_IMAGE = b"\xff\xd9"  # last two bytes of a JPEG, JPEG-LS or JPEG 2000 stream
MARKED_SYNTAXES = {*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes}


def stored_values(dataset: Dataset, pixels: PixelFormat, path: str | PathLike[str]) -> NDArray[Any]:
    """Decode the frame.

    Args:
        dataset: data set whose file meta information holds the Transfer Syntax UID (0002,0010).
        pixels: checked pixel format of the data set.
        path: file, for errors.

    Returns:
        ``(rows, columns)`` of ``(u)int8`` or ``(u)int16``, right-justified and sign-extended; it may be a
        read-only view of the data set's bytes.

    Raises:
        ImageFileError: the pixel data are shorter than the header says, damaged, or of a transfer syntax
            for which no decoder is installed.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    decode = native if syntax in NATIVE_SYNTAXES else decompressed
    values = decode(dataset, pixels, syntax, path)
    return right_justified(values, pixels)


def native(dataset: Dataset, pixels: PixelFormat, syntax: UID, path: str | PathLike[str]) -> NDArray[Any]:
    """View uncompressed Pixel Data without a copy (pydicom's array makes two on the way)."""
    dtype = np.dtype(f"{'i' if pixels.signed else 'u'}{pixels.bits_allocated // 8}")
    data, expected = dataset.PixelData, pixels.rows * pixels.columns * dtype.itemsize
    if len(data) < expected:
        raise tag_error(
            path,
            "PixelData",
            f"{len(data)} bytes long",
            f"{pixels.rows} x {pixels.columns} values need {expected}: the file is truncated; get it again",
        )
    dtype = dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    values = np.frombuffer(data, dtype, count=pixels.rows * pixels.columns)
    return values.reshape(pixels.rows, pixels.columns)


def decompressed(dataset: Dataset, pixels: PixelFormat, syntax: UID, path: str | PathLike[str]) -> NDArray[Any]:
    """Decode through pydicom and its plug-ins."""
    if pixels.high_bit != pixels.bits_stored - 1:
        raise tag_error(path, "HighBit", pixels.high_bit, f"compressed data need {pixels.bits_stored - 1}")
    # Some JPEG decoders fill the missing part of a cut stream with grey instead of failing.
    tail = bytes(dataset.PixelData[-64:]).rstrip(b"\0")
    if syntax in MARKED_SYNTAXES and not tail.endswith(END_OF_IMAGE):
        raise ImageFileError(path, f"its {syntax.name} data have no end: the file is truncated; get it again")
    try:
        values: NDArray[Any] = dataset.pixel_array
    except Exception as error:  # every plug-in raises its own kinds
        raise ImageFileError(
            path,
            f"pixel data of Transfer Syntax UID (0002,0010) {syntax.name} ({syntax}) cannot be decoded. "
            "Either the decoder is missing (pip install monai-harmonize[dicom]) or the data are damaged "
            f"(get the file again). pydicom says: {error}",
        ) from error
    if values.shape != (pixels.rows, pixels.columns):
        raise tag_error(
            path,
            "PixelData",
            f"of shape {values.shape}",
            f"expected {(pixels.rows, pixels.columns)}; repair the header",
        )
    return values


def right_justified(values: NDArray[Any], pixels: PixelFormat) -> NDArray[Any]:
    """Drop the bits above High Bit and below the stored ones, and extend the sign (PS3.5 8.1.1)."""
    above = pixels.bits_allocated - 1 - pixels.high_bit
    unused = pixels.bits_allocated - pixels.bits_stored
    if unused == 0:
        return values
    shifted: NDArray[Any] = np.left_shift(values, above)
    np.right_shift(shifted, unused, out=shifted)
    return shifted
