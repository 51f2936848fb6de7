"""The lookup table by which a viewer shows an untouched image as its harmonized version looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from torch import Tensor

from monai_harmonize.data.dicom_greyscale import GreyScale
from monai_harmonize.data.dicom_voi import presentation_values, reset_voi
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.polarity import turn_polarity

__all__ = ["PresentationLUT", "ToneCurve", "harmonized_levels"]

ToneCurve = Callable[[Tensor], Tensor | NDArray[Any]]


@dataclass(frozen=True)
class PresentationLUT:
    """Modality LUT and VOI LUT (PS3.3 C.11.1 and C.11.8) of a presentation state.

    Args:
        slope: Rescale Slope (0028,1053).
        intercept: Rescale Intercept (0028,1052).
        unit: Rescale Type (0028,1054) of what the two give.
        first: rescaled value of the first entry; lower ones are shown like it, and those above the last like that.
        entries: presentation values before the Presentation LUT, uint16; they rise with the rescaled value.
    """

    slope: float
    intercept: float
    unit: str
    first: int
    entries: NDArray[np.uint16]

    @classmethod
    def of(cls, curve: ToneCurve, dataset: Dataset, scale: GreyScale, meta: Mapping[str, Any]) -> PresentationLUT:
        """Table of a curve for the images of one header.

        The source's own rescale stays where its output is whole numbers that a LUT Descriptor (0028,3002) can count,
        so that a viewer goes on showing HU. Otherwise (fractional slope, modality LUT) the state's rescale only makes
        stored values unsigned and the table takes in the rest, exact for every stored value.

        Args:
            curve: see ``harmonized_levels``.
            dataset: the source's header; its windows become those of the derived image.
            scale: the source's grey scale.
            meta: metadata as ``LoadRadiograph`` gives them.

        Raises:
            InputError: see ``harmonized_levels``.
        """
        reset_voi(dataset, scale.grey_range)
        if scale.table is None and float(scale.slope).is_integer() and float(scale.intercept).is_integer():
            low, high = scale.grey_range
            unit = str(dataset.get("RescaleType") or ("HU" if dataset.get("Modality") == "CT" else "US"))
            grey = np.arange(low, high + 1, dtype=np.float32)
            first, entries = trimmed(int(low), displayed(grey, curve, dataset, scale, meta))
            if describable(first, len(entries)):
                return cls(scale.slope, scale.intercept, unit, first, entries)
        lowest, highest = scale.pixels.stored_range
        grey = scale.to_grey(np.arange(lowest, highest + 1))
        first, entries = trimmed(0, displayed(grey, curve, dataset, scale, meta))
        return cls(1.0, -float(lowest), "US", first, entries)


def displayed(
    grey: NDArray[np.float32], curve: ToneCurve, dataset: Dataset, scale: GreyScale, meta: Mapping[str, Any]
) -> NDArray[np.uint16]:
    """Presentation values, uint16, of the source's grey levels: the curve, then the derived image's window."""
    levels = harmonized_levels(grey, curve, scale, meta)
    values: NDArray[np.uint16] = np.rint(presentation_values(levels, dataset, scale.grey_range)).astype(np.uint16)
    return values


def harmonized_levels(
    grey: NDArray[np.float32], curve: ToneCurve, scale: GreyScale, meta: Mapping[str, Any]
) -> NDArray[np.float32]:
    """What becomes of grey levels in the file's own unit and polarity, not rounded to stored values.

    Args:
        grey: grey levels ``(N,)``.
        curve: increasing, from [-1, 1] (``meta["grey_range"]``, bright = dense) to [-1, 1], beyond which is clipped;
            takes and gives float32 ``(N,)``.
        scale: the file's grey scale.
        meta: metadata as ``LoadRadiograph`` gives them.

    Raises:
        InputError: the curve falls somewhere, is constant or not finite, or changes the shape.
    """

    def turned(levels: NDArray[np.float32]) -> NDArray[np.float32]:
        return turn_polarity(levels, scale.grey_range) if meta["polarity_turned"] else levels

    low, high = (float(bound) for bound in meta["grey_range"])
    network_levels = np.clip((turned(grey) - low) * (2 / (high - low)) - 1, -1, 1).astype(np.float32)
    with torch.no_grad():
        result = torch.as_tensor(curve(torch.from_numpy(network_levels))).float().cpu().numpy()
    order = np.argsort(network_levels, kind="stable")
    if result.shape != grey.shape or not np.isfinite(result).all():
        raise InputError("The curve gives values that are not finite, or another number of them; it is no tone curve.")
    if (np.diff(result[order]) < 0).any() or result.min() == result.max():
        raise InputError("The curve is not increasing; only an increasing one (class G0) can be a presentation state.")
    return turned(((np.clip(result, -1, 1) + 1) * ((high - low) / 2) + low).astype(np.float32))


def trimmed(first: int, entries: NDArray[np.uint16]) -> tuple[int, NDArray[np.uint16]]:
    """First rescaled value and entries without the repetitions at both ends, which the standard implies."""
    changes = np.flatnonzero(np.diff(entries))
    if not len(changes):
        return first, entries[:1]
    return first + int(changes[0]), entries[changes[0] : changes[-1] + 2]


def describable(first: int, count: int) -> bool:
    """Whether a LUT Descriptor of 16-bit numbers can say it: signed numbers where the first entry is negative."""
    return (0 <= first < 2**16 and count <= 2**16) or (-(2**15) <= first < 0 and count < 2**15)
