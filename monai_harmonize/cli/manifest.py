"""``manifest``: lists of images, made from folders and checked."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.images import Pattern, fitting
from monai_harmonize.cli.messages import PROBLEMS, console, errors, tell_deprecated
from monai_harmonize.data import InputError, ManifestError, load_manifest
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.formats import find_images

__all__ = ["DatasetDir", "check_manifest", "manifest"]

COLUMNS = ("file", "site", "patient", "polarity")

DatasetDir = Annotated[
    Path | None,
    typer.Option(help="Folder that the manifest's relative paths start from; its own by default."),
]
ManifestFile = Annotated[Path, typer.Argument(help="CSV or Decathlon JSON.")]

manifest = typer.Typer(help="Make and check lists of images.", no_args_is_help=True)


@manifest.command(
    epilog="Example: [bold]monai-harmonize manifest build theirs/ ours/ --site theirs --site ours "
    "--output manifest.csv[/bold]"
)
def build(
    folders: Annotated[list[Path], typer.Argument(help="A folder of images per site.")],
    output: Annotated[Path, typer.Option(help="The CSV file to write.")],
    site: Annotated[
        list[str] | None,
        typer.Option(help="Name of each folder's site, in their order; the folders' names by default."),
    ] = None,
    pattern: Pattern = "*",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of this name.")] = False,
) -> None:
    """Write a manifest of the images in folders.

    Patient and polarity stay empty for you to fill in: without patients every file counts as a patient of its own.
    """
    sites = [folder.resolve().name for folder in folders] if site is None else site
    if len(sites) != len(folders):
        raise InputError(f"--site: {len(sites)} names for {len(folders)} folders; give one name per folder.")
    if output.suffix.lower() != ".csv":
        raise InputError(f"--output {output}: is no .csv file.")
    if output.exists() and not overwrite:
        raise InputError(f"--output {output}: is there already and may hold your work; add --overwrite to replace it.")
    home = output.resolve().parent
    rows = []
    for folder, name in zip(folders, sites, strict=True):
        for path in (image.resolve() for image in fitting(find_images(folder), pattern)):
            file = path.relative_to(home) if path.is_relative_to(home) else path
            rows.append({"file": file.as_posix(), "site": name})
    twice = [file for file, count in Counter(row["file"] for row in rows).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]}: lies in two of the folders; an image belongs to one site.")
    with atomic_path(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    console.print(f"{output}: {len(rows)} images of {', '.join(dict.fromkeys(sites))}")


@manifest.command(epilog="Example: [bold]monai-harmonize manifest check manifest.csv[/bold]")
def check(manifest: ManifestFile, dataset_dir: DatasetDir = None) -> None:
    """Report every problem of a manifest (exit code 1), or count its images by site and split."""
    try:
        records = load_manifest(manifest, dataset_dir).with_splits().records
    except ManifestError as error:  # its own text is shortened
        errors.print("\n  ".join([f"error: {error.path}: {len(error.problems)} problems", *error.problems]))
        raise typer.Exit(PROBLEMS) from error
    counts = Counter((record["site"], record["split"]) for record in records)
    for (site, split), count in sorted(counts.items()):
        console.print(f"{site:<24}{split:<12}{count:>7}")


def check_manifest(manifest: ManifestFile, dataset_dir: DatasetDir = None) -> None:
    """Old name of manifest check."""
    tell_deprecated("check-manifest", "manifest check")
    check(manifest, dataset_dir)
