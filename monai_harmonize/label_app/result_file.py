"""The one file that an answer can carry."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.formats import IMAGE_SUFFIXES

__all__ = ["new_file", "result_file"]


def result_file(images: Sequence[Path]) -> Path:
    """Move results out of their folder, which may go; the server removes the file when it has answered.

    Args:
        images: written images.

    Returns:
        A temporary file: the image itself, with its own extension, or a ZIP archive of several, which are those of a
        DICOM series.

    Raises:
        InputError: there is none.
    """
    if not images:
        raise InputError("nothing was written for this image.")
    if len(images) > 1:
        return archive(images)
    name = images[0].name
    suffix = next((end for end in IMAGE_SUFFIXES if name.lower().endswith(end)), images[0].suffix)
    path = new_file(suffix)
    shutil.move(images[0], path)
    return path


def archive(images: Sequence[Path]) -> Path:
    """A ZIP archive of files, by their names below the folder that they share."""
    path = new_file(".zip")
    root = os.path.commonpath([image.parent for image in images])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for image in images:
            packed.write(image, image.relative_to(root))
    return path


def new_file(suffix: str) -> Path:
    """An empty temporary file."""
    handle, name = tempfile.mkstemp(suffix=suffix, dir=own_folder().name)
    os.close(handle)
    return Path(name)


@cache
def own_folder() -> tempfile.TemporaryDirectory[str]:
    """Folder of this process, removed at its end.

    MONAI Label's client writes an answer under the file's own name into the folder of all temporary files; in that
    folder the server would remove the client's copy for its own.
    """
    return tempfile.TemporaryDirectory(prefix="label_app_results_")
