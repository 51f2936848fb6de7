"""What every radiograph reader takes and reports, so that transforms and writers need not know the format."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple
from numpy.typing import NDArray

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.folder_walk import is_dangling
from monai_harmonize.data.spacing import SPACING_KNOWN

__all__ = ["planar_affine", "radiograph_meta", "single_path"]


def single_path(filenames: Sequence[PathLike[str] | str] | PathLike[str] | str) -> Path:
    """The one existing file among the arguments that MONAI's ``LoadImage`` hands to ``ImageReader.read``.

    Raises:
        ImageFileError: there is no such file, or there are several (films are no channels).
    """
    paths = [Path(name) for name in ensure_tuple(filenames)]
    if len(paths) != 1:
        raise ImageFileError(paths[0] if paths else "", f"{len(paths)} files given; give one file at a time")
    if is_dangling(paths[0]):
        raise ImageFileError(
            paths[0], "is a link to a file that is not there; fetch the file (git annex get), or unlink"
        )
    if not paths[0].is_file():
        raise ImageFileError(paths[0], "there is no such file; check the path or the manifest's root folder")
    return paths[0]


def planar_affine(spacing: tuple[float, float]) -> NDArray[np.float64]:
    """RAS affine ``diag(-dx, -dy, 1, 1)`` of an image with no place in the patient, as ``ITKReader`` has it.

    Args:
        spacing: mm between columns (dx) and between rows (dy).
    """
    return np.diag([-spacing[0], -spacing[1], 1.0, 1.0])


def radiograph_meta(
    *,
    affine: NDArray[np.float64],
    spatial_shape: Sequence[int],
    grey_range: tuple[float, float],
    source_format: str,
    bits_stored: int,
    spacing_known: bool,
    polarity_turned: bool = False,
) -> dict[str, Any]:
    """Metadata of one image: MONAI's keys and ours, and nothing of the patient.

    Args:
        affine: voxel to world, RAS, mm, ``(4, 4)``.
        spatial_shape: ``(W, H)`` or ``(W, H, D)``.
        grey_range: lowest and highest nominal grey level in the file's own unit.
        source_format: ``"dicom"``, ``"dicom_series"``, ``"png"``, ``"jpeg"`` or ``"nifti"``.
        bits_stored: bits of a stored value.
        spacing_known: whether the affine's scale is the file's, not 1 mm for want of one.
        polarity_turned: bright and dark were swapped against the file, which a writer swaps back.
    """
    return {
        MetaKeys.AFFINE.value: affine,
        MetaKeys.ORIGINAL_AFFINE.value: affine.copy(),
        MetaKeys.SPATIAL_SHAPE.value: np.asarray(spatial_shape),
        MetaKeys.ORIGINAL_CHANNEL_DIM.value: float("nan"),  # MONAI's value of "no_channel"
        MetaKeys.SPACE.value: SpaceKeys.RAS.value,
        "grey_range": (float(grey_range[0]), float(grey_range[1])),
        "source_format": source_format,
        "bits_stored": bits_stored,
        "polarity_turned": polarity_turned,
        SPACING_KNOWN: spacing_known,
    }
