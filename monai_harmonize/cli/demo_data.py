"""``demo-data``: procedural radiographs to try everything with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.messages import console, tell_deprecated
from monai_harmonize.data import InputError
from monai_harmonize.phantoms import write_chest_dataset
from monai_harmonize.phantoms.cohort import COHORTS

__all__ = ["demo_data", "phantoms"]

Folder = Annotated[Path, typer.Argument(help="Where to write images and manifest.csv.")]
Format = Annotated[str, typer.Option("--format", help="dicom or png.")]
Size = Annotated[int, typer.Option(help="Rows and columns in pixels.")]
Seed = Annotated[int, typer.Option(help="Same seed, same files.")]
CohortName = Annotated[
    str,
    typer.Option(
        "--cohort",
        help="subtle: early findings; tuberculosis: more patients, advanced disease; paired, partly_paired: "
        "two sites examined all patients, or a quarter of them; everywhere: all three examined all.",
    ),
]
Sites = Annotated[list[str] | None, typer.Option("--site", help="Site to render, may be repeated; by default all.")]


def demo_data(
    folder: Folder,
    file_format: Format = "dicom",
    size: Size = 256,
    seed: Seed = 0,
    cohort: CohortName = "subtle",
    site: Sites = None,
) -> None:
    """Write procedural chest radiographs of up to three sites and their manifest."""
    if cohort not in COHORTS:
        raise InputError(f"--cohort {cohort}: is unknown; choose among {', '.join(COHORTS)}.")
    patients = COHORTS[cohort]
    manifest = write_chest_dataset(
        folder,
        file_format=file_format,
        size=size,
        seed=seed,
        sites=tuple(site or patients.sites),
        anatomies_per_site=patients.counts,
        severity=patients.severity,
        shared=patients.shared,
    )
    console.print(str(manifest))


def phantoms(folder: Folder, file_format: Format = "dicom", size: Size = 256, seed: Seed = 0) -> None:
    """Old name of demo-data."""
    tell_deprecated("phantoms", "demo-data")
    demo_data(folder, file_format, size, seed)
