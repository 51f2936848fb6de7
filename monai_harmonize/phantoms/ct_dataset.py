"""The embedded CT data: a folder of procedural chest volumes of several scanners with a manifest."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

import nibabel
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.anatomy import sample_anatomy
from monai_harmonize.phantoms.cohort import TRUTH, Examination, plan_cohort
from monai_harmonize.phantoms.ct_dicom import write_ct_series
from monai_harmonize.phantoms.ct_scanners import SCANNERS, scan
from monai_harmonize.phantoms.ct_volume import voxelize
from monai_harmonize.phantoms.dataset_record import MANIFEST, make_once

__all__ = ["CT_COUNTS", "ensure_ct_dataset"]

VolumeFormat = Literal["nifti", "dicom"]
GENERATOR, VERSION = "monai_harmonize.phantoms.ct", 1
CT_COUNTS: Mapping[str, int] = {"train": 8, "validation": 2, "test": 3}


@dataclass(frozen=True)
class _Recipe:
    """All that decides the bytes of a dataset."""

    sites: Sequence[str]
    counts: Mapping[str, int]
    shape: Sequence[int]
    seed: int
    file_format: str

    def __post_init__(self) -> None:
        if not self.sites or any(name not in SCANNERS for name in self.sites):
            raise InputError(f"sites are {list(self.sites)}; choose among {sorted(SCANNERS)}")
        if any(name not in CT_COUNTS for name in self.counts) or min(self.counts.values(), default=0) < 0:
            raise InputError(f"anatomies_per_site is {dict(self.counts)}; choose counts for {list(CT_COUNTS)}")
        if self.file_format not in get_args(VolumeFormat):
            raise InputError(f"file_format is {self.file_format!r}; expected one of {list(get_args(VolumeFormat))}")
        if len(self.shape) != 3 or min(self.shape) < 8:
            raise InputError(f"shape is {tuple(self.shape)}; expected columns, rows and slices, 8 or more each")


def _write_patient(examinations: list[Examination], folder: Path, recipe: _Recipe) -> list[dict[str, str]]:
    """Write all volumes of one anatomy into existing folders; rows of the manifest."""
    columns, rows, slices = recipe.shape
    materials = voxelize(sample_anatomy(examinations[0].seed, "none"), (columns, rows, slices))
    written = []
    for examination in examinations:
        scanner, patient = SCANNERS[examination.site], f"PHANTOM-{examination.anatomy}"
        volume = scan(materials, scanner, examination.seed)
        if recipe.file_format == "dicom":
            series = folder / examination.stem
            series.mkdir()
            key = f"{recipe.seed}/{recipe.shape}/{examination.stem}"
            files = write_ct_series(series, volume, scanner, patient, materials.spacing, key)
        else:
            files = [folder / f"{examination.stem}.nii.gz"]
            _write_nifti(files[0], volume, materials.spacing)
        written += [
            {
                "file": file.relative_to(folder).as_posix(),
                "site": examination.site,
                "patient": patient,
                "split": examination.split,
                "anatomy": examination.anatomy,
            }
            for file in files
        ]
    return written


def _write_nifti(path: Path, volume: NDArray[np.int16], spacing: tuple[float, float, float]) -> None:
    """Columns and rows run to the patient's left and back, NIfTI's axes to the right and front."""
    image = nibabel.Nifti1Image(volume, np.diag([-spacing[0], -spacing[1], spacing[2], 1.0]))
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def _make(folder: Path, recipe: _Recipe, progress: bool, workers: int) -> None:
    for stale in (folder / split for split in (*CT_COUNTS, TRUTH)):
        if stale.exists():
            shutil.rmtree(stale)
    patients = plan_cohort(recipe.sites, recipe.counts, recipe.seed, paired=True)
    for parent in {(folder / examination.stem).parent for patient in patients for examination in patient}:
        parent.mkdir(parents=True)
    jobs = (delayed(_write_patient)(examinations, folder, recipe) for examinations in patients)
    done = Parallel(n_jobs=workers, return_as="generator")(jobs)
    shown = tqdm(done, "CT phantoms", len(patients), unit="patient", mininterval=1, disable=not progress)
    pd.DataFrame([row for rows in shown for row in rows]).to_csv(folder / MANIFEST, index=False)


def ensure_ct_dataset(
    folder: str | PathLike[str],
    *,
    sites: Sequence[str] = tuple(SCANNERS),
    anatomies_per_site: Mapping[str, int] = CT_COUNTS,
    shape: tuple[int, int, int] = (96, 96, 48),
    seed: int = 0,
    file_format: VolumeFormat = "nifti",
    progress: bool = True,
    workers: int = 2,
    renew: bool = False,
) -> Path:
    """Return the manifest of a dataset of chest CT; make it where missing, partial or different.

    The same arguments give the same voxels, whatever the number of workers. The manifest has the columns file, site,
    patient, split and anatomy, one row per file: a volume, or a slice of a DICOM series, whose folder is named by
    the anatomy. Sites share no patient; the split "truth" shows the test patients at the other sites.

    Args:
        folder: new or empty, or made by an earlier call; a dataset of other arguments is replaced.
        sites: names of ``SCANNERS``.
        anatomies_per_site: patients per site for the splits "train", "validation" and "test"; 0 where absent.
        shape: columns, rows, slices of a volume.
        seed: seed of everything.
        file_format: "nifti" (int16 HU) or "dicom" (a series per volume).
        progress: show a progress bar.
        workers: processes.
        renew: make the dataset also where it is complete.

    Raises:
        InputError: for an unknown site, split or format, a shape that is none, or a folder with content of other
            origin.
    """
    counts = {split: anatomies_per_site.get(split, 0) for split in {**CT_COUNTS, **anatomies_per_site}}
    recipe = _Recipe(list(sites), counts, list(shape), seed, file_format)
    return make_once(
        Path(folder),
        {"generator": GENERATOR, "version": VERSION, **asdict(recipe)},
        lambda new: _make(new, recipe, progress, workers),
        renew,
    )
