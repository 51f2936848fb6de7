"""Writer of a derived DICOM series: a new file for every slice, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.dicom_derivation import source_identity
from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.dicom_series import read_series
from monai_harmonize.data.dicom_writer import refuse_applied_voi, write_derived_dicom
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.writer_contract import UNKNOWN, Maker, check_writable, source_path

__all__ = ["copy_series", "remove_series", "write_derived_series"]


def write_derived_series(
    image: NDArray[np.floating[Any]],
    meta: Mapping[str, Any],
    destination: str | PathLike[str],
    maker: Maker = UNKNOWN,
) -> None:
    """Write a volume as a DICOM series derived from the one it was read from, slice by slice.

    Every slice is written as ``write_derived_dicom`` does: with its source's header, place, pixel format and rescale
    and a new SOP Instance UID (0008,0018). All share one new Series Instance UID (0020,000E), also where an
    anonymised source lacks it. The files have the names of their sources. The folder appears whole or not at all; of
    an earlier result in its place the files are replaced.

    Args:
        image: grey levels ``(W, H, D)`` in the unit and polarity in which the source was read.
        meta: metadata as ``LoadRadiograph`` gives them; ``filename_or_obj`` names the source's folder.
        destination: folder of the new files.
        maker: who makes it; one time for all slices.

    Raises:
        ImageFileError: the source cannot be read or is the destination, the image has another size or NaN, was read
            with its VOI LUT applied, or the destination holds other files.
    """
    source, destination = source_path(meta), Path(destination)
    refuse_applied_voi(meta, source)
    series = read_series(source)
    check_writable(image, series.shape, source, destination)
    names = [one.path.name for one in series.slices]
    refuse_other_files(destination, names)
    first = series.slices[0].path
    identity = source_identity(read_dicom(first, header_only=True), first)[1] or str(source)
    maker = replace(maker, created=maker.now)
    with new_folder(destination) as temporary:
        for place, header in enumerate(series.slices):
            slice_meta = {**meta, "filename_or_obj": str(header.path)}
            write_derived_dicom(image[..., place], slice_meta, temporary / header.path.name, maker, series=identity)


def copy_series(source: Path, destination: Path) -> None:
    """Put the slices of a folder, as they are, into a folder of their own.

    Raises:
        ImageFileError: as for ``write_derived_series``.
    """
    paths = [one.path for one in read_series(source).slices]
    refuse_other_files(destination, [path.name for path in paths])
    with new_folder(destination) as temporary:
        for path in paths:
            shutil.copyfile(path, temporary / path.name)


def remove_series(source: Path, destination: Path) -> None:
    """Remove an earlier result of a source; other files of its folder stay.

    Raises:
        ImageFileError: the source cannot be read.
    """
    if destination.is_dir():
        for one in read_series(source).slices:
            (destination / one.path.name).unlink(missing_ok=True)
        if not any(destination.iterdir()):
            destination.rmdir()


def refuse_other_files(destination: Path, names: list[str]) -> None:
    """Raise where files in the destination's place are not those of an earlier result."""
    others = sorted(set(os.listdir(destination)) - set(names)) if destination.is_dir() else []
    if others:
        raise ImageFileError(
            destination,
            f"holds {len(others)} other file(s), such as {others[0]}, which would mix with the series; choose another "
            "folder",
        )


@contextmanager
def new_folder(destination: Path) -> Iterator[Path]:
    """Yield a hidden folder beside the destination whose files take its place when the block succeeds."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = destination.with_name(f".{uuid.uuid4().hex}")
    temporary.mkdir()
    try:
        yield temporary
        if destination.is_dir():
            for file in temporary.iterdir():
                os.replace(file, destination / file.name)
        else:
            os.replace(temporary, destination)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
