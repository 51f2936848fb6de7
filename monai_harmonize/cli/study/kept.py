"""The settings that a study keeps in its folder, so that a second call goes on and no other study mixes with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from monai_harmonize.data import InputError
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.manifest import Manifest

__all__ = ["keep_settings", "records_digest"]


def keep_settings(file: Path, settings: dict[str, Any], fixed: Collection[str], manifest: Manifest) -> None:
    """Write settings, after a comparison with those of an earlier call.

    Args:
        file: of the study's folder.
        settings: what the study is; ``records`` holds the digest of every site's.
        fixed: names of what may not change between two calls.
        manifest: named in messages.

    Raises:
        InputError: the folder holds a study of other images, whose results would mix with these, or damaged settings.
    """
    before, folder = settings_before(file), file.parent
    for name in fixed:
        if before and before.get(name) != settings[name]:
            raise InputError(
                f"--output {folder}: holds a study with {name} {before.get(name)}, not {settings[name]}; "
                "choose another folder."
            )
    records = {**before.get("records", {})}
    for site, digest in settings["records"].items():
        if records.setdefault(site, digest) != digest:
            raise InputError(
                f"--output {folder}: holds a study of other records of site {site}: {manifest.path} has "
                "changed since; choose another folder."
            )
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps({**settings, "records": records}, indent=4) + "\n", encoding="utf-8")


def settings_before(file: Path) -> dict[str, Any]:
    """What an earlier call kept; empty where there was none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise InputError(f"{file}: is no JSON file of a study; remove it, or choose another --output.") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: holds no settings of a study; remove it, or choose another --output.")
    return content


def records_digest(manifest: Manifest, site: str) -> str:
    """Which images, splits and labels a manifest has of a site; nothing of a patient can be read from it."""
    records = [record for record in manifest.records if record["site"] == site]
    text = json.dumps(records, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
