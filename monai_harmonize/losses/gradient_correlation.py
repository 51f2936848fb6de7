"""Gradient correlation: whether edges lie in the same places and point the same way.

Source: Hiasa et al. 2018, "Cross-modality image synthesis from unpaired data using CycleGAN", Eqs 3 and 4, after Penney
et al. 1998; section 3.2 of the review Li et al. 2021. Written from the papers.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["gradient_correlation"]

# Squared grey levels: below it a direction has no edges that could be compared.
FLAT = 1e-12


def gradient_correlation(image: Tensor, other: Tensor) -> Tensor:
    """Normalised cross-correlation of the differences of neighbouring pixels, averaged over the directions.

    Indifferent to brightness and contrast; an inverted image has -1.

    Args:
        image: ``(B, C, W, H[, D])``, at least 3 pixels a side.
        other: the same shape.

    Returns:
        ``(B,)`` in [-1, 1]; a direction in which either image is flat counts as 0.
    """
    found = []
    for axis in range(2, image.ndim):
        first, second = ((each.float().diff(dim=axis)).flatten(1) for each in (image, other))
        first, second = first - first.mean(1, keepdim=True), second - second.mean(1, keepdim=True)
        energies = first.square().sum(1) * second.square().sum(1)
        found.append((first * second).sum(1) / energies.clamp_min(FLAT).sqrt())
    return torch.stack(found).mean(0)
