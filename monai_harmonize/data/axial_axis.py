"""Along which axis of an array the axial slices of a volume lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.utils import MetaKeys

__all__ = ["axial_axis"]


def axial_axis(volume: Any) -> int:
    """Spatial axis that runs most nearly from foot to head, the axis of a CT's table.

    Volumes are not always stored slice by slice: MONAI and NIfTI keep any order of axes, and sagittal series are usual
    for spines.

    Args:
        volume: ``(C, W, H, D)``, or a batch of one ``(1, C, W, H, D)``, as the data loader makes it.

    Returns:
        0, 1 or 2; the last axis, 2, for a tensor without metadata.
    """
    if not isinstance(volume, MetaTensor) or MetaKeys.AFFINE.value not in volume.meta:
        return 2
    affine = np.asarray(volume.meta[MetaKeys.AFFINE.value], dtype=np.float64)
    affine = affine[0] if affine.ndim == 3 else affine
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return int(np.argmax(np.abs(affine[2, :3]) / lengths))
