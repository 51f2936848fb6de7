"""A folder of phantoms that is made once: its record says how, and whether it is complete."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from monai_harmonize.data.errors import InputError

MANIFEST, RECORD, LOCK = "manifest.csv", "dataset.json", ".lock"


def make_once(folder: Path, recipe: Mapping[str, Any], make: Callable[[Path], None], renew: bool = False) -> Path:
    """Make a dataset where it is missing, partial or of another recipe.

    Processes that call this at once wait for the first; a call that was killed is made good by the next.

    Args:
        folder: new or empty, or made by an earlier call.
        recipe: all that decides the dataset's bytes, as JSON has it; its ``generator`` names the kind of dataset.
        make: writes manifest and images into the folder; finds what an earlier call left there.
        renew: make the dataset also where it is complete.

    Returns:
        Its manifest.

    Raises:
        InputError: the folder has content of other origin.
    """
    # As JSON reads it back: no tuples.
    wanted = json.loads(json.dumps(recipe))
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK):
        complete = {**wanted, "complete": True}
        found = _read_record(folder, wanted["generator"])
        if renew or found != complete or not (folder / MANIFEST).is_file():
            _write_record(folder, {**wanted, "complete": False})
            make(folder)
            _write_record(folder, complete)
    return folder / MANIFEST


def _read_record(folder: Path, generator: str) -> dict[str, Any]:
    """The record of an earlier run, empty for a new folder."""
    path = folder / RECORD
    if path.is_file():
        record = json.loads(path.read_text())
        if isinstance(record, dict) and record.get("generator") == generator:
            return record
    if any(not content.name.startswith(".") for content in folder.iterdir()):
        raise InputError(f"{folder} holds files that are no phantom dataset; choose a new or an empty folder")
    return {}


def _write_record(folder: Path, record: Mapping[str, Any]) -> None:
    temporary = folder / f".{RECORD}"
    temporary.write_text(json.dumps(record, indent=4))
    os.replace(temporary, folder / RECORD)
