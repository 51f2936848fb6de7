"""A CSV file with one row per name, whole at every moment, that a later run continues."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError

__all__ = ["RowTable"]


class RowTable:
    """Rows of texts; a name that comes again replaces its row.

    A new row is appended, a replaced one rewrites the table in one step. A line that an interruption tore is left
    out and its name can come again.

    Args:
        path: the CSV file; made with the first row.
        columns: names of the columns; the first one is that of the rows' names.
        what: what the table is called where the file is none.

    Raises:
        InputError: at the first look into a file that is no text.
    """

    def __init__(self, path: Path, columns: Sequence[str], what: str) -> None:
        self.path = path
        self.columns = tuple(columns)
        self.what = what
        self.rows: dict[str, dict[str, str]] | None = None

    def put_row(self, row: Mapping[str, str]) -> None:
        """Add or replace a row; columns that it lacks are empty."""
        name = row[self.columns[0]]
        known = self.rows is not None
        rows = self.rows = self.rows if self.rows is not None else self._read()
        appends = known and name not in rows
        rows[name] = {column: row.get(column, "") for column in self.columns}
        if appends and self.path.is_file():
            with self.path.open("a", encoding="utf-8", newline="") as table:
                table.write(self._text([rows[name]]))
            return
        self._write(rows)

    def known(self) -> dict[str, dict[str, str]]:
        """Rows by name, as the table is now on the disk; in the order in which the names came first."""
        return self._read()

    def drop(self, names: Collection[str]) -> None:
        """Remove rows, in one step."""
        rows = self._read()
        kept = {name: row for name, row in rows.items() if name not in names}
        if len(kept) < len(rows):
            self._write(kept)
        self.rows = None

    def _write(self, rows: Mapping[str, Mapping[str, str]]) -> None:
        with atomic_path(self.path) as temporary:
            temporary.write_text(self._text([None, *rows.values()]), encoding="utf-8", newline="")

    def _read(self) -> dict[str, dict[str, str]]:
        if not self.path.is_file():
            return {}
        try:
            text = self.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: is no {self.what}; choose another folder.") from error
        whole = text[: text.rfind("\n") + 1]
        name = self.columns[0]
        rows = csv.DictReader(io.StringIO(whole, newline=""), restval="")
        return {row[name]: {column: row.get(column) or "" for column in self.columns} for row in rows if row.get(name)}

    def _text(self, rows: list[Any]) -> str:
        """Lines of rows; ``None`` stands for the header."""
        written = io.StringIO(newline="")
        writer = csv.DictWriter(written, self.columns, lineterminator="\n")
        for row in rows:
            writer.writeheader() if row is None else writer.writerow(row)
        return written.getvalue()
