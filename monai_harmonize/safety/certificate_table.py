"""``certificates.csv``: one row per file, whole at every moment."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.safety.certificate import Certificate
from monai_harmonize.safety.measures import Measures

__all__ = ["COLUMNS", "CertificateTable"]

BLOB_COLUMNS = ("blob_pixels", "blob_area", "blob_amplitude")
COLUMNS = (
    "file",
    "verdict",
    "guarantee_class",
    "bundle",
    "version",
    "weights_digest",
    "polarity_turned",
    "polarity_corrected",
    "template_correlation",
    *(field.name for field in fields(Measures)),
    *BLOB_COLUMNS,
    "reasons",
)


class CertificateTable:
    """Table of certificates that a later run continues; a file that comes again replaces its row.

    A new row is appended, a replaced one rewrites the table in one step. A line that an interruption tore is left
    out and its file can come again.

    Args:
        path: the CSV file; made with the first row.

    Raises:
        InputError: at the first look into a file that is no text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, str]] | None = None

    def put(self, file: str, certificate: Certificate) -> None:
        """Add or replace the row of a file; ``file`` is its path below the table's folder."""
        row = {"file": file, **_row(certificate)}
        known = self.rows is not None
        rows = self.rows = self.rows if self.rows is not None else self._read()
        appends = known and file not in rows
        rows[file] = row
        if appends and self.path.is_file():
            with self.path.open("a", encoding="utf-8", newline="") as table:
                table.write(_text([row]))
            return
        with atomic_path(self.path) as temporary:
            temporary.write_text(_text([None, *rows.values()]), encoding="utf-8", newline="")

    def known(self) -> dict[str, dict[str, str]]:
        """Rows by file, as texts, as the table is now on the disk; in the order in which files came first."""
        return self._read()

    def drop(self, files: Collection[str]) -> None:
        """Remove the rows of files, in one step."""
        rows = self._read()
        kept = {file: row for file, row in rows.items() if file not in files}
        if len(kept) < len(rows):
            with atomic_path(self.path) as temporary:
                temporary.write_text(_text([None, *kept.values()]), encoding="utf-8", newline="")
        self.rows = None

    def _read(self) -> dict[str, dict[str, str]]:
        if not self.path.is_file():
            return {}
        try:
            text = self.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: is no table of certificates; choose another folder.") from error
        whole = text[: text.rfind("\n") + 1]
        rows = csv.DictReader(io.StringIO(whole, newline=""), restval="")
        return {row["file"]: {name: row.get(name) or "" for name in COLUMNS} for row in rows if row.get("file")}


def _text(rows: list[Any]) -> str:
    """Lines of rows; ``None`` stands for the header."""
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    for row in rows:
        writer.writeheader() if row is None else writer.writerow(row)
    return written.getvalue()


def _row(certificate: Certificate) -> dict[str, str]:
    provenance, blob = certificate.provenance, certificate.blob
    values: Mapping[str, Any] = {
        "verdict": certificate.verdict,
        "guarantee_class": certificate.guarantee_class,
        "bundle": provenance.bundle,
        "version": provenance.version,
        "weights_digest": provenance.weights_digest,
        "polarity_turned": provenance.polarity_turned,
        "polarity_corrected": provenance.polarity_corrected,
        "template_correlation": provenance.template_correlation,
        **{field.name: getattr(certificate.measures, field.name) for field in fields(Measures)},
        **dict(zip(BLOB_COLUMNS, (blob.pixels, blob.area, blob.amplitude) if blob else (None,) * 3, strict=True)),
        "reasons": "; ".join(certificate.reasons),
    }
    return {name: "" if value is None else _short(value) for name, value in values.items()}


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
