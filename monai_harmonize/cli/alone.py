"""One command at a time works in a folder of results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from monai_harmonize.data import InputError

__all__ = ["alone_in"]

LOCK = ".running.lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other commands out of a folder meanwhile; the system lets go of it with the process, however that ends.

    Args:
        folder: of the results; made if missing.

    Raises:
        InputError: another command works there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"--output {folder}: another command works there just now; wait for its end, or choose another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()
