"""What every writer checks before it touches the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.errors import ImageFileError

__all__ = ["check_writable", "source_path"]

REQUIRED_META = ("filename_or_obj", "grey_range", "polarity_turned", "source_format")


def source_path(meta: Mapping[str, Any]) -> Path:
    """File that an image was read from.

    Raises:
        ValueError: the metadata do not come from ``LoadRadiograph``.
    """
    missing = [key for key in REQUIRED_META if key not in meta]
    if missing:
        raise ValueError(f"metadata without {', '.join(missing)}; load the image with LoadRadiograph and keep its meta")
    return Path(str(meta["filename_or_obj"]))


def check_writable(image: NDArray[np.floating[Any]], shape: tuple[int, ...], source: Path, destination: Path) -> None:
    """Refuse an image that does not fit its source, is not finite, or would replace its source.

    Args:
        image: grey levels to write.
        shape: the source's ``(W, H)`` or ``(W, H, D)``.
        source: file that the image was read from.
        destination: file to write.

    Raises:
        ImageFileError: with the reason.
    """
    if destination.exists() and destination.samefile(source):
        raise ImageFileError(destination, "is the source itself and is not overwritten; choose another folder")
    if image.shape != shape:
        raise ImageFileError(
            source,
            f"an image of size {image.shape} cannot take its place, it has {shape}; restore its size first",
        )
    wrong = image.size - int(np.count_nonzero(np.isfinite(image)))
    if wrong:
        raise ImageFileError(source, f"{wrong} pixels of its result are NaN or infinite; nothing was written")
