"""Physical pixel spacing of a loaded image, if it has one, and that which a user asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.utils import MetaKeys

from monai_harmonize.data.errors import InputError

__all__ = ["SPACING_KNOWN", "checked_spacing", "median_spacing", "pixel_spacing_of"]

# Metadata key: whether the affine's scale is that of the file, or 1 mm for want of one.
SPACING_KNOWN = "spacing_known"


def pixel_spacing_of(image: Any) -> list[float] | None:
    """Millimetres per pixel along each spatial axis.

    Args:
        image: ``(C, W, H[, D])``, or a batch of one ``(1, C, W, H[, D])``, as the data loader makes it.

    Returns:
        One length per spatial axis; ``None`` for a plain tensor or an image whose file names no spacing.
    """
    if not isinstance(image, MetaTensor):
        return None
    known = image.meta.get(SPACING_KNOWN, False)
    if not np.all(np.asarray(known)):
        return None
    affine = np.asarray(image.meta[MetaKeys.AFFINE.value], dtype=np.float64)
    affine = affine[0] if affine.ndim == 3 else affine
    axes = image.ndim - (2 if image.is_batch else 1)
    lengths = np.linalg.norm(affine[:3, :axes], axis=0)
    return [float(length) for length in lengths]


def median_spacing(images: Iterable[Any]) -> list[float]:
    """Typical spacing of images: the median along each axis, in mm to a thousandth.

    Args:
        images: ``(C, W, H[, D])``, of one number of axes; one at a time is held.

    Returns:
        One length per spatial axis; none where no image's file names a spacing.
    """
    found = [spacing for image in images if (spacing := pixel_spacing_of(image)) is not None]
    return [round(float(length), 3) for length in np.median(found, axis=0)] if found else []


def checked_spacing(spacing: Any, optional: bool = False) -> list[float] | None:
    """The spacing that volumes are to be brought to, as an option says it.

    ``Spacing`` of MONAI takes other values for a wish to keep an axis, and fewer than three for some of the axes; a
    network would then see voxels of many sizes, and nobody could note which.

    Args:
        spacing: mm along the three axes.
        optional: ``None`` is an answer, too: the spacing of the files.

    Raises:
        InputError: anything else than three finite numbers above 0.
    """
    if spacing is None and optional:
        return None
    parts = list(spacing) if isinstance(spacing, list | tuple) else []
    numbers = [float(part) for part in parts if type(part) in (int, float) and part > 0 and math.isfinite(part)]
    if len(numbers) != 3 or len(parts) != 3:
        expected = "three numbers above 0, mm along each axis, such as [1.0, 1.0, 2.0]"
        raise InputError(f"spacing is {spacing!r}; expected {'null or ' * optional}{expected}.")
    return numbers
