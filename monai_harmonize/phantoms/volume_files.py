"""Writes CT volumes of phantoms, NIfTI or DICOM, and whole datasets of them in parallel."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import nibabel
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.cohort import DEFAULT_COUNTS, TRUTH, Examination
from monai_harmonize.phantoms.ct_dicom import Acquisition, Geometry, write_ct_series
from monai_harmonize.phantoms.dataset_record import MANIFEST

__all__ = ["VolumeFormat", "check_volumes", "make_volumes", "row_of", "write_nifti", "write_volume"]

VolumeFormat = Literal["nifti", "dicom"]


def check_volumes(shape: Sequence[int], file_format: str) -> None:
    """Refuse a shape or format that no volume has.

    Raises:
        InputError: no three numbers of 8 or more; or no ``VolumeFormat``.
    """
    if file_format not in get_args(VolumeFormat):
        raise InputError(f"file_format is {file_format!r}; expected one of {list(get_args(VolumeFormat))}")
    if len(shape) != 3 or min(shape) < 8:
        raise InputError(f"shape is {tuple(shape)}; expected columns, rows and slices, 8 or more each")


def write_volume(
    stem: Path, volume: NDArray[np.int16], geometry: Geometry, acquisition: Acquisition, key: str, file_format: str
) -> Path:
    """Write one volume.

    Args:
        stem: path without suffix, in an existing folder.
        volume: HU (columns, rows, slices), to the patient's left, back and head.
        geometry: where its voxels lie.
        acquisition: what a DICOM header says of it.
        key: text from which a series' unique identifiers are derived.
        file_format: a ``VolumeFormat``.

    Returns:
        The NIfTI file, or the new folder of the DICOM series.
    """
    if file_format == "dicom":
        stem.mkdir()
        write_ct_series(stem, volume, acquisition, geometry, key)
        return stem
    file = stem.with_name(f"{stem.name}.nii.gz")
    write_nifti(file, volume, geometry)
    return file


def row_of(examination: Examination, file: Path, folder: Path, **further: str) -> dict[str, str]:
    """Row of the manifest for a file of an examination; its path is relative to the dataset's folder."""
    return {
        "file": file.relative_to(folder).as_posix(),
        "site": examination.site,
        "patient": examination.patient,
        "split": examination.split,
        **further,
        "anatomy": examination.anatomy,
    }


def write_nifti(path: Path, volume: NDArray[np.int16] | NDArray[np.uint8], geometry: Geometry) -> None:
    """Write an array (columns, rows, slices) that runs to the patient's left, back and head.

    NIfTI's axes run to the right and the front, so that the affine turns the first two.
    """
    flip = np.array((-1.0, -1.0, 1.0))
    affine = np.diag([*flip * geometry.spacing, 1.0])
    affine[:3, 3] = flip * geometry.corner
    image = nibabel.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def make_volumes(
    folder: Path,
    patients: Sequence[list[Examination]],
    write_patient: Callable[[list[Examination]], list[dict[str, str]]],
    title: str,
    progress: bool,
    workers: int,
) -> None:
    """Make a dataset anew: all volumes of all patients, and the manifest.

    Args:
        folder: existing folder; splits of an earlier dataset in it are removed.
        patients: the examinations of each patient.
        write_patient: writes all volumes of a patient into existing folders and returns the rows of the manifest.
        title: of the progress bar.
        progress: show it.
        workers: processes.
    """
    for stale in (folder / split for split in (*DEFAULT_COUNTS, TRUTH)):
        if stale.exists():
            shutil.rmtree(stale)
    for parent in {(folder / examination.stem).parent for patient in patients for examination in patient}:
        parent.mkdir(parents=True)
    jobs = (delayed(write_patient)(examinations) for examinations in patients)
    done = Parallel(n_jobs=workers, return_as="generator")(jobs)
    shown = tqdm(done, title, len(patients), unit="patient", mininterval=1, disable=not progress)
    pd.DataFrame([row for rows in shown for row in rows]).to_csv(folder / MANIFEST, index=False)
