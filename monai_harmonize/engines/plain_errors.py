"""What a user did wrong is told in one message, not in a traceback through three libraries."""

from __future__ import annotations

import sys
from types import TracebackType

from monai_harmonize.data.errors import InputError

__all__ = ["file_error_in", "input_error_in", "plain_errors"]

# Exit code.
WRONG_USAGE = 2


def input_error_in(error: BaseException | None) -> InputError | None:
    """First ``InputError`` among an exception and its causes."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__ or error.__context__
    return error


def file_error_in(error: BaseException | None) -> OSError | None:
    """First ``OSError`` that names a file among an exception and its explicit causes: no permission, a full disk."""
    while error is not None and not (isinstance(error, OSError) and error.filename is not None):
        error = error.__cause__
    return error


def plain_errors() -> None:
    """From now on end the process with the bare message when what the user gave is behind an uncaught exception.

    That is an ``InputError``, or a file or folder that the system refuses. The exit code is then 2, as of wrong usage.

    MONAI wraps whatever a configuration raises into errors of its own; the cause is what the user can act on. Other
    exceptions keep their traceback.
    """
    sys.excepthook = show


def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an uncaught exception; the signature is that of ``sys.excepthook``, which may end the process."""
    cause = input_error_in(error) or file_error_in(error)
    if cause is None:
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.write(f"error: {cause}\n")
        raise SystemExit(WRONG_USAGE)
