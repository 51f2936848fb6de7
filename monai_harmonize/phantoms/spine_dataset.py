"""The embedded spine data: a folder of procedural CT of the spine in several looks, with label maps and a manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, get_args

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.cohort import Examination, check_cohort, counts_of_splits, plan_cohort
from monai_harmonize.phantoms.ct_dicom import Acquisition, Geometry
from monai_harmonize.phantoms.dataset_record import make_once
from monai_harmonize.phantoms.spine_anatomy import sample_spine
from monai_harmonize.phantoms.spine_levels import LabelKind, select_labels
from monai_harmonize.phantoms.spine_looks import LOOKS, at_strength, look_at
from monai_harmonize.phantoms.spine_volume import voxelize_spine
from monai_harmonize.phantoms.volume_files import (
    VolumeFormat,
    check_volumes,
    make_volumes,
    row_of,
    write_nifti,
    write_volume,
)

__all__ = ["SPINE_COUNTS", "ensure_spine_dataset", "write_spine_dataset"]

GENERATOR, VERSION = "monai_harmonize.phantoms.spine", 1
SPINE_COUNTS: Mapping[str, int] = {"train": 12, "validation": 3, "test": 5}


@dataclass(frozen=True)
class _Recipe:
    """All that decides the bytes of a dataset."""

    sites: Sequence[str]
    counts: Mapping[str, int]
    shape: Sequence[int]
    spacing: Sequence[float]
    seed: int
    strength: float
    labels: LabelKind
    file_format: str

    def __post_init__(self) -> None:
        check_cohort(self.sites, self.counts, self.seed, LOOKS)
        check_volumes(self.shape, self.file_format)
        if self.labels not in get_args(LabelKind):
            raise InputError(f"labels is {self.labels!r}; expected one of {list(get_args(LabelKind))}")
        if len(self.spacing) != 3 or not all(0.3 <= edge <= 10 for edge in self.spacing):
            raise InputError(f"spacing is {tuple(self.spacing)}; expected three edges of 0.3 to 10 mm")
        if not 0 <= self.strength <= 3:
            raise InputError(f"strength must be 0 to 3, got {self.strength}")


def _write_patient(examinations: list[Examination], folder: Path, recipe: _Recipe) -> list[dict[str, str]]:
    """Write volumes and label maps of one anatomy into existing folders; rows of the manifest."""
    columns, rows, slices = recipe.shape
    width, height, thickness = recipe.spacing
    volume = voxelize_spine(sample_spine(examinations[0].seed), (columns, rows, slices), (width, height, thickness))
    geometry = Geometry(volume.materials.spacing, volume.corner)
    labels = select_labels(volume.labels, recipe.labels)
    written = []
    for examination in examinations:
        look, stem = at_strength(LOOKS[examination.site], recipe.strength), folder / examination.stem
        image = look_at(volume.materials, look, examination.seed)
        acquisition = Acquisition(look.name, examination.patient, look.kilovolt, "SPINE", look.name.upper())
        key = f"spine/{asdict(recipe)}/{examination.stem}"
        file = write_volume(stem, image, geometry, acquisition, key, recipe.file_format)
        mask = stem.with_name(f"{stem.name}_mask.nii.gz")
        write_nifti(mask, labels, geometry)
        written.append(row_of(examination, file, folder, mask=mask.relative_to(folder).as_posix()))
    return written


def _make(folder: Path, recipe: _Recipe, paired: bool, progress: bool, workers: int) -> None:
    patients = plan_cohort(recipe.sites, recipe.counts, recipe.seed, paired)
    write = partial(_write_patient, folder=folder, recipe=recipe)
    make_volumes(folder, patients, write, "spine phantoms", progress, workers)


def ensure_spine_dataset(
    folder: str | PathLike[str],
    *,
    sites: Sequence[str] = tuple(LOOKS),
    anatomies_per_site: Mapping[str, int] = SPINE_COUNTS,
    shape: tuple[int, int, int] = (128, 128, 32),
    spacing: tuple[float, float, float] = (2.5, 2.5, 5.0),
    seed: int = 0,
    strength: float = 1.0,
    labels: LabelKind = "vertebrae",
    file_format: VolumeFormat = "nifti",
    paired: bool = True,
    progress: bool = True,
    workers: int = 2,
    renew: bool = False,
) -> Path:
    """Return the manifest of a dataset of spine CT; make it where missing, partial or different.

    The same arguments give the same voxels, whatever the number of workers. The manifest has a row per volume and the
    columns file (NIfTI, or the folder of a DICOM series), site (the look), patient, split, mask (NIfTI label map on
    the same voxels) and anatomy. Sites share no patient; the split "truth" shows the test patients in the other looks.

    Args:
        folder: new or empty, or made by an earlier call; a dataset of other arguments is replaced.
        sites: names of ``LOOKS``.
        anatomies_per_site: patients per site for the splits "train", "validation" and "test"; 0 where absent.
        shape: columns, rows, slices of a volume.
        spacing: voxel edges in mm.
        seed: seed of everything.
        strength: how far the looks lie from the reference, see ``at_strength``.
        labels: which label map, see ``select_labels``.
        file_format: "nifti" (int16 HU) or "dicom" (a series per volume).
        paired: show the test patients of each site in every other look, too.
        progress: show a progress bar.
        workers: processes.
        renew: make the dataset also where it is complete.

    Raises:
        InputError: for an unknown site, split, format or kind of labels, a shape, spacing or strength out of range, or
            a folder with content of other origin.
    """
    counts = counts_of_splits(anatomies_per_site)
    recipe = _Recipe(list(sites), counts, list(shape), list(spacing), seed, strength, labels, file_format)
    return make_once(
        Path(folder),
        {"generator": GENERATOR, "version": VERSION, "paired": paired, **asdict(recipe)},
        lambda new: _make(new, recipe, paired, progress, workers),
        renew,
    )


def write_spine_dataset(folder: str | PathLike[str], **options: Any) -> Path:
    """Make a dataset anew, even where it is complete; arguments and errors as in ``ensure_spine_dataset``."""
    return ensure_spine_dataset(folder, **options, renew=True)
