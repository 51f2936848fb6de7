"""Convolution whose weights are all of the same scale while they learn.

Source: Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and variation", section 4.1.
Written from the paper.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["EqualisedConvolution"]


class EqualisedConvolution(nn.Module):
    """Weights start with variance 1 and are multiplied by He's constant in every call.

    Adam moves every weight by about the learning rate. With weights of one scale that is the same relative step in
    every layer.

    Args:
        spatial_dims: 2 or 3.
        in_channels: of the features.
        out_channels: of the result.
        kernel_size: along each axis.
        padding: zeros on each side.
        gain: of the activation that follows, the square root of 2 behind rectifiers.
        fan_in: inputs that an output really has; by default all of a kernel.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        padding: int = 0,
        gain: float = math.sqrt(2.0),
        fan_in: int | None = None,
    ) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims
        self.padding = padding
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, *[kernel_size] * spatial_dims))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.scale = gain / math.sqrt(fan_in or in_channels * kernel_size**spatial_dims)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve ``(B, in_channels, W, H[, D])``."""
        weight = self.weight * self.scale
        if self.spatial_dims == 2:
            return F.conv2d(features, weight, self.bias, padding=self.padding)
        return F.conv3d(features, weight, self.bias, padding=self.padding)
