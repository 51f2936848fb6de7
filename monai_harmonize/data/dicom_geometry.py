"""Where a DICOM image lies: spacing and affine."""

from __future__ import annotations

import logging
from os import PathLike

import numpy as np
from monai.data.utils import orientation_ras_lps
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from monai_harmonize.data.reader_contract import planar_affine

__all__ = ["image_affine", "pixel_spacing"]

logger = logging.getLogger(__name__)

# PS3.3 10.7.1: Pixel Spacing is the calibrated size in the patient (or equals the detector's); Imager Pixel
# Spacing is the size at the detector; a digitised film has Nominal Scanned Pixel Spacing (C.8.6.2).
SPACING_KEYWORDS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


def numbers(dataset: Dataset, path: str | PathLike[str], keyword: str, count: int) -> NDArray[np.float64] | None:
    """``count`` finite values of an attribute, or None where it is absent or unusable (which is logged)."""
    try:
        value = dataset.get(keyword)
        if value in (None, ""):
            return None
        values = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape == (count,) and np.isfinite(values).all():
        return values
    logger.warning("%s: %s does not hold %d numbers and is not used", path, keyword, count)
    return None


def pixel_spacing(dataset: Dataset, path: str | PathLike[str]) -> tuple[float, float] | None:
    """Distance between columns and between rows in mm; ``None`` where the header gives none.

    The first usable of Pixel Spacing (0028,0030), Imager Pixel Spacing (0018,1164) and Nominal Scanned Pixel
    Spacing (0018,2010). Each gives the row distance first. A size at the detector is not corrected
    for magnification. (ITK takes the detector's for CR and DX even where a calibrated one is given.)
    """
    for keyword in SPACING_KEYWORDS:
        spacing = numbers(dataset, path, keyword, 2)
        if spacing is None:
            continue
        if (spacing > 0).all():
            return float(spacing[1]), float(spacing[0])
        logger.warning("%s: %s is not positive and is not used", path, keyword)
    return None


def image_affine(dataset: Dataset, path: str | PathLike[str]) -> NDArray[np.float64]:
    """RAS affine ``(4, 4)`` in mm of an array ordered (columns, rows), as MONAI's ``ITKReader`` gives it.

    With Image Orientation (0020,0037) and Image Position (0020,0032) of the patient the plane's true place
    (PS3.3 C.7.6.2.1.1); the third axis is its normal, as long as Spacing Between Slices (0018,0088) or 1 mm.
    Without a spacing a pixel is 1 mm. Without a place, as in CR and DX, the origin is 0 and the axes run to the
    patient's left and back.
    """
    columns, rows = pixel_spacing(dataset, path) or (1.0, 1.0)
    orientation = numbers(dataset, path, "ImageOrientationPatient", 6)
    position = numbers(dataset, path, "ImagePositionPatient", 3)
    if orientation is None or position is None:
        return planar_affine((columns, rows))
    along_row, along_column = orientation.reshape(2, 3)
    if not np.allclose(
        [along_row @ along_row, along_column @ along_column, along_row @ along_column], [1, 1, 0], atol=1e-3
    ):
        logger.warning("%s: ImageOrientationPatient does not hold two perpendicular unit vectors and is not used", path)
        return planar_affine((columns, rows))
    between = numbers(dataset, path, "SpacingBetweenSlices", 1)
    depth = float(between[0]) if between is not None and between[0] > 0 else 1.0
    lps = np.eye(4)
    lps[:3, 0] = along_row * columns
    lps[:3, 1] = along_column * rows
    lps[:3, 2] = np.cross(along_row, along_column) * depth
    lps[:3, 3] = position
    return np.asarray(orientation_ras_lps(lps))
