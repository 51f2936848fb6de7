"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monai_harmonize.data.errors import InputError

__all__ = ["atomic_path"]

# What a full disk, quota or file says while somebody writes; Python does not name the file then.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_path(destination: Path) -> Iterator[Path]:
    """Yield a hidden temporary path beside ``destination`` that takes its place when the block succeeds.

    The temporary name ends like the destination's, because image libraries choose the format by it.
    Missing parent folders are made. On an error the temporary file is removed and an older
    ``destination`` stays as it was.

    Raises:
        OSError: the file system refuses or is full; it names ``destination``.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = destination.with_name(f".{uuid.uuid4().hex}{''.join(destination.suffixes[-2:])}")
    try:
        yield temporary
        os.replace(temporary, destination)
    except Exception as error:
        refused = refusal_in(error, temporary)
        if refused is None:
            raise
        raise OSError(refused.errno, refused.strerror, os.fspath(destination)) from error
    finally:
        temporary.unlink(missing_ok=True)


def refusal_in(error: BaseException | None, temporary: Path) -> OSError | None:
    """Why the temporary file could not be written, among an exception and those behind it.

    ``torch.save`` hides it behind an error of its own; an ``InputError`` tells enough itself.
    """
    while error is not None and not isinstance(error, InputError):
        if isinstance(error, OSError) and (
            error.filename == os.fspath(temporary) or (error.filename is None and error.errno in FULL)
        ):
            return error
        error = error.__cause__ or error.__context__
    return None
