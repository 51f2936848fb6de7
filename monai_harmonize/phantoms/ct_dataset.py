"""The embedded CT data: a folder of procedural chest volumes of several scanners with a manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from pathlib import Path

from monai_harmonize.phantoms.anatomy import sample_anatomy
from monai_harmonize.phantoms.cohort import Examination, check_cohort, counts_of_splits, plan_cohort
from monai_harmonize.phantoms.ct_dicom import Acquisition, Geometry
from monai_harmonize.phantoms.ct_scanners import SCANNERS, scan
from monai_harmonize.phantoms.ct_volume import voxelize
from monai_harmonize.phantoms.dataset_record import make_once
from monai_harmonize.phantoms.volume_files import VolumeFormat, check_volumes, make_volumes, row_of, write_volume

__all__ = ["CT_COUNTS", "ensure_ct_dataset"]

GENERATOR, VERSION = "monai_harmonize.phantoms.ct", 2
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
        check_cohort(self.sites, self.counts, self.seed, SCANNERS)
        check_volumes(self.shape, self.file_format)


def _write_patient(examinations: list[Examination], folder: Path, recipe: _Recipe) -> list[dict[str, str]]:
    """Write all volumes of one anatomy into existing folders; rows of the manifest."""
    columns, rows, slices = recipe.shape
    materials = voxelize(sample_anatomy(examinations[0].seed, "none"), (columns, rows, slices))
    spacing = materials.spacing
    geometry = Geometry(spacing, (-(columns - 1) / 2 * spacing[0], -(rows - 1) / 2 * spacing[1], 0.0))
    written = []
    for examination in examinations:
        scanner = SCANNERS[examination.site]
        volume = scan(materials, scanner, examination.seed)
        acquisition = Acquisition(scanner.name, examination.patient, scanner.kilovolt, "CHEST", padding=scanner.padding)
        key = f"{recipe.seed}/{recipe.shape}/{examination.stem}"
        place = write_volume(folder / examination.stem, volume, geometry, acquisition, key, recipe.file_format)
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        written += [row_of(examination, file, folder) for file in files]
    return written


def _make(folder: Path, recipe: _Recipe, progress: bool, workers: int) -> None:
    patients = plan_cohort(recipe.sites, recipe.counts, recipe.seed, paired=True)
    make_volumes(
        folder, patients, partial(_write_patient, folder=folder, recipe=recipe), "CT phantoms", progress, workers
    )


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
    counts = counts_of_splits(anatomies_per_site)
    recipe = _Recipe(list(sites), counts, list(shape), seed, file_format)
    return make_once(
        Path(folder),
        {"generator": GENERATOR, "version": VERSION, **asdict(recipe)},
        lambda new: _make(new, recipe, progress, workers),
        renew,
    )
