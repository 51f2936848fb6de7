"""``demo-data``: procedural radiographs to try everything with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.messages import console, tell_deprecated
from monai_harmonize.phantoms import write_chest_dataset

__all__ = ["demo_data", "phantoms"]

Folder = Annotated[Path, typer.Argument(help="Where to write images and manifest.csv.")]
Format = Annotated[str, typer.Option("--format", help="dicom or png.")]
Size = Annotated[int, typer.Option(help="Rows and columns in pixels.")]
Seed = Annotated[int, typer.Option(help="Same seed, same files.")]


def demo_data(folder: Folder, file_format: Format = "dicom", size: Size = 256, seed: Seed = 0) -> None:
    """Write procedural chest radiographs of three sites and their manifest."""
    console.print(str(write_chest_dataset(folder, file_format=file_format, size=size, seed=seed)))


def phantoms(folder: Folder, file_format: Format = "dicom", size: Size = 256, seed: Seed = 0) -> None:
    """Old name of demo-data."""
    tell_deprecated("phantoms", "demo-data")
    demo_data(folder, file_format, size, seed)
