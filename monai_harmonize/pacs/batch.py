"""Series after series: fetch, harmonize, store; what one of them does wrong stops no other."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from monai_harmonize.data.dicom_derivation import derived_instance_uid, derived_series_uid
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.presentation_state import state_series_uid
from monai_harmonize.data.writer_contract import SOFTWARE, Maker
from monai_harmonize.pacs.errors import PacsError
from monai_harmonize.pacs.fetched import OwnResultError, fetch_series, safe_name
from monai_harmonize.pacs.kinds import why_not
from monai_harmonize.pacs.report import CERTIFIED, Outcome, Report
from monai_harmonize.pacs.results import Results
from monai_harmonize.pacs.service import RemoteSeries, Service
from monai_harmonize.pacs.storage import store_whole

__all__ = ["Batch", "Harmonizer", "Tally"]

FETCHED = ".fetched"


class Harmonizer(Protocol):
    """The same work as that of the command ``harmonize``.

    Attributes:
        maker: who the results say has made them.
        modality: Modality (0008,0060) that the method is for, or nothing.
        states: results are presentation states.
    """

    maker: Maker
    modality: str
    states: bool

    def __call__(self, source: Path, output: Path) -> Sequence[str]:
        """Harmonize the images of a folder; what failed comes back, file by file."""


@dataclass
class Tally:
    """What became of the series of a run.

    Attributes:
        outcomes: how many of them had which outcome.
        left: series that were not reached.
        stopped: why, if the server went away.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    left: int = 0
    stopped: str | None = None

    @property
    def failed(self) -> int:
        """How many series failed."""
        return self.outcomes[Outcome.failed]


@dataclass(frozen=True)
class Work:
    """A series, the one that is to be made of it, and where."""

    series: RemoteSeries
    instances: Collection[str]
    derived: str
    results: Path


