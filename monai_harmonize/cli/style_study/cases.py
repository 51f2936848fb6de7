"""The test volumes by which styles are judged, and which of them show the same voxels."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.cli.style_study.segmentation import Segmentation
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.data import InputError
from monai_harmonize.data.patient_split import Record
from monai_harmonize.evaluation.style.scoring import StyleCase, spread_slices
from monai_harmonize.transforms.load_label_map import TOLERANCE, millimetres_apart

__all__ = ["cases_of", "paired_truths"]

logger = logging.getLogger(__name__)

# Column that tells scans of one patient apart, as for ``evaluate``.
ANATOMY = "anatomy"


class Grid(NamedTuple):
    """Voxels of a whole volume.

    Args:
        size: along each axis.
        affine: ``(4, 4)``, from voxels to millimetres.
    """

    size: tuple[int, ...]
    affine: NDArray[np.float64]


def paired_truths(study: StyleStudy, look: str) -> dict[str, str]:
    """The home test image of every record that shows it in another look, by that record's image.

    A record of the split ``truth`` shows a home test volume of the same patient, voxel by voxel. Where a patient has
    several, the column ``anatomy`` tells which: it is the same in both. The same patient in another split may be
    another examination.

    Raises:
        InputError: two home volumes fit a record, or two records a home volume.
    """
    truths, home = [record for record in study.cases(look) if record["split"] == "truth"], study.home_cases()
    pairs = [(truth, record) for truth in truths for record in home if may_show(truth, record)]
    for one in (0, 1):
        fitting: dict[str, Record] = {}
        for pair in pairs:
            record, found = pair[one], pair[1 - one]
            first = fitting.setdefault(record["image"], found)
            if first is not found:
                raise InputError(
                    f"{study.manifest.path}: {record['file']} (site {record['site']}, split {record['split']}) fits "
                    f"{first['file']} and {found['file']}, volumes of the same patient; fill the column {ANATOMY!r} "
                    "alike where two rows show the same voxels, and differently where not."
                )
    return {truth["image"]: record["image"] for truth, record in pairs}


def may_show(truth: Record, record: Record) -> bool:
    """Whether both are of one patient, and of one anatomy if they tell."""
    if "patient" not in record or truth.get("patient") != record["patient"]:
        return False
    return ANATOMY not in truth or ANATOMY not in record or str(truth[ANATOMY]) == str(record[ANATOMY])


def cases_of(study: StyleStudy, images: Segmentation, *, warn: bool = False) -> list[StyleCase]:
    """Some slices of every test volume that is drawn in other looks or brought home, with its truths.

    Args:
        study: whose test volumes.
        images: reads them.
        warn: of truths that do not show the same voxels, and do not count.

    Raises:
        InputError: see ``paired_truths``.
    """
    home = {record["image"]: loaded(study, images, record) for record in study.home_cases()}
    truths: dict[str, dict[str, Tensor]] = {image: {} for image in home}
    others = []
    for look in study.sites.shifted:
        shown = paired_truths(study, look)
        for record in study.cases(look):
            case, grid = loaded(study, images, record)
            if record["image"] in shown:
                twin, twin_grid = home[shown[record["image"]]]
                if same_voxels(grid, twin_grid):
                    truths[shown[record["image"]]][look] = case.volume
                    case = replace(case, truths={study.sites.home: twin.volume})
                elif warn:
                    logger.warning(
                        "%s and %s have other voxels, so that no drawing is compared with them; resample one of them.",
                        case.image, twin.image,
                    )  # fmt: skip
            others.append(case)
    return [*(replace(case, truths=truths[image]) for image, (case, _) in home.items()), *others]


def loaded(study: StyleStudy, images: Segmentation, record: Record) -> tuple[StyleCase, Grid]:
    """Slices of a record, and the voxels of all of it."""
    volume, label, affine = images.load(record)
    count = study.definition.slices
    patient = str(record.get("patient", record["image"]))
    slices = spread_slices(volume, count), spread_slices(label, count)
    return StyleCase(str(record["file"]), patient, record["site"], *slices), Grid(tuple(label.shape), affine)


def same_voxels(one: Grid, other: Grid) -> bool:
    """Whether two volumes have equally many voxels at the same places."""
    if one.size != other.size:
        return False
    voxel = float(np.linalg.norm(one.affine[:3, :3], axis=0).min())
    return millimetres_apart(one.affine, other.affine, one.size) <= TOLERANCE * voxel
