"""Of which site images were told to be, as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.tolerant import Failure
from monai_harmonize.evaluation.site_origins import Group

__all__ = ["refuse_table", "write_origins"]


@dataclass(frozen=True)
class Row:
    """Line of the table: what was told of an image and its group."""

    file: str
    group: int | None = None
    images: int | None = None
    site: str | None = None
    nearest: str | None = None
    probability: float | None = None
    p_value: float | None = None
    fit: float | None = None
    turned: str | None = None
    done: str = ""


def refuse_table(path: Path) -> None:
    """Raise ``InputError`` for a path that is none of a table."""
    if path.suffix.lower() not in (".csv", ".json") or path.is_dir():
        raise InputError(f"{path}: is no .csv or .json file.")


def write_origins(
    groups: Sequence[Group], failures: Sequence[Failure], path: Path, done: Mapping[Path, str] | None = None
) -> Path:
    """Write a table with a row for every image, CSV or JSON by its suffix.

    Columns: ``file``; ``group`` and its number of ``images``; ``site``, empty where it is unknown; ``nearest`` with its
    ``probability`` and ``p_value``, see ``Origin``; ``turned``; ``fit`` of the image alone; ``done`` with it.

    Args:
        groups: of ``origins``.
        failures: files that could not be read.
        path: of the table.
        done: what became of each image.

    Raises:
        InputError: another suffix, or a folder.
    """
    refuse_table(path)
    happened = done or {}
    rows = [
        Row(str(image), number, len(group.images), **asdict(group.origin), fit=fit, done=happened.get(image, ""))
        for number, group in enumerate(groups, start=1)
        for image, fit in zip(group.images, group.fits, strict=True)
    ]
    rows += [Row(failure.path, done=f"unreadable: {failure.reason}") for failure in failures]
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".json":
            temporary.write_text(json.dumps([asdict(row) for row in rows], indent=4) + "\n", encoding="utf-8")
        else:
            with temporary.open("w", encoding="utf-8", newline="") as text:
                writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
                writer.writeheader()
                writer.writerows(asdict(row) for row in rows)
    return path
