"""Manifest records for the classification of images in two classes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.patient_split import Record

__all__ = ["records_with_labels"]

logger = logging.getLogger(__name__)


def records_with_labels(records: Sequence[Record], column: str = "label") -> list[Record]:
    """Records that have a label, 0 or 1, as whole number under ``label``.

    Args:
        records: records of a manifest, of one site and split.
        column: column of the label.

    Raises:
        InputError: a label is neither 0 nor 1, or one of the two classes has no image.
    """
    chosen = [{**record, "label": record[column]} for record in records if column in record]
    others = sorted({repr(record["label"]) for record in chosen if record["label"] not in (0, 1)})
    if others:
        raise InputError(
            f"the column {column} of the manifest holds {', '.join(others)}; expected 0 and 1. Name another one by "
            "the bundle's label_column, or leave the cells of unlabelled images empty."
        )
    positives = sum(record["label"] for record in chosen)
    if not 0 < positives < len(chosen):
        where = {name: sorted({record[name] for record in records if name in record}) for name in ("site", "split")}
        named = ", ".join(f"{name} {' and '.join(values)}" for name, values in where.items() if values)
        raise InputError(
            f"{positives} of {len(chosen)} labelled images have {column} 1; expected both classes, 0 and 1"
            f"{f' ({named})' if named else ''}. Choose another site or split, or fill the manifest's column {column}."
        )
    if len(chosen) < len(records):
        logger.info("%d of %d images have no %s and are left out.", len(records) - len(chosen), len(records), column)
    return chosen
