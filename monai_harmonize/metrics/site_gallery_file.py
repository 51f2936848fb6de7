"""Known sites as one small JSON file; numbers only, nothing of a patient."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.look_summary import ANALYSIS_SIZE, FEATURES
from monai_harmonize.metrics.site_gallery import SiteGallery
from monai_harmonize.metrics.site_look import FEWEST_IMAGES, SiteLook

__all__ = ["is_site_gallery", "load_site_gallery", "save_site_gallery"]

FORMAT, VERSION = "site gallery", 1
DIGITS = 7
HEAD = {"format": FORMAT, "version": VERSION, "features": list(FEATURES), "analysis_size": ANALYSIS_SIZE}


def save_site_gallery(gallery: SiteGallery, path: str | PathLike[str]) -> Path:
    """Write a gallery; the file appears whole or not at all.

    Returns:
        The path.
    """
    sites = {
        name: {part: rounded(getattr(look, part)) for part in ("mean", "covariance", "distances")}
        for name, look in gallery.sites.items()
    }
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(json.dumps({**HEAD, "sites": sites}) + "\n", encoding="utf-8")
    return Path(path)


def is_site_gallery(path: str | PathLike[str]) -> bool:
    """Whether a file is one of sites, be its version another one or its numbers damaged."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def load_site_gallery(path: str | PathLike[str]) -> SiteGallery:
    """Read a gallery and check it.

    Raises:
        InputError: there is no such file, it is damaged, of another version, or holds numbers that make no sense; the
            message names the file and the entry.
    """
    try:
        content: Any = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file of sites; learn them first.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is no JSON file of sites; learn them again.") from error
    for name, expected in HEAD.items():
        if not isinstance(content, dict) or content.get(name) != expected:
            found = content.get(name) if isinstance(content, dict) else content
            raise InputError(f"{path}: its {name} is {found!r}; expected {expected!r}. Learn the sites again.")
    sites = content.get("sites")
    if not isinstance(sites, dict) or not sites:
        raise InputError(f"{path}: its sites are missing; learn them again.")
    return SiteGallery({str(name): look_of(path, str(name), entry) for name, entry in sites.items()})


def look_of(path: str | PathLike[str], site: str, entry: Any) -> SiteLook:
    """One checked site."""
    wrong = f"{path}: the numbers of {site} are damaged; learn the sites again."
    try:
        mean, covariance, distances = (
            np.asarray(entry[name], dtype=np.float64) for name in ("mean", "covariance", "distances")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(wrong) from error
    count = len(FEATURES)
    shapes = mean.shape == (count,) and covariance.shape == (count, count) and distances.ndim == 1
    if not shapes or not all(np.isfinite(values).all() for values in (mean, covariance, distances)):
        raise InputError(wrong)
    symmetric = np.allclose(covariance, covariance.T, rtol=1e-5, atol=1e-12)
    positive = symmetric and np.linalg.eigvalsh(covariance).min() > 0
    increasing = len(distances) >= FEWEST_IMAGES and distances[0] >= 0 and (np.diff(distances) >= 0).all()
    if not (positive and increasing):
        raise InputError(wrong)
    return SiteLook(mean, covariance, distances)


def rounded(values: NDArray[np.float64]) -> Any:
    """The same as lists, with ``DIGITS`` significant digits."""
    flat = [float(f"{value:.{DIGITS}g}") for value in values.flat]
    return np.reshape(flat, values.shape).tolist()
