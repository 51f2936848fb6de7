"""Patients of a manifest, each with the images from which a missing one is filled in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.inputs import Inputs, PathLike
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.data.site_numbers import checked_sites

__all__ = ["contrasts_of_patients"]


def contrasts_of_patients(
    manifest: Manifest,
    contrasts: Sequence[str],
    splits: Sequence[str],
    targets: Sequence[str],
    only_missing: bool = False,
    by: str = "patient",
    data_root: PathLike | None = None,
) -> Inputs:
    """One item for each patient and contrast to fill in.

    An item has ``contrasts``, a record or ``None`` for each, ``None`` at the wanted one; the number of that one,
    ``target``; its record where the patient has it, ``label``; and ``image``, the path of the first that there is. Of
    several images of one contrast the first counts.

    Args:
        manifest: where the images come from; its sites are the contrasts.
        contrasts: names of the sites, in the order in which the network knows them.
        splits: of the images; paired truth is a split of its own.
        targets: contrasts to fill in.
        only_missing: leave out patients who have the wanted one.
        by: column that tells the patient.
        data_root: folder below which results keep their paths; by default that of the manifest.

    Raises:
        InputError: ``contrasts`` is no list of two or more different plain names, a target is no contrast, an image
            tells no patient, or nobody is left.
        ManifestError: see ``Manifest.select``.
    """
    contrasts = checked_sites(contrasts)
    if unknown := [name for name in targets if name not in contrasts]:
        raise InputError(f"target_site is {unknown[0]!r}; expected one of {', '.join(contrasts)}.")
    patients: dict[str, dict[str, dict[str, Any]]] = {}
    for record in manifest.select(site=contrasts, split=splits):
        if by not in record:
            raise ImageFileError(record["image"], f"its row in {manifest.path} has no {by!r}; fill in the column")
        patients.setdefault(record[by], {}).setdefault(record["site"], record)
    items = [
        item_of(images, contrasts, target)
        for target in targets
        for images in patients.values()
        if not (only_missing and target in images)
    ]
    if not items:
        raise InputError(f"{manifest.path}: every patient has an image of {', '.join(targets)}; nothing is missing.")
    return Inputs(items, manifest.path.parent if data_root is None else Path(data_root))


def item_of(images: dict[str, dict[str, Any]], contrasts: Sequence[str], target: str) -> dict[str, Any]:
    """The item of one patient, whose images are given by contrast."""
    given = [None if name == target else images.get(name) for name in contrasts]
    first = next(record for record in [*given, *images.values()] if record is not None)
    label = images.get(target)
    return {"image": first["image"], "contrasts": given, "target": list(contrasts).index(target), "label": label}
