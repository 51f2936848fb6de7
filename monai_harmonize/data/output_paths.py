"""Where the result of a source goes: the source's own name and place below another folder."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.formats import IMAGE_SUFFIXES

__all__ = ["OutputPaths"]


class OutputPaths:
    """Paths of new files, one per source; no part of a path comes from a header.

    Args:
        output_dir: folder of the new files.
        data_root: folder below which the sources' relative paths are kept; without it, and for sources outside it,
            files go into ``output_dir`` itself, and two sources of the same name are an error.
        suffix: text between name and extension.
        extension: extension of the new files; the source's where it is not given.

    Raises:
        ValueError: suffix or extension holds a path separator.
    """

    def __init__(
        self,
        output_dir: str | PathLike[str],
        data_root: str | PathLike[str] | None = None,
        suffix: str = "",
        extension: str | None = None,
    ) -> None:
        for name, text in (("suffix", suffix), ("extension", extension or "")):
            if "/" in text or os.sep in text:
                raise ValueError(f"{name} {text!r} holds a path separator; use output_dir for folders")
        self.output_dir = Path(output_dir)
        self.data_root = None if data_root is None else Path(os.path.abspath(data_root))
        self.suffix = suffix
        self.extension = extension
        self.sources: dict[Path, str] = {}

    def path_for(self, source: Path) -> Path:
        """Path of the new file of a source.

        Raises:
            ImageFileError: another source has the same path.
        """
        relative = Path(source.name)
        absolute = Path(os.path.abspath(source))
        if self.data_root is not None and absolute.is_relative_to(self.data_root):
            relative = absolute.relative_to(self.data_root)
            relative = relative if relative.name else Path(absolute.name)  # the root itself is a series of slices
        name = relative.name
        old = next((name[-len(end) :] for end in IMAGE_SUFFIXES if name.lower().endswith(end)), "")
        new = old if self.extension is None else self.extension
        destination = self.output_dir / relative.with_name(f"{name.removesuffix(old)}{self.suffix}{new}")
        owner = self.sources.setdefault(destination, str(absolute))
        if owner != str(absolute):
            raise ImageFileError(source, f"its result would replace that of {owner}; set data_root to keep the folders")
        return destination
