"""Manifest records for segmentation: which column is the label, and which file is segmented."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.listed import listed
from monai_harmonize.data.patient_split import Record

__all__ = ["masks_of_all_or_none", "records_with_masks", "with_images_of"]

logger = logging.getLogger(__name__)


def records_with_masks(records: Sequence[Record], columns: Sequence[str] = ("lung_mask", "mask")) -> list[Record]:
    """Records that have a mask, its path (or paths, where it has several channels) as ``label``.

    Args:
        records: records of a manifest; a class that they give as ``label`` is replaced.
        columns: columns of masks, the first that any record fills is taken.

    Raises:
        InputError: no record has a mask, or ``columns`` is a text.
    """
    columns = listed("mask_columns", columns)
    column = next((name for name in columns if any(name in record for record in records)), None)
    if column is None:
        raise InputError(
            f"none of {len(records)} selected images has a mask; fill the column {' or '.join(columns)} of the "
            "manifest, or choose another site or split"
        )
    chosen = [{**record, "label": record[column]} for record in records if column in record]
    if len(chosen) < len(records):
        logger.info("%d of %d images have no %s and are left out.", len(records) - len(chosen), len(records), column)
    return chosen


def masks_of_all_or_none(records: Sequence[Record], column: str = "lung_mask") -> list[Record]:
    """Records with a column of masks only where every one fills it, so that any of them make a batch.

    Args:
        records: records of a manifest.
        column: of masks.
    """
    missing = sum(column not in record for record in records)
    if not missing:
        return [dict(record) for record in records]
    if missing < len(records):
        logger.info("%d of %d images have no %s: those of the others are not used.", missing, len(records), column)
    return [{name: value for name, value in record.items() if name != column} for record in records]


def with_images_of(
    records: Sequence[Record], harmonized: str | os.PathLike[str] | None, root: str | os.PathLike[str]
) -> list[Record]:
    """Records whose image is the harmonized twin of the original; masks and everything else stay.

    A harmonizer keeps format and polarity of its source, so that the record describes the twin as well.

    Args:
        records: records of a manifest.
        harmonized: folder in which each twin has the path that its original has below ``root``; ``None`` keeps
            the originals.
        root: folder that the originals' relative paths start from.

    Raises:
        InputError: an original lies outside ``root`` or has no twin; the message counts them and names the first.
    """
    if harmonized is None:
        return [dict(record) for record in records]
    folder, start = Path(harmonized), os.path.abspath(root)
    outside = [record["image"] for record in records if not Path(record["image"]).is_relative_to(start)]
    if outside:
        raise InputError(f"{outside[0]}: lies outside {start}, so that its harmonized file cannot be told by its path")
    twins = [folder / os.path.relpath(record["image"], start) for record in records]
    missing = [twin for twin in twins if not twin.exists()]
    if missing:
        raise InputError(
            f"{missing[0]}: there is no such file; {len(missing)} of {len(twins)} images have no harmonized file in "
            f"{folder}. Harmonize the same manifest, site and split first."
        )
    return [{**record, "image": str(twin)} for record, twin in zip(records, twins, strict=True)]
