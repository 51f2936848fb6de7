"""Checks of manifest rows; each yields every problem that it sees, so that one reading reports them all."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from monai_harmonize.data.manifest_rows import Row, quoted
from monai_harmonize.data.polarity import INVERTED, NORMAL

__all__ = ["POLARITIES", "SPLITS", "absolute_path", "check_rows", "is_path_column"]

SPLITS = ("train", "validation", "test", "truth")
POLARITIES = (NORMAL, INVERTED)
REQUIRED = ("file", "site")
_ALLOWED = {"split": SPLITS, "polarity": POLARITIES}


def check_rows(rows: list[Row], root: Path, check_files: bool) -> Iterator[str]:
    """Yield the problems of a manifest's rows.

    Args:
        rows: rows as `manifest_rows.read_rows` returns them.
        root: folder that relative paths start from.
        check_files: whether the files must exist.
    """
    if not rows:
        return
    if any({"file", "image"} <= row.cells.keys() for row in rows):
        yield "both 'file' and 'image' are given; keep one of the two columns"
    present = {name for row in rows for name in row.cells}
    missing = [name for name in REQUIRED if name not in present]
    if missing:
        yield f"required column {quoted(missing)} missing; found {quoted(sorted(present))}"
    if check_files and not root.is_dir():
        yield f"the folder that relative paths start from does not exist: {root}"
        check_files = False
    for row in rows:
        yield from (f"{row.where}: {problem}" for problem in _check_cells(row, missing, root, check_files))
    yield from _check_duplicates(rows, root)
    yield from _check_patients(rows)
    yield from _check_partial_splits(rows)


def is_path_column(name: str) -> bool:
    """Whether a column holds paths: ``file``, its alias ``image``, ``mask`` and every ``..._mask``."""
    return name in ("file", "image", "mask") or name.endswith("_mask")


def absolute_path(text: str, root: Path) -> str:
    """Join a path of the manifest with the root and normalise it without following links."""
    return os.path.normpath(os.path.join(os.path.abspath(root), text))


def _check_cells(row: Row, reported: list[str], root: Path, check_files: bool) -> Iterator[str]:
    for name in REQUIRED:
        if name not in row.cells and name not in reported:
            yield f"empty {name}"
    for name, allowed in _ALLOWED.items():
        if row.cells.get(name, allowed[0]) not in allowed:
            yield f"unknown {name} '{row.cells[name]}'; allowed are {quoted(allowed)}"
    for name in filter(is_path_column, row.cells):
        cell = row.cells[name]
        for text in cell if isinstance(cell, list) else [cell]:
            if problem := _path_problem(text, root, check_files):
                yield f"{name} '{text}' {problem}"


def _path_problem(text: Any, root: Path, check_files: bool) -> str | None:
    if not isinstance(text, str):
        return "is not a path"
    if not os.path.isabs(text):
        first = os.path.normpath(text).split(os.sep)[0]
        if first in (os.curdir, os.pardir):
            return f"points outside {root}; write an absolute path if that is meant"
    # A DICOM series is a folder, so that folders count as well.
    if check_files and not os.path.exists(absolute_path(text, root)):
        return f"does not exist in {root}" if not os.path.isabs(text) else "does not exist"
    return None


def _check_duplicates(rows: list[Row], root: Path) -> Iterator[str]:
    first: dict[str, str] = {}
    for row in rows:
        file = row.cells.get("file")
        if isinstance(file, str):
            path = absolute_path(file, root)
            if path in first:
                yield f"{row.where}: file '{file}' is listed already in {first[path]}"
            first.setdefault(path, row.where)


def _check_patients(rows: list[Row]) -> Iterator[str]:
    """Yield patients with images in several splits of their site by rows, since ids stay out of messages."""
    patients: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        # Paired truth shows the anatomy of test patients on purpose.
        if {"site", "patient", "split"} <= row.cells.keys() and row.cells["split"] != "truth":
            patients[row.cells["site"], row.cells["patient"]].append(row)
    for (site, _), group in patients.items():
        splits = {row.cells["split"] for row in group}
        if len(splits) > 1:
            places = "; ".join(f"{split}: {_places(group, split)}" for split in sorted(splits))
            yield f"one patient of site '{site}' is in several splits ({places})"


def _places(rows: Iterable[Row], split: str) -> str:
    return ", ".join(row.where for row in rows if row.cells["split"] == split)


def _check_partial_splits(rows: list[Row]) -> Iterator[str]:
    split_sites = {row.cells.get("site") for row in rows if row.cells.get("split", "truth") != "truth"}
    for row in rows:
        if "split" not in row.cells and row.cells.get("site") in split_sites:
            yield f"{row.where}: empty split, while other rows of site '{row.cells.get('site')}' have one"
