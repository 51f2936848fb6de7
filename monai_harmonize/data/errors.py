"""Errors of what a user gave; their message alone tells what to do, no traceback is needed."""

from __future__ import annotations

from os import PathLike, fspath

__all__ = ["ImageFileError", "InputError"]


class InputError(ValueError):
    """Something the user gave cannot be used: a file, a manifest, a configuration, weights."""


class ImageFileError(InputError):
    """An image file that is missing, damaged, of a kind that is not read, or that cannot be written.

    Patient data never stand in the text: reasons name tags and pixel properties only.

    Args:
        path: the file; the message starts with it.
        reason: what was found, what was expected and what to do.
    """

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        self.path = fspath(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")

    def __reduce__(self) -> tuple[type[ImageFileError], tuple[str, str]]:
        # A data loader's worker process sends the error to the main process pickled.
        return type(self), (self.path, self.reason)
