"""Files of a folder to any depth: linked folders are followed, earlier results left out."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RESULTS_TABLE", "files_below", "is_dangling"]

# The table that every harmonizer writes into the folder of its results.
RESULTS_TABLE = "certificates.csv"

logger = logging.getLogger(__name__)


def files_below(folder: Path, exclude: Path | None = None) -> Iterator[Path]:
    """Files, and links to nothing, that lie in a folder or below it and in no hidden subfolder.

    A subfolder with ``certificates.csv`` holds results of ours; it is left out, and a warning names it. The folder
    itself was asked for and is searched whatever it holds.

    Args:
        folder: where to look; hidden folders above it do not matter.
        exclude: a subfolder that is left out, without a warning, whatever links lead to it.
    """
    for place in folders_below(folder, None if exclude is None else os.path.realpath(exclude)):
        with os.scandir(place) as entries:
            found = [Path(place, entry.name) for entry in entries if not entry.name.startswith(".")]
        yield from (path for path in found if path.is_file() or is_dangling(path))


def folders_below(folder: Path, exclude: str | None) -> Iterator[Path]:
    """A folder and those below it, each once: links after what they may lead to, so that loops end."""
    seen: set[str] = set()
    starts = [folder]
    while starts:
        links: list[Path] = []
        for start in starts:
            for current, names, _ in os.walk(start):
                place, real = Path(current), os.path.realpath(current)
                if real in seen or (place != folder and (real == exclude or holds_results(place))):
                    names.clear()
                    continue
                seen.add(real)
                names[:] = sorted(name for name in names if not name.startswith("."))
                links += [place / name for name in names if (place / name).is_symlink()]
                yield place
        starts = links


def holds_results(folder: Path) -> bool:
    """Whether an earlier run has written its results into a folder; a warning tells of it."""
    found = (folder / RESULTS_TABLE).is_file()
    if found:
        logger.warning("%s: holds results (%s) and is left out; name it to take its images.", folder, RESULTS_TABLE)
    return found


def is_dangling(path: Path) -> bool:
    """Whether it is a link to nothing, such as a file of git-annex that was not fetched."""
    return path.is_symlink() and not path.exists()
