"""Polarity of a radiograph: whether bright means dense (MONOCHROME2) or thin (MONOCHROME1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["INVERTED", "NORMAL", "turn_polarity"]

# What a manifest says of a file: its format's own polarity is right, or the file was published turned.
NORMAL, INVERTED = "normal", "inverted"

Image = TypeVar("Image", NDArray[np.float32], torch.Tensor)


def turn_polarity(image: Image, grey_range: Sequence[float]) -> Image:
    """Swap bright and dark: ``low + high - value``, its own inverse on the same range.

    Args:
        image: grey levels of any shape, float32; not changed.
        grey_range: lowest and highest nominal grey level, in the image's own unit.
    """
    low, high = (float(bound) for bound in grey_range)
    return (low + high) - image
