"""Adaptive instance normalization: features of one image with the channel statistics of another.

Source: Xu, Li, Shin 2020, "Medical image processing with contextual style transfer", Eqs. 1 to 3, after Huang
and Belongie 2017. Written from the papers. The statistics of the style are arguments, never the state of a module.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["adaptive_instance_norm", "blended_statistics"]


def adaptive_instance_norm(
    features: Tensor, mean: Tensor, deviation: Tensor, own_mean: Tensor, own_deviation: Tensor
) -> Tensor:
    """Features whose channels have the statistics of a style (Eq. 3).

    Exactly the features themselves where the style's statistics are their own. Own statistics are arguments, too:
    those of a whole volume make its slices agree.

    Args:
        features: of the content, ``(B, C, H, W[, D])``.
        mean: of the style's channels, ``(B, C)`` or ``(1, C)``.
        deviation: of the style's channels, of the same shape.
        own_mean: of the content's channels, ``(B, C)`` or ``(1, C)``, see ``channel_statistics``.
        own_deviation: of the content's channels, of the same shape.

    Returns:
        Shape and type of ``features``.
    """
    scale = deviation / own_deviation
    shift = mean - own_mean * scale
    ones = [1] * (features.ndim - 2)
    scale, shift = scale.view(list(scale.shape) + ones), shift.view(list(shift.shape) + ones)
    return (precise(features) * scale + shift).to(features.dtype)


def blended_statistics(own: Tensor, styles: Tensor, weights: Tensor) -> Tensor:
    """Means, or deviations, between those of the content and of several styles.

    Eq. 3 is linear in the style's mean and deviation: to normalize with blended statistics is to blend the normalized
    features, of which the content's own are one, with the share that the weights leave.

    Args:
        own: of the content, ``(B, C)``.
        styles: ``(S, C)``.
        weights: of each style, ``(S,)``, or for each image, ``(B, S)``; style strength is their sum.

    Returns:
        ``(B, C)``.
    """
    shares = weights.to(own.dtype).view([-1, weights.shape[-1]])
    return own * (1.0 - shares.sum(1, keepdim=True)) + (shares[:, :, None] * styles.to(own.dtype)[None]).sum(1)


def precise(values: Tensor) -> Tensor:
    """In float32 at least."""
    return values if values.dtype == torch.float64 else values.float()
