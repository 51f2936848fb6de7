"""``certificates.csv``: one row per file, whole at every moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from monai_harmonize.data.row_table import RowTable
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


class CertificateTable(RowTable):
    """Table of certificates that a later run continues; a file that comes again replaces its row.

    Args:
        path: the CSV file; made with the first row.

    Raises:
        InputError: at the first look into a file that is no text.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, COLUMNS, "table of certificates")

    def put(self, file: str, certificate: Certificate) -> None:
        """Add or replace the row of a file; ``file`` is its path below the table's folder."""
        self.put_row({"file": file, **_row(certificate)})


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
