"""Rows of a manifest file, read from CSV or Decathlon JSON and brought to one form for the checks."""

import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

__all__ = ["Row", "parse_label", "quoted", "read_rows", "split_mask"]

# Lists of a Decathlon JSON file and the split that each one stands for.
DECATHLON_SPLITS = {"training": "train", "validation": "validation", "test": "test", "truth": "truth"}
MASK_SEPARATOR = ";"
_TEXT_COLUMNS = ("site", "patient", "split", "polarity")


class Row(NamedTuple):
    """One row of a manifest.

    Args:
        where: place in the file for messages, ``row 5`` as a spreadsheet counts (the header is row 1)
            or ``training[3]`` as JSON counts.
        cells: the cells that hold something; a missing or empty cell is absent, ``image`` is called ``file``.
    """

    where: str
    cells: dict[str, Any]


def read_rows(path: Path) -> tuple[list[Row], list[str]]:
    """Read every row of a manifest file.

    Args:
        path: a ``.csv`` file or a Decathlon ``.json`` file, UTF-8 with or without a byte order mark.

    Returns:
        The rows, and the problems that kept rows from being read.
    """
    readers = {".csv": _read_csv, ".json": _read_decathlon}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        return [], [f"a manifest is a .csv or .json file, not '{path.suffix}'"]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return [], [f"the manifest cannot be opened: {error.strerror}"]
    except UnicodeDecodeError as error:
        return [], [f"byte {error.start} is not UTF-8; save the manifest with the encoding UTF-8"]
    try:
        rows, problems = reader(text)
    except ValueError as error:  # pandas' ParserError and json's JSONDecodeError are ValueErrors
        return [], [f"not a readable {path.suffix} file: {error}"]
    return (rows, problems) if rows or problems else ([], ["the manifest has no rows"])


def _read_csv(text: str) -> tuple[list[Row], list[str]]:
    # pandas refuses rows longer than the header one at a time; room for the longest shows them all.
    width = 1 + max((line.count(",") for line in text.splitlines()), default=0)
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    table = pd.read_csv(io.StringIO(text), header=None, names=range(width), index_col=False, **options)
    lines = [[cell.strip() for cell in line] for line in table.fillna("").to_numpy().tolist()]
    if not lines:
        return [], []
    header = _without_trailing_blanks(lines[0])
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    problems = [f"row 1: column '{name}' appears more than once" for name in repeated]
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        surplus = len(_without_trailing_blanks(line)) - len(header)
        if surplus > 0:
            problems.append(f"row {number}: cells beyond the last column; quote cells that hold commas")
        if any(line):
            named = {name: cell for name, cell in zip(header, line, strict=False) if name}
            rows.append(_row(f"row {number}", named))
    return rows, problems


def _without_trailing_blanks(line: list[str]) -> list[str]:
    used = max((index for index, cell in enumerate(line, start=1) if cell), default=0)
    return line[:used]


def _read_decathlon(text: str) -> tuple[list[Row], list[str]]:
    # NaN is no JSON, but Python writes it; it means an empty cell.
    document = json.loads(text, parse_constant=lambda _: None)
    if not isinstance(document, dict):
        document = {}
    lists = {key: document[key] for key in DECATHLON_SPLITS if key in document}
    if not lists:
        return [], [f"expected an object with at least one of the lists {', '.join(DECATHLON_SPLITS)}"]
    rows, problems = [], []
    for key, items in lists.items():
        if not isinstance(items, list):
            problems.append(f"'{key}' is not a list")
            continue
        for index, item in enumerate(items):
            where = f"{key}[{index}]"
            # The Decathlon lists its test images as plain paths.
            cells = {"image": item} if isinstance(item, str) else item
            if not isinstance(cells, dict):
                problems.append(f"{where}: expected an object or a path, not {type(item).__name__}")
                continue
            if cells.get("split", DECATHLON_SPLITS[key]) != DECATHLON_SPLITS[key]:
                problems.append(f"{where}: split '{cells['split']}' contradicts the list '{key}'")
            rows.append(_row(where, {"site": document.get("site"), **cells, "split": DECATHLON_SPLITS[key]}))
    return rows, problems


def _row(where: str, cells: dict[str, Any]) -> Row:
    cells = {name: cell.strip() if isinstance(cell, str) else cell for name, cell in cells.items()}
    cells = {name: cell for name, cell in cells.items() if cell is not None and cell not in ("", [])}
    # JSON may write the patient 1280 as a number.
    cells |= {name: str(cells[name]) for name in _TEXT_COLUMNS if name in cells}
    if "image" in cells and "file" not in cells:
        cells["file"] = cells.pop("image")
    if isinstance(cells.get("mask"), str):
        cells["mask"] = split_mask(cells["mask"])
    if "label" in cells:
        cells["label"] = parse_label(cells["label"])
    return Row(where, cells)


def split_mask(text: str) -> str | list[str]:
    """Split a mask cell at semicolons; a single path stays text, as MONAI's loaders tell the two apart."""
    paths = [part.strip() for part in text.split(MASK_SEPARATOR) if part.strip()]
    return paths if len(paths) > 1 else "".join(paths)


def parse_label(label: Any) -> Any:
    """Turn ``"1"``, ``1.0`` and ``"1.0"`` (pandas beside empty cells) into ``1``; keep the rest."""
    if isinstance(label, float) and label.is_integer():
        return int(label)
    if isinstance(label, str) and re.fullmatch(r"[+-]?\d+(\.0+)?", label):
        return int(float(label))
    return label


def quoted(names: Iterable[object]) -> str:
    """List names for a message: ``'a', 'b'``."""
    return ", ".join(f"'{name}'" for name in names)
