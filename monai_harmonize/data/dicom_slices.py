"""The slices of a DICOM series, by their headers: one folder, one series."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from monai_harmonize.data.dicom_geometry import numbers
from monai_harmonize.data.dicom_header import damaged_values_named, refuse_frames, tag_error, whole_number
from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.sniff import is_missing_slice, lies_beside_images, sniff_format

__all__ = ["RESCALE", "SliceHeader", "slices_of"]

logger = logging.getLogger(__name__)

# Attributes that make HU of stored values.
RESCALE = ("RescaleIntercept", "RescaleSlope")


@dataclass(frozen=True)
class SliceHeader:
    """What decides where a slice lies and whether it belongs to the others.

    Args:
        path: file.
        series: Series Instance UID (0020,000E); empty where an anonymised file lacks it.
        number: Series Number (0020,0011), or 0.
        columns: Columns (0028,0011).
        rows: Rows (0028,0010).
        photometric: Photometric Interpretation (0028,0004).
        spacing: Pixel Spacing (0028,0030), mm: between rows, between columns.
        orientation: Image Orientation (0020,0037): directions of a row and of a column, LPS.
        position: Image Position (0020,0032): centre of the first voxel, LPS, mm.
        tilt: Gantry/Detector Tilt (0018,1120) in degrees, or 0.
        rescale: which of ``RESCALE`` the header gives; both where it has a Modality LUT Sequence (0028,3000) instead.
    """

    path: Path
    series: str
    number: int
    columns: int
    rows: int
    photometric: str
    spacing: NDArray[np.float64]
    orientation: NDArray[np.float64]
    position: NDArray[np.float64]
    tilt: float
    rescale: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, path: Path) -> SliceHeader:
        """Read a header.

        Raises:
            ImageFileError: a localizer, several frames, or a slice without a place or of an impossible one.
        """
        image_type = dataset.get("ImageType") or ()
        if "LOCALIZER" in ([image_type] if isinstance(image_type, str) else image_type):
            raise tag_error(path, "ImageType", "LOCALIZER", "expected axial slices only; move it out of the folder")
        refuse_frames(dataset, path)
        tilt = numbers(dataset, path, "GantryDetectorTilt", 1)
        return cls(
            path=path,
            series=str(dataset.get("SeriesInstanceUID") or ""),
            number=whole_number(dataset, path, "SeriesNumber", default=0),
            columns=whole_number(dataset, path, "Columns"),
            rows=whole_number(dataset, path, "Rows"),
            photometric=str(dataset.get("PhotometricInterpretation") or ""),
            spacing=spacing_of(dataset, path),
            orientation=orientation_of(dataset, path),
            position=required(dataset, path, "ImagePositionPatient", 3),
            tilt=0.0 if tilt is None else float(tilt[0]),
            rescale=rescale_of(dataset),
        )

    @property
    def normal(self) -> NDArray[np.float64]:
        """Direction across the slice."""
        return np.cross(self.orientation[:3], self.orientation[3:])


def required(dataset: Dataset, path: Path, keyword: str, count: int) -> NDArray[np.float64]:
    """Numbers without which a slice has no place in a volume."""
    found = numbers(dataset, path, keyword, count)
    if found is None:
        raise tag_error(
            path, keyword, "missing or damaged", f"a slice of a volume needs {count} numbers; get the series again"
        )
    return found


def rescale_of(dataset: Dataset) -> tuple[str, ...]:
    """Attributes of ``RESCALE`` that have a value or are replaced by a table."""
    table = bool(dataset.get("ModalityLUTSequence"))
    return tuple(keyword for keyword in RESCALE if table or dataset.get(keyword) not in (None, ""))


def spacing_of(dataset: Dataset, path: Path) -> NDArray[np.float64]:
    """Distances between rows and between columns."""
    spacing = required(dataset, path, "PixelSpacing", 2)
    if spacing.min() <= 0:
        raise tag_error(
            path, "PixelSpacing", spacing.tolist(), "expected two positive lengths in mm; repair the header"
        )
    return spacing


def orientation_of(dataset: Dataset, path: Path) -> NDArray[np.float64]:
    """Directions of a row and of a column."""
    orientation = required(dataset, path, "ImageOrientationPatient", 6)
    row, column = orientation.reshape(2, 3)
    if not np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-3):
        raise tag_error(
            path,
            "ImageOrientationPatient",
            orientation.tolist(),
            "expected two perpendicular unit vectors; repair the header",
        )
    return orientation


def slices_of(folder: str | PathLike[str]) -> list[SliceHeader]:
    """Headers of the slices of one series, sorted by file name.

    The DICOM files of the folder itself are taken, not those of its subfolders. What is no DICOM file is left out, and
    so are DICOM objects without pixels, such as reports and contours.

    Raises:
        ImageFileError: no slice at all, slices of several series, a file that cannot be one, or a link to nothing.
    """
    folder = Path(folder)
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or lies_beside_images(path) or not (path.is_file() or is_missing_slice(path)):
            continue
        if sniff_format(path) != "dicom":
            continue
        with damaged_values_named(path):
            dataset = read_dicom(path, header_only=True)
            if "Rows" in dataset:
                found.append(SliceHeader.of(dataset, path))
            else:
                logger.info("%s: holds no image and is left out of the series", path)
    if not found:
        raise ImageFileError(folder, "the folder itself holds no DICOM slices; give the folder of one series")
    names = list(dict.fromkeys(one.series for one in found))
    if len(names) > 1:
        told = "; ".join(described([one for one in found if one.series == name]) for name in names)
        raise ImageFileError(folder, f"holds {len(names)} series ({told}); expected one; give each a folder of its own")
    return found


def described(series: Iterable[SliceHeader]) -> str:
    """A series in words; UIDs and Series Description may identify a patient and are left out (PS3.15 E.1)."""
    slices = list(series)
    first = slices[0]
    return (
        f"Series Number (0020,0011) {first.number}: {len(slices)} files of {first.columns} x {first.rows} pixels, "
        f"such as {first.path.name}"
    )
