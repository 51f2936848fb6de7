"""The table at the end of a harmonization."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from monai_harmonize.cli.messages import console
from monai_harmonize.safety.certificate_writer import TABLE_NAME

__all__ = ["Summary", "print_summary"]


@dataclass(frozen=True)
class Summary:
    """Counts of a run.

    Args:
        images: files that were asked for.
        verdicts: how many certificates say what, those of earlier runs included.
        earlier: files that an earlier run had finished.
        failures: files that could not be read, translated or written, each with the reason.
        seconds: time of this run.
        stopped: why the run ended early, if it did.
    """

    images: int
    verdicts: Mapping[str, int]
    earlier: int
    failures: Sequence[str]
    seconds: float
    stopped: str | None = None

    def __add__(self, other: Summary) -> Summary:
        """Counts of two runs one after the other."""
        return Summary(
            images=self.images + other.images,
            verdicts=Counter(self.verdicts) + Counter(other.verdicts),
            earlier=self.earlier + other.earlier,
            failures=[*self.failures, *other.failures],
            seconds=self.seconds + other.seconds,
            stopped=self.stopped or other.stopped,
        )


def print_summary(summary: Summary, output: Path) -> None:
    """Print counts and where the results are."""
    table = Table("images", "pass", "warn", "fail", "done before", "errors", "time")
    minutes, seconds = divmod(round(summary.seconds), 60)
    verdicts = [summary.verdicts.get(name, 0) for name in ("pass", "warn", "fail")]
    counts = [summary.images, *verdicts, summary.earlier, len(summary.failures)]
    table.add_row(*map(str, counts), f"{minutes}:{seconds:02}")
    console.print(table)
    if summary.stopped:
        console.print(f"Stopped: {summary.stopped}")
    console.print(f"Results: {output}")
    if (output / TABLE_NAME).is_file():
        console.print(f"Certificates: {output / TABLE_NAME}")
