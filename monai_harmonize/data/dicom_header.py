"""The header rules of a radiograph: which DICOM images are read, and why the others are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import Any

from pydicom.config import disable_value_validation
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.tag import Tag

from monai_harmonize.data.errors import ImageFileError, InputError

__all__ = ["PixelFormat", "damaged_values_named", "refuse_frames", "tag_error", "whole_number"]

MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")


def tag_error(path: str | PathLike[str], keyword: str, found: object, advice: str) -> ImageFileError:
    """Error that names an attribute by keyword and tag, its value, and what was expected or is to be done."""
    tag = Tag(tag_for_keyword(keyword))
    return ImageFileError(path, f"{keyword} ({tag.group:04X},{tag.element:04X}) is {found}; {advice}")


@contextmanager
def damaged_values_named(path: str | PathLike[str]) -> Iterator[None]:
    """Turn pydicom's late errors about a damaged value, looked at or written, into ``ImageFileError``.

    The value itself is not shown: it may be the patient's. Nor does pydicom log the values that break their
    VR's rules, which it reads all the same.
    """
    try:
        with disable_value_validation():
            yield
    except InputError:
        raise
    except (BytesLengthException, NotImplementedError, ValueError) as error:
        kind = type(error).__name__
        raise ImageFileError(path, f"a header value is damaged ({kind}); get it again or repair it") from None


@dataclass(frozen=True)
class PixelFormat:
    """How one grey frame is stored: the Image Pixel module (PS3.3 C.7.6.3).

    Args:
        rows: Rows (0028,0010).
        columns: Columns (0028,0011).
        bits_allocated: Bits Allocated (0028,0100), 8 or 16.
        bits_stored: Bits Stored (0028,0101).
        high_bit: High Bit (0028,0102).
        signed: Pixel Representation (0028,0103) is 1.
        monochrome1: the lowest value is shown white (Photometric Interpretation (0028,0004)).
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    monochrome1: bool

    @property
    def stored_range(self) -> tuple[int, int]:
        """Lowest and highest stored value that the bits allow."""
        span = 1 << self.bits_stored
        return (-(span >> 1), (span >> 1) - 1) if self.signed else (0, span - 1)

    @classmethod
    def of(cls, dataset: Dataset, path: str | PathLike[str]) -> PixelFormat:
        """Read and check the header of a single-frame grey image.

        Raises:
            ImageFileError: colour, several frames, no or floating-point pixel data, an empty image, or
                bits beyond 16.
        """
        refuse_other_images(dataset, path)
        rows, columns, allocated, stored, representation = (
            whole_number(dataset, path, keyword)
            for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation")
        )
        high_bit = whole_number(dataset, path, "HighBit", default=stored - 1)
        if rows < 1 or columns < 1:
            empty, size = ("Rows", rows) if rows < 1 else ("Columns", columns)
            raise tag_error(path, empty, size, "an image needs at least one")
        if allocated not in (8, 16):
            raise tag_error(path, "BitsAllocated", allocated, "8 and 16 are read; convert the file")
        if not 1 <= stored <= allocated:
            raise tag_error(path, "BitsStored", stored, f"expected 1 to Bits Allocated ({allocated})")
        if not stored - 1 <= high_bit < allocated:
            raise tag_error(path, "HighBit", high_bit, f"expected {stored - 1} to {allocated - 1}")
        if representation not in (0, 1):
            raise tag_error(path, "PixelRepresentation", representation, "expected 0 or 1 (signed)")
        return cls(
            rows=rows,
            columns=columns,
            bits_allocated=allocated,
            bits_stored=stored,
            high_bit=high_bit,
            signed=representation == 1,
            monochrome1=dataset.PhotometricInterpretation == "MONOCHROME1",
        )


def refuse_other_images(dataset: Dataset, path: str | PathLike[str]) -> None:
    """Raise for everything that is not one frame of grey integers, the most telling reason first."""
    for keyword in ("FloatPixelData", "DoubleFloatPixelData"):
        if keyword in dataset:
            raise tag_error(path, keyword, "present", "only integer Pixel Data (7FE0,0010) are read")
    samples = whole_number(dataset, path, "SamplesPerPixel", default=1)
    photometric = dataset.get("PhotometricInterpretation")
    if samples != 1:
        raise tag_error(path, "SamplesPerPixel", samples, "colour is not read; a radiograph has 1 sample")
    refuse_frames(dataset, path)
    if "PixelData" not in dataset or not dataset["PixelData"].value:
        raise tag_error(
            path,
            "PixelData",
            "missing",
            "the file is truncated or holds no image; get it again from its source",
        )
    if photometric not in MONOCHROME:
        # An unknown text may be anything, even the patient's name.
        found = photometric if photometric in COLOUR else "missing or no defined term"
        raise tag_error(path, "PhotometricInterpretation", found, f"expected one of {', '.join(MONOCHROME)}")


def refuse_frames(dataset: Dataset, path: str | PathLike[str]) -> None:
    """Raise for several frames, and for the enhanced kinds, whose rescale and place are those of each frame."""
    frames = whole_number(dataset, path, "NumberOfFrames", default=1)
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        if keyword in dataset:
            raise tag_error(
                path,
                keyword,
                "present",
                f"an enhanced image of {frames} frames is not read; convert it to single-frame files or NIfTI first",
            )
    if frames != 1:
        raise tag_error(path, "NumberOfFrames", frames, "give single-frame files; split the frames first")


def whole_number(dataset: Dataset, path: str | PathLike[str], keyword: str, default: int | None = None) -> int:
    """Integer value of an attribute; ``default`` where it is absent or empty."""
    value: Any = dataset.get(keyword)
    if value in (None, ""):
        if default is None:
            raise tag_error(path, keyword, "missing", "it is required to read the pixels; repair the header")
        return default
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise tag_error(path, keyword, "no whole number", "expected one; repair the header") from error
