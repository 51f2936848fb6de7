"""How far networks have grown, and what an image looks like to them.

``progress`` is a number from 0 to the number of doublings, ``stages``. At a whole number n images have the side of
stage n, 4 times two to the n. Between n and n + 1 the finer stage fades in; the fraction is its share.

Source: Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and variation", section 2 and
figure 2. Written from the paper. Ours: images always have the size of the last stage, doubled as often as needed.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

__all__ = ["doubled", "mixed", "pooled", "shown_at", "stage_share"]


def doubled(image: Tensor) -> Tensor:
    """Nearest neighbours, ``(B, C, W, H[, D])`` to ``(B, C, 2 W, 2 H[, 2 D])``."""
    return F.interpolate(image, scale_factor=2.0, mode="nearest")


def pooled(image: Tensor) -> Tensor:
    """Means of neighbours, ``(B, C, W, H[, D])`` to ``(B, C, W/2, H/2[, D/2])``."""
    if image.ndim == 4:
        return F.avg_pool2d(image, 2)
    return F.avg_pool3d(image, 2)


def mixed(old: Tensor, new: Tensor, share: Tensor) -> Tensor:
    """``share`` of the new and the rest of the old."""
    return old + share * (new - old)


def stage_share(progress: Tensor, stage: int) -> Tensor:
    """How much a stage counts at a progress: 0 before it fades in, 1 once it has; stage 0 is there from the start."""
    return (progress - (stage - 1)).clamp(0.0, 1.0)


def shown_at(image: Tensor, progress: Tensor, stages: int) -> Tensor:
    """Show images as coarse as networks at this progress draw them, with the same fade.

    Args:
        image: ``(B, C, W, H[, D])``.
        progress: one number from 0 to ``stages``.
        stages: doublings from the first stage to the image.

    Returns:
        Of the same shape.
    """
    stage = math.ceil(float(progress))
    for _ in range(stages - stage):
        image = pooled(image)
    if float(progress) < stage:
        image = mixed(doubled(pooled(image)), image, stage_share(progress, stage))
    for _ in range(stages - stage):
        image = doubled(image)
    return image
