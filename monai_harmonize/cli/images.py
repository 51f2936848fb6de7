"""Which files of the folders on the command line are images to work on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.data import InputError

__all__ = ["Pattern", "fitting"]

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
