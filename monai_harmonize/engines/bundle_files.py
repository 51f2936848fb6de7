"""Bundles as files to pass on: copied to where they are edited, or packed for MONAI's ``download`` and MONAI Label."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from monai.bundle import ConfigParser

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.weights import FITTED_BY, FittedBy, content_beside

__all__ = ["copy_bundle", "export_bundle", "place_of_copy"]

# What a bundle consists of without weights; what it makes while it works stays behind.
PATTERNS = ("LICENSE", "configs/*.conf", "configs/*.json", "docs/**/*")
# The state of an unfinished training is larger than the weights and of no use to others.
RESUME = "resume.pt"
INFERENCE = "configs/inference.json"
# The earliest date of the format: the same bundle gives the same bytes.
DATE = (1980, 1, 1, 0, 0, 0)
# What may stand in the name of a file, wherever the archive is unpacked.
PART_OF_A_NAME = re.compile(r"\w[\w.+-]*", re.ASCII)


def copy_bundle(bundle: Bundle, folder: Path) -> Path:
    """Copy configurations, pages and licence of a bundle, without weights, to ``folder / its name``.

    Raises:
        InputError: that folder exists, or a file of the bundle lies elsewhere.
    """
    destination = place_of_copy(bundle, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as temporary:
        copy = Path(temporary) / destination.name
        for file in files_of(bundle):
            place = copy / file.relative_to(bundle.root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        os.replace(copy, destination)
    return destination


def place_of_copy(bundle: Bundle, folder: Path) -> Path:
    """The folder that ``copy_bundle`` makes.

    Raises:
        InputError: it exists.
    """
    place = folder / bundle.root.absolute().name
    if place.exists():
        raise InputError(f"{place}: exists already; remove or rename it, or give another --output.")
    return place


def export_bundle(bundle: Bundle, weights: Path, folder: Path) -> Path:
    """Pack a bundle and its weights as ``NAME_vVERSION.zip``, the archive that ``monai.bundle.download`` unpacks.

    Overlays that are noted beside the weights become part of the archive's ``inference.json``, since whoever unpacks
    it runs this file alone.

    Args:
        bundle: what is packed.
        weights: ``model.pt`` of a training; all weights and JSON files beside it are packed with it.
        folder: receives the archive.

    Returns:
        The archive; the same content gives the same bytes.

    Raises:
        InputError: there are no such weights, or they are another bundle's; a file of the bundle lies elsewhere, or
            its metadata gives no name and version.
    """
    if not weights.is_file():
        raise InputError(f"{weights}: there are no weights to pack; train the bundle first, or give --checkpoint.")
    name, version = (part_of_name(bundle, entry) for entry in ("name", "version"))
    overlays = bundle.fitted_overlays(weights)
    content = {str(file.relative_to(bundle.root)): file.read_bytes() for file in files_of(bundle)}
    content |= {f"models/{file.name}": file.read_bytes() for file in weights_beside(weights)}
    if overlays:
        merged = ConfigParser.load_config_files([bundle.config(each) for each in ("inference", *overlays)])
        noted = {**content_beside(weights), FITTED_BY: asdict(FittedBy(name))}
        content |= {INFERENCE: as_json(merged), f"models/{weights.stem}.json": as_json(noted)}
    archive = folder / f"{name}_v{version}.zip"
    with atomic_path(archive) as temporary, ZipFile(temporary, "w") as file:
        for place, data in sorted(content.items()):
            file.writestr(ZipInfo(f"{name}/{place}", DATE), data, ZIP_DEFLATED)
    return archive


def files_of(bundle: Bundle) -> Iterator[Path]:
    """What is passed on without weights.

    Raises:
        InputError: a link leads out of the bundle, to what may be nobody else's business.
    """
    root = bundle.root.resolve()
    for path in (path for pattern in PATTERNS for path in sorted(bundle.root.glob(pattern)) if path.is_file()):
        if not path.resolve().is_relative_to(root):
            raise InputError(f"{path}: is a link that leads out of the bundle; put the file itself there.")
        yield path


def part_of_name(bundle: Bundle, entry: str) -> str:
    """An entry of the metadata that the archive is called by.

    Raises:
        InputError: there is none, or it would lead to another folder.
    """
    text = bundle.metadata.get(entry)
    if not isinstance(text, str) or not PART_OF_A_NAME.fullmatch(text):
        raise InputError(
            f"{bundle.config('metadata')}: {entry} is {text!r}; expected letters, digits, '.', '_' or '-'."
        )
    return text


def weights_beside(weights: Path) -> list[Path]:
    """Weights, what else was trained with them, and the settings of both."""
    found = [path for suffix in ("pt", "json") for path in weights.parent.glob(f"*.{suffix}")]
    return [path for path in found if path.name != RESUME]


def as_json(content: Any) -> bytes:
    """Content of a JSON file as MONAI's bundles format it."""
    return (json.dumps(content, indent=4, ensure_ascii=False) + "\n").encode()
