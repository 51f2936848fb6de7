"""What was made of a series: files, their identity, and what their certificates say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.safety.certificate_table import CertificateTable
from monai_harmonize.safety.certificate_writer import TABLE_NAME

__all__ = ["Results"]

WORST_LAST = ("pass", "warn", "fail")


@dataclass(frozen=True)
class Results:
    """DICOM files of a results' folder and the rows of its certificates.

    Args:
        files: by SOP Instance UID.
        series: Series Instance UIDs of the files.
        certificates: rows of ``certificates.csv``.
    """

    files: dict[str, Path]
    series: set[str]
    certificates: list[dict[str, str]]

    @classmethod
    def of(cls, folder: Path) -> Results:
        """Read the headers of a folder; it may be empty or missing.

        Raises:
            ImageFileError: a file is damaged.
        """
        paths = sorted(path for path in folder.rglob("*.dcm") if not path.name.startswith("."))
        headers = {path: read_dicom(path, header_only=True) for path in paths}
        return cls(
            {str(header.SOPInstanceUID): path for path, header in headers.items()},
            {str(header.SeriesInstanceUID) for header in headers.values()},
            list(CertificateTable(folder / TABLE_NAME).known().values()),
        )

    @property
    def verdicts(self) -> Counter[str]:
        """How many certificates say what."""
        return Counter(row["verdict"] for row in self.certificates)

    @property
    def verdict(self) -> str:
        """The worst verdict; empty without certificates."""
        return max((row["verdict"] for row in self.certificates), key=WORST_LAST.index, default="")

    @property
    def columns(self) -> dict[str, str]:
        """What the report says of the certificates: verdicts and the guarantee, the reasons of the worst one."""
        worst = next((row for row in self.certificates if row["verdict"] == self.verdict), {})
        return {
            "verdict": self.verdict,
            **{name: str(self.verdicts[name]) for name in WORST_LAST},
            "guarantee_class": worst.get("guarantee_class", ""),
            "reasons": worst.get("reasons", ""),
        }
