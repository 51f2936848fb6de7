"""Manifest records for the classification of images, and for drawing images of a class."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.patient_split import Record

__all__ = ["records_with_labels"]

logger = logging.getLogger(__name__)


def records_with_labels(records: Sequence[Record], column: str = "label", classes: int = 2) -> list[Record]:
    """Records that have a label, a whole number from 0 to ``classes - 1``, under ``label``.

    Args:
        records: records of a manifest, of one site and split.
        column: column of the label.
        classes: how many there are.

    Raises:
        InputError: fewer than two classes, a label that is none of them, or a class without an image.
    """
    if classes < 2:
        raise InputError(f"classes is {classes}; expected 2 or more.")
    chosen = [{**record, "label": record[column]} for record in records if column in record]
    valid = "0 and 1" if classes == 2 else f"0 to {classes - 1}"
    others = sorted({repr(record["label"]) for record in chosen if record["label"] not in range(classes)})
    if others:
        raise InputError(
            f"the column {column} of the manifest holds {', '.join(others)}; expected {valid}. Name another one by "
            "the bundle's label_column, or leave the cells of unlabelled images empty."
        )
    counts = Counter(int(record["label"]) for record in chosen)
    if len(counts) < classes:
        where = {name: sorted({record[name] for record in records if name in record}) for name in ("site", "split")}
        named = ", ".join(f"{name} {' and '.join(values)}" for name, values in where.items() if values)
        missing = min(set(range(classes)) - set(counts))
        found = f"{counts[1]} of {len(chosen)} labelled images have {column} 1; expected both classes, {valid}"
        if classes > 2:
            found = f"none of {len(chosen)} labelled images has {column} {missing}; expected every class, {valid}"
        raise InputError(
            f"{found}{f' ({named})' if named else ''}. Choose another site or split, or fill the manifest's column "
            f"{column}."
        )
    if len(chosen) < len(records):
        logger.info("%d of %d images have no %s and are left out.", len(records) - len(chosen), len(records), column)
    return chosen
