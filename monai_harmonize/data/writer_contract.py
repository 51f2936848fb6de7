"""What every writer is told of an image's making, and what it checks before it touches the disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize import __version__
from monai_harmonize.data.errors import ImageFileError, InputError

__all__ = ["SOFTWARE", "UNKNOWN", "Maker", "check_writable", "refuse_source", "source_path"]

SOFTWARE = "monai-harmonize"
REQUIRED_META = ("filename_or_obj", "grey_range", "polarity_turned", "source_format")


@dataclass(frozen=True)
class Maker:
    """Who makes an image: this software by a method with certain weights.

    Args:
        bundle: name and version of the method, or nothing.
        weights_digest: 12 to 64 hexadecimal digits of the weights' SHA-256, or nothing.
        created: time of creation; the time of writing if not given.
        variant: what else decides about the pixels, such as options of the method, as one short text; or nothing.

    Raises:
        InputError: the digest is none; it would stand in every file.
    """

    bundle: str = ""
    weights_digest: str = ""
    created: datetime | None = None
    variant: str = ""

    def __post_init__(self) -> None:
        if self.weights_digest and not re.fullmatch("[0-9a-f]{12,64}", self.weights_digest):
            raise InputError(
                f"weights_digest is {self.weights_digest!r}; expected 12 to 64 hexadecimal digits of SHA-256."
            )

    @property
    def now(self) -> datetime:
        """Time of creation."""
        return self.created or datetime.now()

    @property
    def identity(self) -> tuple[str, ...]:
        """What two makers of the same pixels share; UIDs follow from it. A backslash separates values in DICOM."""
        return self.bundle.replace("\\", "/"), self.weights_digest, *([self.variant] if self.variant else [])

    @property
    def weights(self) -> str:
        """The digest in words, or nothing."""
        return f"weights SHA-256 {self.weights_digest}" if self.weights_digest else ""

    def __str__(self) -> str:
        """Software and its version, the method, and the digest of its weights."""
        return " ".join(part for part in (SOFTWARE, __version__, self.bundle, self.weights) if part)


UNKNOWN = Maker()


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
    refuse_source(source, destination)
    if image.shape != shape:
        raise ImageFileError(
            source,
            f"an image of size {image.shape} cannot take its place, it has {shape}; restore its size first",
        )
    wrong = image.size - int(np.count_nonzero(np.isfinite(image)))
    if wrong:
        raise ImageFileError(source, f"{wrong} pixels of its result are NaN or infinite; nothing was written")


def refuse_source(source: Path, destination: Path) -> None:
    """Raise ``ImageFileError`` where a new file would replace the source."""
    if destination.exists() and destination.samefile(source):
        raise ImageFileError(destination, "is the source itself and is not overwritten; choose another folder")
