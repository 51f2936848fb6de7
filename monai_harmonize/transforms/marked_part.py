"""Which part of an image a crop to its foreground keeps, where there may be no foreground."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["marked_or_all"]


def marked_or_all(mask: Tensor) -> Tensor:
    """What is above 0, or everything if nothing is, bool of the same shape.

    The ``select_fn`` of MONAI's ``CropForeground``, whose own one leaves no voxel where a mask is empty.
    """
    marked = mask > 0
    return marked if bool(marked.any()) else torch.ones_like(marked)
