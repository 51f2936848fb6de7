"""The one error of image files: it names the file, what is wrong with it and what to do."""

from __future__ import annotations

from os import PathLike, fspath

__all__ = ["ImageFileError"]


class ImageFileError(ValueError):
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
