"""Labelled images of the server as the manifest of a bundle's training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.patient_split import split_by_patient
from monai_harmonize.transforms import LoadRadiograph

__all__ = ["SITE", "Labelled", "class_of", "digest", "write_manifest"]

SITE = "studies"


@dataclass(frozen=True)
class Labelled:
    """An image with its final label.

    Args:
        image: file or DICOM folder.
        label: file of the label.
        patient: whose image it is, where that is known; all images of one go to the same split.
        segments: what a mask marks, values by name, where its client told; otherwise whatever is above 0.
    """

    image: Path
    label: Path
    patient: str | None = None
    segments: Mapping[str, int] = field(default_factory=dict)


def write_manifest(images: Sequence[Labelled], path: Path, val_split: float, classes: bool) -> Path:
    """Write the manifest, split by patient; no patient's number is written, only a digest.

    Args:
        images: labelled images.
        path: the CSV file.
        val_split: share of validation, between 0 and 1.
        classes: whether labels are classes (``class_of``), not masks.

    Returns:
        The path.

    Raises:
        InputError: fewer than two images or patients, a share outside (0, 1), one class alone, or a damaged label.
    """
    if len(images) < 2:
        raise InputError(
            f"{len(images)} images have a final label of the kind that is trained here; training needs two at least, "
            "one for validation."
        )
    if not 0 < val_split < 1:
        raise InputError(f"val_split is {val_split:g}; expected a share between 0 and 1.")
    records = [
        {
            "file": str(one.image),
            "site": SITE,
            **({"label": class_of(one.label)} if classes else {"mask": str(one.label)}),
            **({"patient": digest(one.patient)} if one.patient else {}),
        }
        for one in sorted(images, key=lambda one: str(one.image))
    ]
    if classes and len({record["label"] for record in records}) == 1:
        raise InputError(f"all labels are {records[0]['label']}; training needs images of both classes.")
    split = split_by_patient(records, {"train": 1 - val_split, "validation": val_split})
    if len({record["split"] for record in split}) < 2:
        raise InputError("the labelled images are of one patient; training needs those of two, one for validation.")
    with atomic_path(path) as temporary:
        pd.DataFrame(split).to_csv(temporary, index=False)
    return path


def class_of(path: Path) -> int:
    """Class of a label: a JSON file ``{"label": 0}`` or ``1``, or a mask in which any pixel marks a finding.

    Raises:
        InputError: it is neither.
    """
    if path.suffix.lower() != ".json":
        return int((LoadRadiograph()(path) > 0).any())
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f'{path.name}: is no JSON file; expected a label such as {{"label": 1}}.') from error
    label = content.get("label") if isinstance(content, dict) else None
    if isinstance(label, bool) or label not in (0, 1):
        raise InputError(f'{path.name}: its label is {label!r}; expected {{"label": 0}} or {{"label": 1}}.')
    return int(label)


def digest(patient: str) -> str:
    """What tells patients apart without telling who they are."""
    return hashlib.sha256(patient.encode()).hexdigest()[:16]
