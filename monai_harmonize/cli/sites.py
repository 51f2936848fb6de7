"""``sites``: which known site images are from."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from monai_harmonize.cli.images import Pattern, fitting
from monai_harmonize.cli.manifest import DatasetDir
from monai_harmonize.cli.messages import PROBLEMS, console, errors, only_warnings
from monai_harmonize.data import InputError, load_manifest
from monai_harmonize.data.formats import find_images
from monai_harmonize.data.tolerant import Failure
from monai_harmonize.evaluation.site_origins import Group, gallery_of, looks_of, origins
from monai_harmonize.evaluation.site_origins_table import refuse_table, write_origins
from monai_harmonize.metrics.site_gallery import LEVEL
from monai_harmonize.metrics.site_gallery_file import is_site_gallery, load_site_gallery, save_site_gallery

__all__ = ["Grouping", "Level", "Together", "print_origins", "sites"]

# Test images stay unseen.
LEARNED = ("train", "validation")

sites = typer.Typer(help="Learn sites, and recognise of which one images are.", no_args_is_help=True)


class Together(str, Enum):
    """Which images are taken to have one origin."""

    look = "look"
    one = "one"
    each = "each"


Grouping = Annotated[
    Together,
    typer.Option(help="Images of one origin: those of one device and look, all of the command, or each by itself."),
]
Level = Annotated[float, typer.Option(help="Share of the groups of known sites that may be called unknown.")]


@sites.command(epilog="Example: [bold]monai-harmonize sites learn manifest.csv --output sites.json[/bold]")
def learn(
    manifest: Annotated[Path, typer.Argument(help="CSV or Decathlon JSON with the sites.")],
    output: Annotated[Path, typer.Option(help="The JSON file to write.")],
    dataset_dir: DatasetDir = None,
    source_site: Annotated[
        str | None, typer.Option(help="Learn this one as the source of a model, for sites.json beside it.")
    ] = None,
    target_site: Annotated[str | None, typer.Option(help="Learn this one as the model's target.")] = None,
) -> None:
    """Learn how the images of each site look, from 20 patients upward; the file holds numbers only.

    Images of the test split are left out.
    """
    if (source_site is None) != (target_site is None):
        raise InputError("--source-site and --target-site: give both, for the looks of a model, or neither.")
    if source_site is not None and source_site == target_site:
        raise InputError(f"--source-site and --target-site: are both {source_site}; a model leads from one to another.")
    refuse_other_content(output)
    known = load_manifest(manifest, dataset_dir).with_splits()
    names = {} if source_site is None or target_site is None else {source_site: "source", target_site: "target"}
    gallery = gallery_of(known.select(site=list(names) or None, split=LEARNED), names)
    save_site_gallery(gallery, output)
    told = ", ".join(f"{name} from {look.images} images" for name, look in gallery.sites.items())
    console.print(f"{output}: {told}")


@sites.command(epilog="Example: [bold]monai-harmonize sites recognise scans/ --sites sites.json[/bold]")
def recognise(
    inputs: Annotated[list[Path], typer.Argument(help="Files or folders: DICOM, PNG, JPEG, NIfTI.")],
    known: Annotated[Path, typer.Option("--sites", help="File of sites learn, or sites.json of a model.")],
    output: Annotated[Path | None, typer.Option(help="Table with a row for every image, .csv or .json.")] = None,
    grouping: Grouping = Together.look,
    level: Level = LEVEL,
    pattern: Pattern = "*",
) -> None:
    """Tell of which known site images are, if of any. Exit code 1 where some are unknown or unreadable."""
    gallery = load_site_gallery(known)
    gallery.refuse_level(level)
    if output is not None:
        refuse_table(output)
        if output.exists() and output.samefile(known):
            raise InputError(f"--output {output}: is the file of --sites; name another one.")
    with only_warnings():
        looks, failures = looks_of(fitting(find_images(inputs), pattern))
        groups = origins(looks, gallery, grouping.value, level)
    print_origins(groups, failures)
    if output is not None:
        console.print(f"Table: {write_origins(groups, failures, output)}")
    if failures or any(group.origin.site is None for group in groups):
        raise typer.Exit(PROBLEMS)


def refuse_other_content(output: Path) -> None:
    """Raise ``InputError`` where a file is there that holds no sites: a manifest named twice would be lost."""
    if output.is_dir():
        raise InputError(f"--output {output}: is a folder; name the JSON file to write.")
    if output.exists() and not is_site_gallery(output):
        raise InputError(f"--output {output}: is there already and no file of sites; name another one, or remove it.")


def print_origins(groups: Sequence[Group], failures: Sequence[Failure]) -> None:
    """Print a line for every group; what could not be read goes to stderr."""
    table = Table("group", "images", "site", "probability", "nearest", "p", "first image")
    for number, group in enumerate(groups, start=1):
        told = group.origin
        cells = [told.site or "unknown", f"{told.probability:.3f}", told.nearest, f"{told.p_value:.3f}"]
        table.add_row(str(number), str(len(group.images)), *cells, group.images[0].name)
    console.print(table)
    for number, group in enumerate(groups, start=1):
        if group.origin.turned is not None:
            console.print(f"Group {number} looks inverted: turned it would be of {group.origin.turned}.")
    for failure in failures:
        errors.print(f"error: {failure}")
