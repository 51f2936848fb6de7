"""Which files of the folders on the command line are images to work on."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.data import InputError

__all__ = ["Pattern", "fitting"]

Pattern = Annotated[
    str, typer.Option(help="Names of the files to take, where masks or other pictures lie between: '*.dcm'.")
]


def fitting(paths: Iterable[Path], pattern: str) -> list[Path]:
    """Paths whose name fits a pattern.

    Raises:
        InputError: none does.
    """
    chosen = [path for path in paths if fnmatch(path.name, pattern)]
    if not chosen:
        raise InputError(f"--pattern {pattern}: no image has such a name.")
    return chosen
