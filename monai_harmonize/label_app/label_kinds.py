"""Which labelled images of a folder belong to a model, and which part of a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np

from monai_harmonize.data.nifti import DAMAGED
from monai_harmonize.data.sniff import sniff_format
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.modality_check import other_modality
from monai_harmonize.label_app.served_bundles import Kind, kind_of, label_names
from monai_harmonize.label_app.train_records import Labelled

__all__ = ["OTHER_IMAGE", "OTHER_LABEL", "OTHER_SEGMENTS", "of_this_kind"]

OTHER_IMAGE = "images of another modality"
OTHER_LABEL = "labels that are classes and no masks"
OTHER_SEGMENTS = "labels in which other structures are marked"


def of_this_kind(bundle: Bundle, images: Sequence[Labelled], folder: Path) -> tuple[list[Labelled], dict[str, int]]:
    """Labelled images on which a model can be trained.

    Of a NIfTI mask whose client told names and values of its segments, those of the model alone are kept: 3D Slicer
    saves all segments of the scene in one file, the empty ones by their names only.

    Args:
        bundle: the model.
        images: all that are labelled.
        folder: for masks of which a part is kept.

    Returns:
        Those of the model's kind, and how many are left out, by reason.
    """
    kept, left_out = [], Counter[str]()
    for one in images:
        found = fitted(bundle, one, folder)
        if isinstance(found, Labelled):
            kept.append(found)
        else:
            left_out[found] += 1
    return kept, dict(left_out)


def fitted(bundle: Bundle, one: Labelled, folder: Path) -> Labelled | str:
    """A labelled image with the model's part of its label, or why it is left out."""
    if other_modality(bundle, one.image) is not None:
        return OTHER_IMAGE
    if one.label.suffix.lower() == ".json":
        return one if kind_of(bundle) is Kind.classification else OTHER_LABEL
    own = [value for name, value in one.segments.items() if name in label_names(bundle)]
    if not one.segments or len(own) == len(one.segments):
        return one
    return own_part(one, own, folder) if own else OTHER_SEGMENTS


def own_part(one: Labelled, own: Sequence[int], folder: Path) -> Labelled | str:
    """A mask with some of its values alone; as it is where it has no others, or is damaged, for its reader to tell."""
    if sniff_format(one.label) != "nifti":
        return one
    try:
        mask = nibabel.load(one.label)
        values = np.asarray(mask.dataobj)
    except DAMAGED:
        return one
    inside = np.isin(values, own)
    if not inside.any() and values.any():
        return OTHER_SEGMENTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{one.label.name.split('.')[0]}_{len(list(folder.iterdir()))}.nii.gz"
    nibabel.Nifti1Image(inside.astype(np.uint8), mask.affine).to_filename(path)
    return replace(one, label=path)
