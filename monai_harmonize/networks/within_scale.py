"""Curves that would leave the grey scale bend before its ends, so that a writer has next to nothing to clip."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["used_levels", "within_scale"]


def used_levels(image: Tensor, rare_share: float = 1e-3, sample: int = 65536) -> Tensor:
    """Lowest and highest grey level that an image uses but for the rarest, within [-1, 1].

    Args:
        image: ``(B, 1, H, W[, D])``.
        rare_share: of pixels at either end that may lie beyond, such as markers and dead pixels.
        sample: about so many pixels of an image are looked at, at even steps.

    Returns:
        ``(B, 2)``, float32.
    """
    flat = image.flatten(1)
    levels = flat[:, :: max(1, flat.shape[1] // sample)].float().clamp(-1.0, 1.0)
    rare = 1 + int(rare_share * levels.shape[1])
    lowest = -torch.topk(-levels, rare, dim=1).values[:, -1:]
    return torch.cat([lowest, torch.topk(levels, rare, dim=1).values[:, -1:]], dim=1)


def within_scale(values: Tensor, used: Tensor, smallest: float) -> Tensor:
    """Make curves map the used grey levels into [-1, 1].

    Where a curve comes so near to an end of the scale that even the smallest slope would leave it, it goes on with
    that slope. Between any two knots it climbs as before or by the smallest slope, or by something between them; all
    else of it stays. Weighted means of curves stay within the scale, too.

    Args:
        values: of curves at K knots, evenly spaced over [-1, 1], ``(B, K, ...)``, with slopes of at least
            ``smallest``.
        used: see ``used_levels``.
        smallest: slope, in (0, 1).

    Returns:
        Values of the same shape.
    """
    count = values.shape[1]
    knots = torch.arange(count, device=values.device).to(values.dtype) * (2.0 / (count - 1)) - 1.0
    shape = [-1, count] + [1] * (values.ndim - 2)
    least = (-1.0 + smallest * (knots - used[:, :1])).view(shape)
    most = (1.0 + smallest * (knots - used[:, 1:])).view(shape)
    return torch.maximum(torch.minimum(values, most), least)
