"""Increasing curves that vary smoothly over the image: slopes on a coarse grid in space and grey level.

Source of the grid: Chen, Paris, Durand 2007, "Real-time edge-aware image processing with the bilateral grid"; of
predicting it: Gharbi et al. 2017 (HDRNet). Ours: it holds positive slopes of which the output is the integral along
grey level, so that it increases at every place, and the contrast that it can add is bounded by the grid.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["added_contrast_bound", "apply_bilateral_grid", "grid_curves", "segment_rises"]


def segment_rises(levels: Tensor, num_segments: int) -> Tensor:
    """How far each grey level lies beyond mid-grey within each of ``num_segments`` equal segments of [-1, 1].

    The integral of slopes ``s`` from 0 to ``x`` is ``sum_k s_k * rises_k(x)``.

    Args:
        levels: ``(N,)``, float.
        num_segments: K.

    Returns:
        ``(K, N)``; negative for segments below mid-grey, nothing beyond [-1, 1].
    """
    edges = torch.linspace(-1.0, 1.0, num_segments + 1, dtype=levels.dtype, device=levels.device)[:, None]
    lower, upper = edges[:-1], edges[1:]
    middle = torch.zeros_like(lower)
    return torch.clamp(levels, lower, upper) - torch.clamp(middle, lower, upper)


def apply_bilateral_grid(image: Tensor, slopes: Tensor, offset: Tensor) -> Tensor:
    """Integral of the slopes along grey level, from mid-grey to the pixel's level, plus the offset.

    Slopes and offset are linear in space between the nodes, of which the outermost lie on the corner pixels. Beyond
    [-1, 1] the slope is 1 everywhere. In float arithmetic, too, a pixel's output never falls when its input rises.

    Args:
        image: ``(B, 1, H, W[, D])``, float.
        slopes: of K equal segments of [-1, 1], ``(B, K, h, w[, d])``, above 0.
        offset: what mid-grey becomes, ``(B, 1, h, w[, d])``.

    Returns:
        The shape of ``image``, not clipped.
    """
    size = image.shape[2:]
    mode = "bilinear" if image.ndim == 4 else "trilinear"
    segments = slopes.shape[1]
    output = F.interpolate(offset, size=size, mode=mode, align_corners=True)
    output = output + (image - image.clamp(-1.0, 1.0))
    # One segment after the other: all at once would need K times the image's memory.
    for segment in range(segments):
        lower, upper = 2.0 * segment / segments - 1.0, 2.0 * (segment + 1) / segments - 1.0
        slope = F.interpolate(slopes[:, segment : segment + 1], size=size, mode=mode, align_corners=True)
        output = torch.addcmul(output, slope, image.clamp(lower, upper) - min(max(0.0, lower), upper))
    return output


def grid_curves(slopes: Tensor, offset: Tensor) -> Tensor:
    """Value of every node's curve at the knots, the ends of the K segments, ``(B, K + 1, h, w[, d])``."""
    segments = slopes.shape[1]
    rise = slopes * (2.0 / segments)
    climbed = torch.cat([torch.zeros_like(rise[:, :1]), rise.cumsum(dim=1)], dim=1)
    middle = (climbed[:, segments // 2] + climbed[:, (segments + 1) // 2])[:, None] / 2
    return climbed - middle + offset


def added_contrast_bound(slopes: Tensor, offset: Tensor, size: list[int], spacing: list[float]) -> Tensor:
    """Largest contrast that the grid can add of its own: L with ``|grad y - dy/dx * grad x| <= L`` everywhere.

    The left side is the gradient along space at a fixed grey level. Between nodes it is a weighted mean of the
    differences of neighbouring nodes' curves, and these are largest at a knot.

    Args:
        slopes: see ``apply_bilateral_grid``.
        offset: see there.
        size: spatial size of the image.
        spacing: length of a pixel along each axis.

    Returns:
        ``(B,)`` in grey levels per unit of ``spacing``, Euclidean norm; neighbouring pixels along one axis differ by
        no more than this, beside what their own contrast explains.
    """
    curves = grid_curves(slopes, offset)
    square = torch.zeros(slopes.shape[0], dtype=slopes.dtype, device=slopes.device)
    for axis in range(2, slopes.ndim):
        nodes, length = slopes.shape[axis], size[axis - 2]
        if nodes > 1 and length > 1:
            step = (length - 1) / (nodes - 1) * spacing[axis - 2]
            square = square + (curves.diff(dim=axis).abs().flatten(1).amax(dim=1) / step).square()
    return square.sqrt()