class Batch:
    """Harmonizes series of a server into a folder and, if asked, stores the results beside their sources.

    UIDs of results follow from those of their sources and from the method, so that a series that is complete on the
    server is known without fetching anything, and a run that was killed makes the same objects again. Results in the
    folder are taken up as well.

    Args:
        service: the server.
        harmonizer: makes the results.
        output: folder of the results and of ``pacs.csv``.
        store: store what passes; a series with a failed certificate never is.
        limit: fetch or store no more series than these; those that need neither do not count.
        dry_run: tell what would be done; write nothing and fetch headers at most.
        tell: told of every series.
    """

    def __init__(
        self,
        service: Service,
        harmonizer: Harmonizer,
        output: Path,
        *,
        store: bool = False,
        limit: int | None = None,
        dry_run: bool = False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.service = service
        self.harmonizer = harmonizer
        self.output = output
        self.store = store
        self.limit = limit
        self.dry_run = dry_run
        self.tell = tell
        self.report = Report(output)
        self.known: dict[str, dict[str, str]] = {}
        self.worked_on: set[str] = set()

    def run(self, found: Sequence[RemoteSeries]) -> Tally:
        """Work on series.

        Raises:
            OSError: the folder cannot be written to.
        """
        tally = Tally()
        self.worked_on.clear()
        self.known = self.report.known()
        if found and not self.dry_run:
            shutil.rmtree(self.output / FETCHED, ignore_errors=True)  # of a run that was killed
        for place, series in enumerate(found):
            if self.limit is not None and len(self.worked_on) >= self.limit:
                tally.left = len(found) - place
                break
            row = {name: text for name, text in self.row(series).items() if text}
            known = self.known.get(row["folder"], {})
            outcome = Outcome(row["outcome"])
            tally.outcomes[outcome] += 1
            self.tell(" ".join(part for part in (f"{place + 1} of {len(found)}:", *told(row)) if part))
            if not self.dry_run and row != {name: text for name, text in known.items() if text}:
                self.report.put_row(row)
            if outcome is Outcome.failed and not self.service.answers(series.study):
                tally.left = len(found) - place - 1
                tally.stopped = "the server does not answer any more; the same command goes on where it was."
                break
        return tally

    def row(self, series: RemoteSeries) -> dict[str, str]:
        """Work on one series and say in the report's words what became of it."""
        maker = self.harmonizer.maker
        foretold = state_series_uid if self.harmonizer.states else derived_series_uid
        derived = str(foretold(maker, series.uid))
        folder = self.output / safe_name(derived)
        row = {
            "folder": folder.name,
            "series": series.uid,
            "study": series.study,
            "modality": series.modality,
            "method": maker.bundle,
            "weights_digest": maker.weights_digest,
        }
        try:
            instances = self.service.instances(series.study, series.uid) if series.study else {}
            row["instances"] = str(len(instances))
            reason = why_not(series.modality, instances.values(), self.harmonizer.modality)
            if reason:
                return {**row, "outcome": Outcome.other_kind.value, "error": f"{reason}."}
            row["derived_series"] = derived
            return {**row, **self.work(Work(series, instances, derived, folder))}
        except OwnResultError:
            return {**row, "derived_series": "", "outcome": Outcome.own_result.value}
        except InputError as error:
            return {**row, **failed(error)}
        except OSError:  # a full disk would spoil all others, too
            raise
        except Exception as error:  # whatever a series provokes belongs to it; a library's text may hold its header
            return {**row, **failed(f"unexpected {type(error).__name__}; report it.")}

    def work(self, work: Work) -> dict[str, str]:
        """Do what is left to do for a series."""
        known = self.known.get(work.results.name, {})
        if known.get("outcome") == Outcome.own_result:
            raise OwnResultError
        if not work.series.study:
            raise PacsError("the search: the server does not name the study of this series.")
        if not work.instances:
            raise PacsError("the search for instances: the server lists none in this series.")
        there = set(self.service.instances(work.series.study, work.derived))
        if self.is_complete(there, work):
            certified = {name: known[name] for name in CERTIFIED if known.get("derived_series") == work.derived}
            return {**certified, "outcome": Outcome.present.value}
        if self.dry_run:
            if SOFTWARE in self.service.makers(work.series.study, work.series.uid, next(iter(work.instances))):
                raise OwnResultError
            self.worked_on.add(work.series.uid)
            return {"outcome": Outcome.to_do.value}
        results = self.finished(work, known) or self.harmonize(work)
        if results.verdict == "fail":
            return {**results.columns, "outcome": Outcome.withheld.value}
        if not self.store:
            return {**results.columns, "outcome": Outcome.written.value}
        self.worked_on.add(work.series.uid)
        try:
            store_whole(self.service, work.series.study, work.derived, results.files)
        except PacsError as error:  # the results stay, and the next run stores them
            return {**results.columns, **failed(error)}
        return {**results.columns, "outcome": Outcome.stored.value}

    def is_complete(self, made: set[str], work: Work) -> bool:
        """Whether SOP Instance UIDs are those of all results; of presentation states only their number is known."""
        if self.harmonizer.states:
            return len(made) == len(work.instances)
        return made >= {str(derived_instance_uid(self.harmonizer.maker, uid)) for uid in work.instances}

    def finished(self, work: Work, known: dict[str, str]) -> Results | None:
        """Results of an earlier run, if it finished them."""
        if known.get("derived_series") != work.derived or known.get("verdict", "") == "":
            return None
        try:
            results = Results.of(work.results)
        except InputError:  # damaged since
            return None
        complete = results.series == {work.derived} and self.is_complete(set(results.files), work)
        return results if complete else None

    def harmonize(self, work: Work) -> Results:
        """Fetch a series and make its results anew."""
        self.worked_on.add(work.series.uid)
        source = self.output / FETCHED / work.results.name
        shutil.rmtree(work.results, ignore_errors=True)
        try:
            fetch_series(self.service, work.series, work.instances, source)
            failures = self.harmonizer(source, work.results)
            results = Results.of(work.results)
            if failures:
                raise InputError("; ".join(failures))
            if results.series != {work.derived} or not self.is_complete(set(results.files), work):
                raise InputError("the result is not one image for each of the series; it is not used.")
        except InputError as error:
            shutil.rmtree(work.results, ignore_errors=True)
            raise InputError(str(error).replace(f"{source}/", "").replace(str(source), "the series")) from error
        finally:
            shutil.rmtree(self.output / FETCHED, ignore_errors=True)
        return results


def failed(error: object) -> dict[str, str]:
    """What the report says of a series that failed."""
    return {"outcome": Outcome.failed.value, "error": " ".join(str(error).split())}


def told(row: dict[str, str]) -> list[str]:
    """A row as progress shows it; UIDs may identify a patient and stay in the report."""
    instances = f"{row['instances']} instance(s):" if "instances" in row else ""
    error = f"({row['error']})" if row.get("error") else ""
    return [row["folder"], row.get("modality", ""), instances, row["outcome"], row.get("verdict", ""), error]
