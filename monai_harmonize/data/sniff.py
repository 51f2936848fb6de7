"""Formats of image files by their content, and what lies beside images."""

from __future__ import annotations

import gzip
import mimetypes
import zlib
from os import PathLike
from pathlib import Path

from monai_harmonize.data.dicom_reader import DICOM_SUFFIXES
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.folder_walk import is_dangling
from monai_harmonize.data.reader_contract import single_path

__all__ = ["is_missing_slice", "lies_beside_images", "sniff_format"]

NIFTI1_MAGIC, NIFTI2_MAGIC, NIFTI_HEADER_BYTES = (b"n+1\0", b"ni1\0"), b"n+2\0", 352

# Our own files beside harmonized images.
NO_IMAGES = (".certificate.png", ".pr.dcm")


def sniff_format(path: str | PathLike[str]) -> str | None:
    """Format of a file by its first bytes: ``"dicom"``, ``"png"``, ``"jpeg"``, ``"nifti"`` or None.

    Only a DICOM data set without preamble, which has no mark, goes by its suffix (``.dcm`` and the like).

    Raises:
        ImageFileError: there is no such file or it cannot be opened.
    """
    path = single_path(path)
    try:
        with path.open("rb") as file:
            head = file.read(NIFTI_HEADER_BYTES)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as file:
                head = file.read(NIFTI_HEADER_BYTES)
    except PermissionError as error:
        raise ImageFileError(path, "cannot be opened; check its permissions") from error
    except (OSError, EOFError, zlib.error):  # no gzip stream after all
        return None
    if head[128:132] == b"DICM":
        return "dicom"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[344:348] in NIFTI1_MAGIC or head[4:8] == NIFTI2_MAGIC:
        return "nifti"
    return "dicom" if path.name.lower().endswith(DICOM_SUFFIXES) else None


def lies_beside_images(path: Path) -> bool:
    """Whether a name is that of ``DICOMDIR``, a certificate's picture or a presentation state."""
    return path.name.upper() == "DICOMDIR" or path.name.lower().endswith(NO_IMAGES)


def is_missing_slice(path: Path) -> bool:
    """Whether it is a link to nothing that may lead to a DICOM file by its name, which may be without a suffix."""
    name = path.name.lower()
    unknown = not name.endswith(".nii") and mimetypes.guess_type(name) == (None, None)
    return is_dangling(path) and (unknown or name.endswith(DICOM_SUFFIXES))
