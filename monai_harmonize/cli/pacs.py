"""``pacs``: series of a PACS harmonized over DICOMweb, and stored beside their originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from monai.bundle import ConfigParser
from monai.utils import optional_import
from rich.table import Table

from monai_harmonize.cli.alone import alone_in
from monai_harmonize.cli.bundle import DEFAULT_BUNDLE, BundleName, Checkpoint, Overlays
from monai_harmonize.cli.harmonize import ChosenPanels, Method, WhenInverted
from monai_harmonize.cli.images import images_among
from monai_harmonize.cli.job import Job
from monai_harmonize.cli.messages import INTERRUPTED, PROBLEMS, console, errors, only_warnings
from monai_harmonize.data import InputError

if TYPE_CHECKING:
    from monai_harmonize.pacs.batch import Batch, Tally
    from monai_harmonize.pacs.service import RemoteSeries, Service

__all__ = ["pacs"]

# Where a bundle's metadata names what it is for.
MODALITY = "network_data_format#inputs#image#modality"


class Projection(str, Enum):
    """What a free harmonizer's output is projected onto; one curve for all images would change with each new one."""

    g0 = "g0"
    g1 = "g1"


class SeriesHarmonizer:
    """A job as the batch wants it: from a folder of one series to a folder of results.

    Args:
        job: what is done.
        states: it writes presentation states.
    """

    def __init__(self, job: Job, states: bool) -> None:
        self.job = job
        self.states = states
        self.maker = job.maker()
        self.modality = str(ConfigParser(job.bundle.metadata).get(MODALITY) or "")

    def __call__(self, source: Path, output: Path) -> Sequence[str]:
        """Harmonize the images of a folder; what failed comes back, file by file."""
        known = images_among([source], output, "*", self.job.takes_series)
        try:
            return self.job.run(known, output, again=True).failures
        except typer.Exit:  # told already, and no fault of the series
            raise KeyboardInterrupt from None


def pacs(
    url: Annotated[str, typer.Option(help="Root of the DICOMweb services, such as https://host/dicom-web.")],
    query: Annotated[
        list[str], typer.Option(help="Series to take, as KEYWORD=VALUE; may be repeated, all of them must hold.")
    ],
    output: Annotated[Path, typer.Option(help="Folder of the results and of the report, pacs.csv.")],
    bundle: BundleName = DEFAULT_BUNDLE,
    overlay: Overlays = None,
    checkpoint: Checkpoint = None,
    store: Annotated[
        bool, typer.Option("--store", help="Store the results in the PACS; else they stay in the folder.")
    ] = False,
    presentation_state: Annotated[
        bool, typer.Option("--presentation-state", help="Make DICOM presentation states instead of images.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done; fetch and write nothing.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Work on so many series at most; what is done already does not count.")
    ] = None,
    project: Annotated[
        Projection | None, typer.Option(help="Replace the output by its best fit to the input, per image.")
    ] = None,
    panels: ChosenPanels = None,
    inverted: WhenInverted = None,
    method: Method = None,
    ca_bundle: Annotated[
        Path | None, typer.Option(help="Certificates of the authority that the server's own is signed by (PEM).")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, max=86400, help="Seconds to wait for each part of an answer.")] = 60,
    attempts: Annotated[int, typer.Option(min=1, help="Tries of a request while the server is busy or away.")] = 5,
) -> None:
    """Harmonize series of a PACS as `harmonize` does files, and with --store put them beside their originals.

    The same command again goes on where an earlier one ended and makes nothing twice. User and password, or a token,
    come from the environment (MONAI_HARMONIZE_PACS_USER and _PASSWORD, or _TOKEN) or from ~/.netrc.
    """
    if not all(optional_import(name)[1] for name in ("dicomweb_client", "requests")):
        raise InputError("The command pacs needs dicomweb-client: pip install monai-harmonize[pacs].")
    # Optional, and not needed by the other commands.
    from monai_harmonize.pacs.batch import Batch  # noqa: PLC0415
    from monai_harmonize.pacs.query import parse_query  # noqa: PLC0415

    wanted = parse_query(query)
    options = {"project": project, "panels": panels, "inverted": inverted, "method": method}
    with only_warnings():
        job = Job.of(bundle, checkpoint, overlay, chosen(options), states=presentation_state, quiet=True)
        harmonizer = SeriesHarmonizer(job, presentation_state)
        service = connected(url, timeout, ca_bundle, attempts)
        found = service.series(wanted)
        batch = Batch(service, harmonizer, output, store=store, limit=limit, dry_run=dry_run, tell=errors.print)
        tally = batch.run(found) if dry_run or not found else run_alone(batch, found)
    print_tally(tally, output)
    if tally.stopped or tally.failed:
        raise typer.Exit(PROBLEMS)


def chosen(options: Mapping[str, Enum | str | None]) -> dict[str, str]:
    """The options that were given."""
    texts = {name: choice.value if isinstance(choice, Enum) else choice for name, choice in options.items()}
    return {name: text for name, text in texts.items() if text is not None}


def connected(url: str, timeout: float, ca_bundle: Path | None, attempts: int) -> Service:
    """The services of a server, which nothing has been asked of yet."""
    from monai_harmonize.pacs.patience import Patience  # noqa: PLC0415
    from monai_harmonize.pacs.service import Service  # noqa: PLC0415
    from monai_harmonize.pacs.session import checked_url, open_session  # noqa: PLC0415

    root = checked_url(url)
    session = open_session(root, timeout, ca_bundle, warn=errors.print)
    return Service(root, session, Patience(attempts, tell=errors.print))


def run_alone(batch: Batch, found: Sequence[RemoteSeries]) -> Tally:
    """Work on series while no other command does in the same folder."""
    try:
        with alone_in(batch.output):
            return batch.run(found)
    except KeyboardInterrupt:
        errors.print("Interrupted; the same command goes on where it was.")
        raise typer.Exit(INTERRUPTED) from None


def print_tally(tally: Tally, output: Path) -> None:
    """Print counts and where the report is."""
    if not tally.outcomes and not tally.left:
        console.print("No series matches the query.")
        return
    table = Table(*(outcome.value for outcome in tally.outcomes), "not reached")
    table.add_row(*map(str, tally.outcomes.values()), str(tally.left))
    console.print(table)
    if tally.stopped:
        console.print(f"Stopped: {tally.stopped}")
    if (output / "pacs.csv").is_file():
        console.print(f"Report: {output / 'pacs.csv'}")
