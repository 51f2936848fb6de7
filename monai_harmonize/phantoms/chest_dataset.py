"""The embedded default data: a folder of procedural chest radiographs of several sites with a manifest."""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
from PIL import Image
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.anatomy import sample_anatomy
from monai_harmonize.phantoms.cohort import (
    DEFAULT_COUNTS,
    TRUTH,
    Examination,
    check_cohort,
    counts_of_splits,
    plan_cohort,
)
from monai_harmonize.phantoms.dataset_record import MANIFEST, make_once
from monai_harmonize.phantoms.dicom_dx import Exposure, quantize, write_dx
from monai_harmonize.phantoms.radiograph import render_paths
from monai_harmonize.phantoms.sites import SITES
from monai_harmonize.phantoms.thorax import lesion_mask, lung_mask, project_thorax

FileFormat = Literal["dicom", "png"]
SUFFIX: Mapping[str, str] = {"dicom": ".dcm", "png": ".png"}
GENERATOR, VERSION = (
    "monai_harmonize.phantoms",
    2,
)  # a new version whenever the same arguments give other bytes


@dataclass(frozen=True)
class _Recipe:
    """All that decides the bytes of a dataset."""

    sites: Sequence[str]
    counts: Mapping[str, int]
    size: int
    seed: int
    file_format: str
    paired: bool
    severity: float
    shared: float

    def __post_init__(self) -> None:
        check_cohort(self.sites, self.counts, self.seed, SITES)
        if self.file_format not in get_args(FileFormat):
            raise InputError(f"file_format must be one of {list(get_args(FileFormat))}, got {self.file_format!r}")
        if not 0 < self.severity < math.inf:
            raise InputError(f"severity must be a number above 0, got {self.severity}")
        if not 0 <= self.shared <= 1:
            raise InputError(f"shared must be a part between 0 and 1, got {self.shared}")
        if self.size < 32:
            raise InputError(f"size must be at least 32, got {self.size}")


def _write_patient(examinations: list[Examination], folder: Path, recipe: _Recipe) -> None:
    """Write all radiographs of one anatomy, and the masks of its lungs and its finding, into existing folders."""
    first = examinations[0]
    anatomy = sample_anatomy(first.seed, first.finding, recipe.severity)
    paths = project_thorax(anatomy, recipe.size)
    for examination in examinations:
        site, row = SITES[examination.site], examination.row(SUFFIX[recipe.file_format])
        image, file = render_paths(paths, site, examination.seed), folder / str(row["file"])
        if recipe.file_format == "dicom":
            key = f"{recipe.seed}/{recipe.size}/{examination.stem}"
            write_dx(file, image, site, Exposure(str(row["patient"]), anatomy.sex, paths.pixel, key))
        else:
            Image.fromarray(quantize(image, 16, inverted=False)).save(file)
        Image.fromarray(lung_mask(paths)).save(folder / str(row["lung_mask"]))
        if row["mask"]:
            Image.fromarray(lesion_mask(paths)).save(folder / str(row["mask"]))


def _make(folder: Path, recipe: _Recipe, progress: bool, workers: int) -> None:
    """Make the dataset anew.

    Images need no atomic writing: the record says complete only after the last file is in place, and a
    dataset without that word is made from nothing.
    """
    for stale in (folder / split for split in (*DEFAULT_COUNTS, TRUTH)):
        if stale.exists():
            shutil.rmtree(stale)
    patients = plan_cohort(recipe.sites, recipe.counts, recipe.seed, recipe.paired, recipe.shared)
    rows = [examination.row(SUFFIX[recipe.file_format]) for patient in patients for examination in patient]
    for parent in {(folder / str(row["file"])).parent for row in rows}:
        parent.mkdir(parents=True)
    jobs = (delayed(_write_patient)(examinations, folder, recipe) for examinations in patients)
    done = Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)
    for _ in tqdm(done, "chest phantoms", len(patients), unit="patient", mininterval=1, disable=not progress):
        pass
    pd.DataFrame(rows).to_csv(folder / MANIFEST, index=False)


def ensure_chest_dataset(
    folder: str | PathLike[str],
    *,
    sites: Sequence[str] = tuple(SITES),
    anatomies_per_site: Mapping[str, int] = DEFAULT_COUNTS,
    size: int = 256,
    seed: int = 0,
    file_format: FileFormat = "dicom",
    paired: bool = True,
    severity: float = 1.0,
    shared: float = 0.0,
    progress: bool = True,
    workers: int = 2,
    renew: bool = False,
) -> Path:
    """Return the manifest of a dataset of chest radiographs; make it where missing, partial or different.

    The same arguments give the same bytes, whatever the number of workers. Images of a split and a site lie
    in `split/site/`; the manifest has the columns file, site, label (1 = finding), patient, split, mask (PNG,
    255 inside the finding; empty without one), lung_mask (PNG, 255 inside the lung fields), polarity, anatomy
    (joins a test image with its truth) and finding. Sites have no patient in common but those who are `shared`, and
    those of the split "truth", which shows the test patients of another site. Processes that call this at once (ranks
    of a distributed run) wait for the first; a call that was killed is made good by the next.

    Args:
        folder: new or empty, or made by an earlier call; a dataset of other arguments is replaced.
        sites: names of `SITES`.
        anatomies_per_site: patients per site for the splits "train", "validation" and "test"; 0 where absent.
        size: pixels per edge, at least 32.
        seed: seed of everything.
        file_format: "dicom" (bits and polarity of the site) or "png" (16 bit, bright = dense).
        paired: render the test patients of each site at every other site, too.
        severity: how far the patients' disease has gone, see `worsened`; at 1 most findings are subtle.
        shared: part of each site's patients of training and validation whom all other sites examined, too.
        progress: show a progress bar.
        workers: processes.
        renew: make the dataset also where it is complete.

    Raises:
        InputError: for an unknown site, split or format, or a folder with content of other origin.
    """
    counts = counts_of_splits(anatomies_per_site)
    recipe = _Recipe(list(sites), counts, size, seed, file_format, paired, severity, shared)
    return make_once(
        Path(folder),
        {"generator": GENERATOR, "version": VERSION, **asdict(recipe)},
        lambda new: _make(new, recipe, progress, workers),
        renew,
    )


def write_chest_dataset(folder: str | PathLike[str], **options: Any) -> Path:
    """Make a dataset anew, even where it is complete; arguments and errors as in `ensure_chest_dataset`."""
    return ensure_chest_dataset(folder, **options, renew=True)
