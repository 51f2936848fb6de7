"""Images that a user names on the command line or in a configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.formats import find_images

__all__ = ["Inputs", "PathLike", "named_inputs"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Inputs:
    """Images to work on.

    Args:
        items: dicts with ``image`` (path) and, from a manifest, its other columns.
        root: folder below which results keep the relative paths of their sources.
    """

    items: list[dict[str, Any]]
    root: Path | None


def named_inputs(
    inputs: PathLike | Sequence[PathLike],
    output_dir: PathLike | None = None,
    find: Callable[..., list[Path]] = find_images,
) -> Inputs:
    """Images among files and folders; their root is the folder that all of these share.

    Args:
        inputs: a file, a folder (searched to any depth) or a list of them.
        output_dir: folder of the results; within an input folder it is left out, so that no result becomes an input.
            Other subfolders with results are left out, too, see ``find_images``.
        find: ``find_images``, or ``find_volumes`` for methods that need a DICOM series as a whole.

    Raises:
        InputError: ``inputs`` is an empty list, or ``output_dir`` is an input folder.
        ImageFileError: an input does not exist or a folder holds no image.
    """
    given = [Path(inputs)] if isinstance(inputs, str | os.PathLike) else [Path(entry) for entry in inputs]
    for entry in given:
        if output_dir is not None and entry.is_dir() and entry.resolve() == Path(output_dir).resolve():
            raise InputError(f"{output_dir}: is an input folder; results go to a folder of their own.")
    paths = find(inputs, exclude=output_dir)
    folders = [os.path.abspath(entry if entry.is_dir() else entry.parent) for entry in given]
    return Inputs([{"image": str(path)} for path in paths], Path(os.path.commonpath(folders)))
