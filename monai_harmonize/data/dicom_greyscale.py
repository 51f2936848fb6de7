"""The curve between stored values and grey levels, there and back: modality LUT, VOI LUT, polarity."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from monai_harmonize.data.dicom_header import PixelFormat, tag_error
from monai_harmonize.data.errors import ImageFileError

try:
    from pydicom.pixels import apply_modality_lut, apply_voi_lut
except ImportError:  # pydicom 2.4
    from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut

__all__ = ["GreyScale", "is_ct", "shown_inverted"]

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"  # CT Image Storage


def shown_inverted(dataset: Dataset, pixels: PixelFormat) -> bool:
    """Whether dense structures have low grey levels, so that a reader turns them: MONOCHROME1, but not in CT.

    Photometric Interpretation (0028,0004) says how values are displayed, white or black where low. The rescale of CT
    gives HU (PS3.3 C.8.2.1), with dense high, whatever the display does.
    """
    return pixels.monochrome1 and not is_ct(dataset)


def is_ct(dataset: Dataset) -> bool:
    """Whether a file says of itself, by Modality (0008,0060) or SOP Class UID (0008,0016), that it is CT."""
    return bool(dataset.get("Modality") == "CT" or dataset.get("SOPClassUID") == CT_STORAGE)


@dataclass(frozen=True)
class GreyScale:
    """Grey level of every stored value, in the file's own polarity and unit.

    Linear where the header gives Rescale Slope and Intercept (0028,1053 and 1052) or nothing, else a table of
    all values that the stored bits allow: Modality LUT Sequence (0028,3000), then, where asked for, VOI LUT
    Sequence (0028,3010) or window (0028,1050 and 1051). Order as in PS3.3 C.11.1 and C.11.2; turning
    MONOCHROME1 (``shown_inverted``) comes last and is not part of the curve.

    Args:
        pixels: how values are stored.
        slope: grey levels per stored value.
        intercept: grey level of stored value 0.
        table: grey level of each stored value from the lowest up, float32; replaces slope and intercept.
    """

    pixels: PixelFormat
    slope: float = 1.0
    intercept: float = 0.0
    table: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, dataset: Dataset, pixels: PixelFormat, path: str | PathLike[str], apply_voi: bool = False) -> GreyScale:
        """Read the curve from a header.

        Raises:
            ImageFileError: the curve is constant, not finite, or finer than float32 resolves.
        """
        if apply_voi or dataset.get("ModalityLUTSequence"):
            return cls(pixels, table=grey_table(dataset, pixels, path, apply_voi))
        slope = real_number(dataset, path, "RescaleSlope", 1.0)
        intercept = real_number(dataset, path, "RescaleIntercept", 0.0)
        scale = cls(pixels, slope, intercept)
        if slope == 0:
            raise tag_error(path, "RescaleSlope", slope, "it turns every pixel into one value; repair the header")
        if max(map(abs, scale.grey_range)) * np.finfo(np.float32).eps > abs(slope) / 2:
            raise tag_error(path, "RescaleSlope", slope, f"too fine for float32 beside intercept {intercept}")
        return scale

    @property
    def grey_range(self) -> tuple[float, float]:
        """Lowest and highest grey level that a stored value can have."""
        if self.table is not None:
            return float(self.table.min()), float(self.table.max())
        first, last = (value * self.slope + self.intercept for value in self.pixels.stored_range)
        return min(first, last), max(first, last)

    def to_grey(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Grey levels of stored values, same shape, float32, a new array."""
        if self.table is not None:
            return self.table[stored.astype(np.intp) - self.pixels.stored_range[0]]
        grey = stored.astype(np.float32)
        if self.slope != 1:
            grey *= np.float32(self.slope)
        if self.intercept != 0:
            grey += np.float32(self.intercept)
        return grey

    def to_stored(self, grey: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Stored values whose grey levels are nearest, clipped to the stored range; same shape."""
        low, high = self.pixels.stored_range
        if self.table is None:
            exact = (grey.astype(np.float64) - self.intercept) / self.slope
            return np.rint(exact).clip(low, high).astype(np.int64)
        order = np.argsort(self.table, kind="stable")
        levels = self.table[order].astype(np.float64)
        return low + order[np.searchsorted((levels[1:] + levels[:-1]) / 2, grey)]


def grey_table(
    dataset: Dataset, pixels: PixelFormat, path: str | PathLike[str], apply_voi: bool
) -> NDArray[np.float32]:
    """Grey level of every value that the stored bits allow, through pydicom."""
    low, high = pixels.stored_range
    try:
        levels = apply_modality_lut(np.arange(low, high + 1), dataset)
        if apply_voi:
            whole = np.rint(levels)
            # A VOI LUT is indexed, so it wants whole numbers.
            levels = apply_voi_lut(whole.astype(np.int64) if np.array_equal(whole, levels) else levels, dataset)
    except (AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        raise ImageFileError(path, f"its modality or VOI LUT cannot be applied; repair the header: {error}") from error
    table = np.asarray(levels, dtype=np.float32)
    if not np.isfinite(table).all() or table.min() == table.max():
        raise ImageFileError(
            path,
            "its modality or VOI LUT gives every pixel one value or none; repair the header",
        )
    return table


def real_number(dataset: Dataset, path: str | PathLike[str], keyword: str, default: float) -> float:
    """Finite number of an attribute; ``default`` where it is absent or empty."""
    try:
        value = dataset.get(keyword)
        number = default if value in (None, "") else float(value)
    except (TypeError, ValueError) as error:
        raise tag_error(path, keyword, "no number", "expected one decimal number; repair the header") from error
    if not np.isfinite(number):
        raise tag_error(path, keyword, number, "expected a finite number; repair the header")
    return number
