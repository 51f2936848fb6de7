"""``pacs.csv``: what became of every series, for whoever runs the archive; nothing of a patient but UIDs."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from monai_harmonize.data.row_table import RowTable

__all__ = ["CERTIFIED", "REPORT_NAME", "Outcome", "Report"]

REPORT_NAME = "pacs.csv"
# What the certificates of a series say.
CERTIFIED = ("guarantee_class", "verdict", "pass", "warn", "fail", "reasons")
COLUMNS = (
    "folder",
    "series",
    "study",
    "modality",
    "outcome",
    "derived_series",
    "instances",
    "method",
    "weights_digest",
    *CERTIFIED,
    "error",
)


class Outcome(str, Enum):
    """What became of a series."""

    stored = "stored"
    written = "written"
    present = "present"
    withheld = "withheld"
    own_result = "own result"
    other_kind = "other kind"
    failed = "failed"
    to_do = "to do"


class Report(RowTable):
    """The report of a results' folder, which a later run continues; a row per series and method.

    Args:
        output: the folder.
    """

    def __init__(self, output: Path) -> None:
        super().__init__(output / REPORT_NAME, COLUMNS, "report of the command pacs")
