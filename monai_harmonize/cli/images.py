"""Which files of the folders on the command line are images to work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.data import InputError
from monai_harmonize.data.formats import find_images, find_volumes
from monai_harmonize.data.inputs import Inputs, named_inputs

__all__ = ["Pattern", "fitting", "images_among"]

Pattern = Annotated[
    str, typer.Option(help="Files to take, where masks or other pictures lie between: '*.dcm', 'test/*.png'.")
]


def fitting(paths: Iterable[Path], pattern: str) -> list[Path]:
    """Paths whose end fits a pattern, as ``Path.match`` has it.

    Raises:
        InputError: none does.
    """
    chosen = [path for path in paths if path.match(pattern)]
    if not chosen:
        raise InputError(f"--pattern {pattern}: no image has such a name.")
    return chosen


def images_among(inputs: Sequence[Path], output: Path, pattern: str, series: bool = False) -> Inputs:
    """Images among files and folders; results keep their paths below the folders' common one.

    Args:
        inputs: files and folders.
        output: folder of the results, left out where it lies within an input folder.
        pattern: see ``fitting``.
        series: a folder of DICOM slices is one volume.

    Raises:
        InputError: ``output`` is an input folder, or no image fits.
        ImageFileError: an input does not exist or a folder holds no image.
    """
    found = named_inputs(inputs, output, find_volumes if series else find_images)
    paths = fitting((Path(item["image"]) for item in found.items), pattern)
    return Inputs([{"image": str(path)} for path in paths], found.root)
