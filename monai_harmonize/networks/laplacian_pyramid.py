"""Laplacian pyramid: a coarse image, and what each doubling of it lacks.

Source: Burt and Adelson 1983, as Denton et al. 2015, "Deep generative image models using a Laplacian pyramid of
adversarial networks", section 2.2, uses it. Written from the papers. Ours: the filters, and any number of dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["collapsed", "halved", "laplacian_pyramid", "upsampled"]


def upsampled(image: Tensor) -> Tensor:
    """Double the size by linear interpolation.

    Args:
        image: ``(B, C, W, H[, D])``.

    Returns:
        ``(B, C, 2 W, 2 H[, 2 D])``.
    """
    mode = "bilinear" if image.ndim == 4 else "trilinear"
    return F.interpolate(image, scale_factor=2.0, mode=mode, align_corners=False)


def halved(image: Tensor) -> Tensor:
    """Halve the size behind a binomial filter, which lets no stripes of one pixel through.

    The weights 1, 3, 3, 1 over 8 along each axis are those with which ``upsampled`` spreads a pixel.

    Args:
        image: ``(B, C, W, H[, D])`` of even sizes; continued beyond its border by its last pixels.

    Returns:
        ``(B, C, W/2, H/2[, D/2])``.
    """
    channels, axes = image.shape[1], image.ndim - 2
    weights = torch.tensor([1.0, 3.0, 3.0, 1.0]).to(image) / 8
    kernel = weights
    for _ in range(axes - 1):
        kernel = kernel[..., None] * weights
    padded = F.pad(image, [1, 1] * axes, mode="replicate")
    convolution = F.conv2d if axes == 2 else F.conv3d
    return convolution(padded, kernel.expand(channels, 1, *kernel.shape), stride=2, groups=channels)


def laplacian_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """Take an image apart.

    Args:
        image: ``(B, C, W, H[, D])``, sizes divisible by ``2 ** levels``.
        levels: how often it is halved.

    Returns:
        The coarsest image, then the residual of each doubling, the finest last.
    """
    residuals: list[Tensor] = []
    for _ in range(levels):
        coarse = halved(image)
        residuals.insert(0, image - upsampled(coarse))
        image = coarse
    return [image, *residuals]


def collapsed(pyramid: Sequence[Tensor]) -> Tensor:
    """The image that a pyramid was made of: double, add, and so on."""
    image = pyramid[0]
    for residual in pyramid[1:]:
        image = upsampled(image) + residual
    return image
