"""Weights that must have been trained before."""

from __future__ import annotations

import os
from pathlib import Path

from monai_harmonize.data.errors import InputError

__all__ = ["trained_weights"]


def trained_weights(path: str | os.PathLike[str]) -> Path:
    """Path of a weight file that exists.

    Raises:
        InputError: there is none; the message says how to train.
    """
    if not Path(path).is_file():
        raise InputError(
            f"{path}: there are no trained weights. Train first with the bundle's train.json, or name another file."
        )
    return Path(path)
