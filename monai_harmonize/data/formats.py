"""Image files of a folder, their formats by content, and the reader for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

from monai.data import ImageReader

from monai_harmonize.data.dicom_reader import DICOM_SUFFIXES, DicomRadiographReader
from monai_harmonize.data.dicom_series_reader import DicomSeriesReader
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.folder_walk import files_below, is_dangling
from monai_harmonize.data.nifti import NiftiRadiographReader
from monai_harmonize.data.png_reader import PngRadiographReader
from monai_harmonize.data.reader_contract import single_path
from monai_harmonize.data.sniff import is_missing_slice, lies_beside_images, sniff_format

__all__ = ["IMAGE_SUFFIXES", "find_images", "find_volumes", "reader_for", "sniff_format"]

# Longest first, so that a name can be split at its suffix.
IMAGE_SUFFIXES = (".nii.gz", ".jpeg", ".jpg", ".png", ".nii", *DICOM_SUFFIXES)
SUPPORTED = "DICOM, PNG, JPEG or NIfTI"


def reader_for(path: str | PathLike[str], apply_voi: bool = False) -> ImageReader:
    """Reader of a file, chosen by its content, or of a folder, which is one DICOM series.

    Args:
        path: image file or folder.
        apply_voi: apply the VOI LUT or window of DICOM files.

    Raises:
        ImageFileError: the file is missing or of no supported format.
    """
    if Path(path).is_dir():
        return DicomSeriesReader(apply_voi=apply_voi)
    found = sniff_format(path)
    if found is None:
        raise ImageFileError(path, f"not a {SUPPORTED} image, or damaged at its start; check or get it again")
    if found == "dicom":
        return DicomRadiographReader(apply_voi=apply_voi)
    return NiftiRadiographReader() if found == "nifti" else PngRadiographReader()


def find_images(
    inputs: str | PathLike[str] | Iterable[str | PathLike[str]], exclude: str | PathLike[str] | None = None
) -> list[Path]:
    """Image files among files and folders (searched to any depth), sorted, each once.

    In a folder, hidden files, ``DICOMDIR``, pictures of certificates and presentation states are left out, and so is
    what neither looks like an image by its content nor by its suffix; a damaged image and a link to nothing are listed,
    for their reader to report. Linked folders are followed; subfolders with results of ours are left out
    (``files_below``). A file named directly is always listed.

    Args:
        inputs: a file, a folder or several of them.
        exclude: a folder that is left out where one of the folders leads to it, such as that of the results.

    Raises:
        InputError: nothing is given.
        ImageFileError: an input does not exist or a folder holds no image.
    """
    given = [inputs] if isinstance(inputs, str | PathLike) else list(inputs)
    if not given:
        raise InputError("no input is given; name files or folders of images")
    left_out = None if exclude is None else Path(exclude)
    found: set[Path] = set()
    for entry in map(Path, given):
        if entry.is_dir():
            images = set(images_below(entry, left_out))
            if not images:
                raise ImageFileError(entry, f"the folder holds no {SUPPORTED} image; give the folder of the images")
            found |= images
        else:
            found.add(single_path(entry))
    return sorted(found)


def find_volumes(
    inputs: str | PathLike[str] | Iterable[str | PathLike[str]], exclude: str | PathLike[str] | None = None
) -> list[Path]:
    """Images as ``find_images`` has them, but each folder of DICOM slices once, as one series.

    A DICOM file that is named directly stays a file.

    Args:
        inputs: see ``find_images``.
        exclude: see ``find_images``.

    Raises:
        InputError: nothing is given.
        ImageFileError: an input does not exist or a folder holds no image.
    """
    given = [inputs] if isinstance(inputs, str | PathLike) else list(inputs)
    named = {Path(entry) for entry in given}
    images = find_images(given, exclude)
    slices = {path for path in images if path not in named and not is_dangling(path) and sniff_format(path) == "dicom"}
    folders = {path.parent for path in slices}
    # A slice that is a link to nothing is missing in its series, for the series' reader to report.
    missing = {path for path in images if path.parent in folders and is_missing_slice(path)}
    return sorted(folders | {*images} - slices - missing)


def images_below(folder: Path, exclude: Path | None) -> Iterator[Path]:
    """Image files of a folder and its subfolders, and links to nothing that may be such."""
    for path in files_below(folder, exclude):
        if lies_beside_images(path):
            continue
        named = path.name.lower().endswith(IMAGE_SUFFIXES) or is_missing_slice(path)
        if named or (not is_dangling(path) and sniff_format(path) is not None):
            yield path
