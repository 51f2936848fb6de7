"""A site's reference as one small JSON file."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, fields
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.energy_bands import SIGMAS
from monai_harmonize.metrics.site_reference import LANDMARKS, ChannelReference, SiteReference

__all__ = ["load_site_reference", "save_site_reference"]

FORMAT, VERSION = "site reference", 1
# Enough for every level of 16 bits.
DIGITS = 7
LARGEST = sys.float_info.max
INCREASING = ("mean_cdf", "landmarks")
LENGTHS = {"landmarks": len(LANDMARKS), "energies": len(SIGMAS) + 1}


def save_site_reference(reference: SiteReference, path: str | PathLike[str]) -> Path:
    """Write a reference; the file appears whole or not at all.

    Returns:
        The path.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "percentiles": LANDMARKS,
        "sigmas": SIGMAS,
        "images": reference.images,
        "channels": [rounded(asdict(channel)) for channel in reference.channels],
    }
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    return Path(path)


def load_site_reference(path: str | PathLike[str]) -> SiteReference:
    """Read a reference and check it.

    Raises:
        InputError: there is no such file, it is damaged, of another version, or holds numbers that make no sense; the
            message names the file and the entry.
    """
    content = read(Path(path))
    for name, expected in (
        ("format", FORMAT),
        ("version", VERSION),
        ("percentiles", list(LANDMARKS)),
        ("sigmas", list(SIGMAS)),
    ):
        if content.get(name) != expected:
            raise InputError(f"{path}: its {name} is {content.get(name)!r}; expected {expected!r}. Fit it again.")
    channels, images = content.get("channels"), content.get("images")
    if not isinstance(channels, list) or not channels or not isinstance(images, int) or images < 1:
        raise InputError(f"{path}: its channels or images are missing; fit it again.")
    return SiteReference(tuple(channel_of(path, place, found) for place, found in enumerate(channels)), images)


def read(path: Path) -> dict[str, Any]:
    """Content of the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such site reference; fit one first.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is no JSON file of a site reference; fit it again.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no site reference; fit it again.")
    return content


def channel_of(path: str | PathLike[str], place: int, found: Any) -> ChannelReference:
    """One checked channel."""
    names = {field.name for field in fields(ChannelReference)}
    if not isinstance(found, dict) or set(found) != names:
        raise InputError(f"{path}: channel {place} does not hold {', '.join(sorted(names))}; fit it again.")
    problem = next((name for name in sorted(names) if not sound(name, found[name])), None)
    if problem is not None:
        raise InputError(f"{path}: {problem} of channel {place} is damaged; fit it again.")
    return ChannelReference(**{name: plain(found[name]) for name in names})


def sound(name: str, value: Any) -> bool:
    """Whether an entry of a channel can be what it is called."""
    if name == "templates":
        return isinstance(value, list) and bool(value) and all(sound("mean_cdf", row) for row in value)
    if name in ("mean", "deviation", "low_pass_mean"):
        return is_number(value) and (name != "deviation" or value > 0)
    if not isinstance(value, list) or len(value) < 2 or not all(map(is_number, value)):
        return False
    if len(value) != LENGTHS.get(name, len(value)):
        return False
    if name in INCREASING:
        return bool(value[-1] > value[0]) and all(low <= high for low, high in pairwise(value))
    return all(number >= 0 for number in value)


def plain(value: Any) -> Any:
    """Lists as tuples, numbers as floats."""
    return tuple(map(plain, value)) if isinstance(value, list) else float(value)


def is_number(value: Any) -> bool:
    """Whether it is a finite number; a whole one of JSON may be too large to be any."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def rounded(value: Any) -> Any:
    """The same with ``DIGITS`` significant digits."""
    if isinstance(value, dict):
        return {name: rounded(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}")
