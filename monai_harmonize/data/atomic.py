"""Files appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path"]


@contextmanager
def atomic_path(destination: Path) -> Iterator[Path]:
    """Yield a hidden temporary path beside ``destination`` that takes its place when the block succeeds.

    The temporary name ends like the destination's, because image libraries choose the format by it.
    Missing parent folders are made. On an error the temporary file is removed and an older
    ``destination`` stays as it was.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = destination.with_name(f".{uuid.uuid4().hex}{''.join(destination.suffixes[-2:])}")
    try:
        yield temporary
        os.replace(temporary, destination)
    finally:
        temporary.unlink(missing_ok=True)
