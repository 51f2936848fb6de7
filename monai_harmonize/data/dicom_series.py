"""The volume that the slices of a DICOM series make up, checked to be a regular, upright grid."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from monai.data.utils import orientation_ras_lps
from numpy.typing import NDArray

from monai_harmonize.data.dicom_geometry import image_affine
from monai_harmonize.data.dicom_header import tag_error
from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.dicom_slices import RESCALE, SliceHeader, slices_of
from monai_harmonize.data.errors import ImageFileError

__all__ = ["Series", "read_series"]

# What all slices share: attribute of DICOM, attribute of ``SliceHeader``.
SHARED = {
    "Rows": "rows",
    "Columns": "columns",
    "PixelSpacing": "spacing",
    "ImageOrientationPatient": "orientation",
    "PhotometricInterpretation": "photometric",
}
# Slices nearer than this (mm) lie at the same place.
SAME_PLACE = 1e-3
# Share of the distance between slices by which a slice may miss its place: positions are rounded in headers.
UNEVEN = 0.1
# Degrees between the slices' normal and the line on which they lie, above which the volume is sheared; the rounding
# of Image Orientation to three decimals makes up to 0.04.
TILT = 0.2
# Pixels by which a slice may lie beside that line.
BESIDE = 0.5


@dataclass(frozen=True)
class Series:
    """Slices in the order of their places, along the normal of Image Orientation (for axial slices to the head).

    Args:
        folder: folder of the files.
        slices: headers.
        affine: voxel to world of an array (columns, rows, slices), RAS, mm, ``(4, 4)``; its axes are perpendicular.
    """

    folder: Path
    slices: list[SliceHeader]
    affine: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows, slices."""
        return self.slices[0].columns, self.slices[0].rows, len(self.slices)


def read_series(folder: str | PathLike[str]) -> Series:
    """Read the headers of a folder of slices and put them in order.

    Rescale Slope and Intercept may differ from slice to slice; all have them or none. A tilt of the gantry in the
    header alone does not matter: the places decide.

    Raises:
        ImageFileError: see ``slices_of``; or slices of several sizes, spacings, orientations or polarities, some
            without a rescale, two at one place, one missing between others, at uneven distances, or a sheared volume.
    """
    folder = Path(folder)
    slices = slices_of(folder)
    refuse_mixed(slices)
    refuse_partly_rescaled(slices)
    normal = slices[0].normal
    slices.sort(key=lambda one: float(one.position @ normal))
    if len(slices) == 1:
        return Series(folder, slices, image_affine(read_dicom(slices[0].path, header_only=True), slices[0].path))
    positions = np.array([one.position for one in slices])
    refuse_uneven(slices, positions @ normal)
    refuse_sheared(folder, slices, positions, normal)
    row, column = slices[0].orientation.reshape(2, 3)
    lps = np.eye(4)
    lps[:3, 0] = row * slices[0].spacing[1]
    lps[:3, 1] = column * slices[0].spacing[0]
    lps[:3, 2] = normal * ((positions[-1] - positions[0]) @ normal) / (len(slices) - 1)
    lps[:3, 3] = positions[0]
    return Series(folder, slices, np.asarray(orientation_ras_lps(lps)))


def refuse_mixed(slices: list[SliceHeader]) -> None:
    """Raise for the first slice that does not fit the first one's grid."""
    first = slices[0]

    def same(one: Any, other: Any) -> bool:
        return one == other if isinstance(one, str | int) else np.allclose(one, other, rtol=1e-3, atol=1e-4)

    for keyword, name in SHARED.items():
        for other in slices[1:]:
            found, expected = getattr(other, name), getattr(first, name)
            if not same(found, expected):
                raise tag_error(
                    other.path,
                    keyword,
                    plain(found),
                    f"expected {plain(expected)}, as in {first.path.name}; slices of one volume share it: give each "
                    "reconstruction a folder of its own",
                )


def refuse_partly_rescaled(slices: list[SliceHeader]) -> None:
    """Raise for the first slice without Rescale Slope or Intercept beside one that has it: its HU are unknown."""
    for keyword in RESCALE:
        having = [one for one in slices if keyword in one.rescale]
        lacking = [one for one in slices if keyword not in one.rescale]
        if having and lacking:
            raise tag_error(
                lacking[0].path,
                keyword,
                f"missing in {len(lacking)} of {len(slices)} slices",
                f"{having[0].path.name} has it; expected Rescale Slope (0028,1053) and Intercept (0028,1052) in every "
                "slice of a volume or in none; get the series again",
            )


def plain(value: Any) -> Any:
    """A value as it is shown."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def refuse_uneven(slices: list[SliceHeader], places: NDArray[np.float64]) -> None:
    """Raise for slices that do not follow each other at one distance.

    Args:
        slices: in the order of their places.
        places: in mm along the normal.
    """
    steps = np.diff(places)
    usual = float(np.quantile(steps, 0.5, method="lower"))
    if steps.min() < SAME_PLACE:
        twin = int(steps.argmin())
        raise tag_error(
            slices[twin + 1].path,
            "ImagePositionPatient",
            f"the same place as in {slices[twin].path.name}",
            "expected every place once; remove the copy, or give each phase or reconstruction a folder of its own",
        )
    multiples = steps / usual
    gaps = np.flatnonzero(multiples > 1.5)
    if 0 < len(gaps) <= max(1, len(steps) // 4) and np.abs(multiples - np.rint(multiples)).max() < 2 * UNEVEN:
        before = int(gaps[0])
        missing = int(np.rint(multiples[gaps] - 1).sum())
        raise tag_error(
            slices[before + 1].path,
            "ImagePositionPatient",
            f"{steps[before]:.4g} mm from that of {slices[before].path.name}",
            f"expected {usual:.4g} mm: {missing} missing slice(s) in the series; get it again",
        )
    even = np.linspace(places[0], places[-1], len(places))
    if np.abs(places - even).max() > UNEVEN * usual:
        odd = int(np.abs(steps - usual).argmax())
        raise tag_error(
            slices[odd + 1].path,
            "ImagePositionPatient",
            f"{steps[odd]:.4g} mm from that of {slices[odd].path.name}",
            f"expected {usual:.4g} mm as between others; a volume has one distance: resample it, or give each part a "
            "folder of its own",
        )


def refuse_sheared(
    folder: Path, slices: list[SliceHeader], positions: NDArray[np.float64], normal: NDArray[np.float64]
) -> None:
    """Raise where slices do not lie straight above each other, as with a tilted gantry."""
    offsets = positions - positions[0]
    heights = offsets @ normal
    beside = offsets - heights[:, None] * normal
    tilt = float(np.degrees(np.arctan2(np.linalg.norm(beside[-1]), heights[-1])))
    if tilt > TILT:
        raise ImageFileError(
            folder,
            f"its slices lie {tilt:.3g} degrees off their normal (ImagePositionPatient (0020,0032); GantryDetectorTilt "
            f"(0018,1120) is {slices[0].tilt:g}), a sheared volume; expected upright slices; resample it to such, as "
            "dcm2niix does, and give the NIfTI file",
        )
    astray = np.linalg.norm(beside - np.outer(heights / heights[-1], beside[-1]), axis=1)
    if astray.max() > BESIDE * slices[0].spacing.min():
        odd = int(astray.argmax())
        raise tag_error(
            slices[odd].path,
            "ImagePositionPatient",
            f"{astray[odd]:.4g} mm beside the line of the others",
            "expected slices straight above each other; give each reconstruction a folder of its own",
        )
