"""What a curve-predicting network sees of an image: a thumbnail and a cumulative histogram, of any resolution."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["area_thumbnail", "cumulative_histogram"]


def area_thumbnail(image: Tensor, size: int) -> Tensor:
    """Mean of the image over ``size`` equal cells along each spatial axis.

    Cells may cut pixels, which then count by the share inside: the same scene at any resolution has the same
    thumbnail. PyTorch's adaptive pooling lets cells overlap instead, and has no ONNX form for odd sizes.

    Args:
        image: ``(B, C, H, W[, D])``, float.
        size: cells along each axis.

    Returns:
        ``(B, C, size, size[, size])``.
    """
    for axis in range(2, image.ndim):
        length = image.shape[axis]
        cell = length / size
        start = torch.arange(size, dtype=image.dtype, device=image.device)[:, None] * cell
        pixel = torch.arange(length, dtype=image.dtype, device=image.device)
        share = (torch.minimum(start + cell, pixel + 1) - torch.maximum(start, pixel)).clamp(min=0.0) / cell
        image = torch.matmul(image.transpose(axis, -1), share.t()).transpose(axis, -1)
    return image


def cumulative_histogram(image: Tensor, bins: int) -> Tensor:
    """Share of the elements at most as bright as each of ``bins`` levels between -1 and 1, softened by one step.

    Args:
        image: ``(B, ...)`` in [-1, 1], float.
        bins: number of levels, at least 2.

    Returns:
        ``(B, bins)`` in [0, 1], increasing, differentiable.
    """
    step = 2.0 / (bins - 1)
    levels = torch.linspace(-1.0, 1.0, bins, dtype=image.dtype, device=image.device)
    return ((levels - image.flatten(1)[:, :, None]) / step + 0.5).clamp(0.0, 1.0).mean(dim=1)
