"""Hounsfield units: the windows of radiology by name, and whether a volume is in this unit at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
import torch
from torch import Tensor

from monai_harmonize.data.errors import ImageFileError, InputError

__all__ = ["HOUNSFIELD_WINDOWS", "Window", "check_hounsfield", "hounsfield_range"]

Window = str | Sequence[float]

# Level and width in HU. Bone (of the spine), soft tissue (of the abdomen) and lung as reading rooms have them: Murphy
# and Baba, "Windowing (CT)", Radiopaedia. Wide: all that 12 bits store beside the usual intercept -1024.
HOUNSFIELD_WINDOWS: Mapping[str, tuple[float, float]] = {
    "bone": (400.0, 1800.0),
    "soft_tissue": (50.0, 400.0),
    "lung": (-600.0, 1500.0),
    "wide": (1023.5, 4095.0),
}

# No scanner's HU are further from water, metal included; float32 tells whole numbers apart within it.
HIGHEST = 1e6


def hounsfield_range(window: Window) -> tuple[float, float]:
    """Lowest and highest HU of a window: level -+ width / 2, as LINEAR_EXACT of PS3.3 C.11.2.1.3.2.

    Args:
        window: a name of ``HOUNSFIELD_WINDOWS``, or the lowest and highest HU themselves.

    Raises:
        InputError: an unknown name, or no two numbers within ``HIGHEST`` that increase.
    """
    if isinstance(window, str):
        if window not in HOUNSFIELD_WINDOWS:
            names = ", ".join(HOUNSFIELD_WINDOWS)
            raise InputError(f"window is {window!r}; expected {names}, or the lowest and highest HU as two numbers.")
        level, width = HOUNSFIELD_WINDOWS[window]
        return level - width / 2, level + width / 2
    try:
        low, high = (float(bound) for bound in window)
    except (TypeError, ValueError) as error:
        raise InputError(f"window is {window!r}; expected a name, or the lowest and highest HU.") from error
    if not -HIGHEST <= low < high <= HIGHEST:
        raise InputError(
            f"window is ({low:g}, {high:g}) HU; expected lowest < highest, such as (-500, 1300), within {HIGHEST:g}. "
            "A level and a width are (level - width / 2, level + width / 2)."
        )
    return low, high


def check_hounsfield(image: Tensor, path: str | PathLike[str] = "image", switch: str | None = None) -> None:
    """Refuse a CT whose values cannot be HU, since every window would cut it at wrong places.

    A whole CT shows fat or air, which are below 0 HU; what was never rescaled, or was scaled for a network or to 8
    bits, has no such value.

    Args:
        image: CT of any shape.
        path: its file, for the error.
        switch: what the caller sets to false to leave this check out, for the error; ``None`` where nothing does.

    Raises:
        ImageFileError: NaN or infinity, all values within [-1, 1], or none below 0.
    """
    low, high = (float(bound) for bound in torch.aminmax(image))
    if not np.isfinite([low, high]).all():
        raise ImageFileError(path, "its values are NaN or infinite in places; expected finite HU; repair it")
    part = f"; for a small part of a body, without air and fat, set {switch} to false" if switch else ""
    if low >= 0 or (low >= -1 and high <= 1):
        raise ImageFileError(
            path,
            f"its values lie in [{low:g}, {high:g}]{origin(high)}; expected Hounsfield units, where air is near "
            f"-1000 and water 0. Give the volume in HU{part}",
        )


def origin(high: float) -> str:
    """What values that are no HU most likely are."""
    if high <= 1:
        return ", as of an image scaled for a network"
    if high <= 255:
        return ", as of an image of 8 bits"
    return ", as of stored values without Rescale Slope and Intercept (0028,1053 and 1052)"
