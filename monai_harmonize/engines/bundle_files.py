"""Bundles as files to pass on: copied to where they are edited, or packed for MONAI's ``download`` and MONAI Label."""

from __future__ import annotations

import json
import os
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

__all__ = ["copy_bundle", "export_bundle"]

# What a bundle consists of without weights; what it makes while it works stays behind.
PATTERNS = ("LICENSE", "configs/*.conf", "configs/*.json", "docs/**/*")
# The state of an unfinished training is larger than the weights and of no use to others.
RESUME = "resume.pt"
INFERENCE = "configs/inference.json"
# The earliest date of the format: the same bundle gives the same bytes.
DATE = (1980, 1, 1, 0, 0, 0)


def copy_bundle(bundle: Bundle, folder: Path) -> Path:
    """Copy configurations, pages and licence of a bundle, without weights, to ``folder / its name``.

    Raises:
        InputError: that folder exists.
    """
    destination = folder / bundle.root.name
    if destination.exists():
        raise InputError(f"{destination}: exists already; remove or rename it, or give another --output.")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as temporary:
        copy = Path(temporary) / bundle.root.name
        for file in files_of(bundle):
            place = copy / file.relative_to(bundle.root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        os.replace(copy, destination)
    return destination


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
        InputError: there are no such weights, or they are another bundle's.
    """
    if not weights.is_file():
        raise InputError(f"{weights}: there are no weights to pack; train the bundle first, or give --checkpoint.")
    overlays = bundle.fitted_overlays(weights)
    name = bundle.metadata["name"]
    content = {str(file.relative_to(bundle.root)): file.read_bytes() for file in files_of(bundle)}
    content |= {f"models/{file.name}": file.read_bytes() for file in weights_beside(weights)}
    if overlays:
        merged = ConfigParser.load_config_files([bundle.config(each) for each in ("inference", *overlays)])
        noted = {**content_beside(weights), FITTED_BY: asdict(FittedBy(name))}
        content |= {INFERENCE: as_json(merged), f"models/{weights.stem}.json": as_json(noted)}
    archive = folder / f"{name}_v{bundle.metadata['version']}.zip"
    with atomic_path(archive) as temporary, ZipFile(temporary, "w") as file:
        for place, data in sorted(content.items()):
            file.writestr(ZipInfo(f"{name}/{place}", DATE), data, ZIP_DEFLATED)
    return archive


def files_of(bundle: Bundle) -> Iterator[Path]:
    """What is passed on without weights."""
    return (path for pattern in PATTERNS for path in sorted(bundle.root.glob(pattern)) if path.is_file())


def weights_beside(weights: Path) -> list[Path]:
    """Weights, what else was trained with them, and the settings of both."""
    found = [path for suffix in ("pt", "json") for path in weights.parent.glob(f"*.{suffix}")]
    return [path for path in found if path.name != RESUME]


def as_json(content: Any) -> bytes:
    """Content of a JSON file as MONAI's bundles format it."""
    return (json.dumps(content, indent=4, ensure_ascii=False) + "\n").encode()
