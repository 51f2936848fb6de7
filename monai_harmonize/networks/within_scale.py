"""Curves that would leave the grey scale are brought back into it, so that a writer has nothing to clip."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_harmonize.networks.bilateral_grid import segment_rises

__all__ = ["within_scale"]


def within_scale(image: Tensor, slopes: Tensor, offset: Tensor, smallest: float) -> tuple[Tensor, Tensor]:
    """Make curves map the grey levels that an image has into [-1, 1], changing them no more than it takes.

    A curve that climbs by more than the scale gets its slopes lowered towards the smallest one, all by one share; a
    curve that then ends beyond the scale is shifted. Slopes stay within their bounds. A curve that stays within the
    scale is not changed. Weighted means of curves stay within it, too.

    Args:
        image: ``(B, 1, H, W[, D])``; levels beyond [-1, 1] count at its ends.
        slopes: of K equal segments of [-1, 1], ``(B, K, ...)``, at least ``smallest``.
        offset: what mid-grey becomes, ``(B, 1, ...)``.
        smallest: bound of the slopes, in (0, 1).

    Returns:
        Slopes and offset of the same shapes.
    """
    segments = slopes.shape[1]
    levels = image.flatten(1).clamp(-1.0, 1.0).float()
    low, high = levels.amin(dim=1), levels.amax(dim=1)
    shape = [-1, segments] + [1] * (slopes.ndim - 2)
    to_low, to_high = segment_rises(low, segments).T.reshape(shape), segment_rises(high, segments).T.reshape(shape)
    least = (smallest * (high - low)).view([-1, 1] + [1] * (slopes.ndim - 2))
    climb = (slopes * (to_high - to_low)).sum(dim=1, keepdim=True)
    share = ((2.0 - least) / (climb - least).clamp(min=1e-6)).clamp(max=1.0)
    lowered = smallest + (slopes - smallest) * share
    at_low, at_high = ((lowered * rises).sum(dim=1, keepdim=True) + offset for rises in (to_low, to_high))
    shift = (-1.0 - at_low).clamp(min=0.0) + (1.0 - at_high).clamp(max=0.0)
    # What stays within the scale stays bit by bit.
    return torch.where(share < 1.0, lowered, slopes), offset + shift
