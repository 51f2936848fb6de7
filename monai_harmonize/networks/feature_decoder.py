"""Decoder that draws an image from the deepest features of an extractor.

Source: Xu, Li, Shin 2020, "Medical image processing with contextual style transfer", section "Context-ware
style transfer model", after Huang and Belongie 2017 (a decoder that mirrors the encoder, nearest-neighbour upsampling,
reflection at the border, and no normalization, which would undo the style). Written from the papers. Ours: residual
blocks, of which the first doubles, and clipping.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai.networks.layers.factories import Conv
from monai.networks.layers.utils import get_act_layer
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.convolution_blocks import RELU, ResidualBlock, initialize_for_relu
from monai_harmonize.networks.upsampled_convolution import UpsampledConvolution

__all__ = ["FeatureDecoder"]

NARROWEST = 32


class FeatureDecoder(nn.Module):
    """Mirror of a feature extractor: doubles the size until it is the image's, as wide as the extractor's layers there.

    Where the extractor has no layer of a size, the width halves. The last convolution is clipped to [-1, 1], with the
    gradient of the identity: tanh never reaches the -1 of air, and without normalization before it it saturates after
    a few steps and learns no more.

    Args:
        channels: of the extractor's layers, from the shallowest to the deepest.
        strides: of the layers, powers of 2 that do not decrease.
        num_blocks: residual blocks behind every doubling.

    Raises:
        InputError: an option outside the above.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], num_blocks: int = 1) -> None:
        super().__init__()
        powers = all(stride > 0 and stride & (stride - 1) == 0 for stride in strides)
        if not strides or len(channels) != len(strides) or not powers or list(strides) != sorted(strides):
            raise InputError(
                f"channels are {list(channels)}, strides {list(strides)}; expected as many of either, at least one, "
                "and strides that are powers of 2 and do not decrease."
            )
        if min(channels) < 1 or num_blocks < 0:
            raise InputError(
                f"channels are {list(channels)}, num_blocks is {num_blocks}; expected at least 1 and at least 0."
            )
        # Of several layers of one size the shallowest counts.
        width_at = dict(zip(reversed(strides), reversed(channels), strict=True))
        stride, width = strides[-1], channels[-1]
        layers: list[nn.Module] = []
        while stride > 1:
            stride //= 2
            narrow = width_at.get(stride, max(width // 2, NARROWEST))
            layers += convolution(width, narrow)
            # The identity keeps the names of weights from when doubling was a layer of its own.
            layers += [nn.Identity(), DoublingBlock(narrow)] if num_blocks else [doubling()]
            layers += [ResidualBlock(2, narrow, None) for _ in range(num_blocks - 1)]
            width = narrow
        self.layers = nn.Sequential(*layers, *convolution(width, width), convolution(width, 1)[0])
        self.apply(initialize_for_relu)
        # Blocks begin as the identity and the image as nearly grey: the signal does not grow.
        for layer in self.layers:
            if isinstance(layer, ResidualBlock | DoublingBlock):
                nn.init.zeros_(layer.layers[-1].get_parameter("weight"))
        nn.init.normal_(self.layers[-1].get_parameter("weight"), std=0.01)

    def forward(self, features: Tensor) -> Tensor:
        """Draw an image.

        Args:
            features: ``(B, C, W, H)`` of the deepest layer, both sides at least 2.

        Returns:
            ``(B, 1, W * stride, H * stride)`` in [-1, 1].
        """
        image: Tensor = self.layers(features)
        return image.detach().clamp(-1.0, 1.0) + (image - image.detach())


class DoublingBlock(nn.Module):
    """``ResidualBlock`` without normalization behind a doubling of the size, which its convolutions do not wait for.

    Args:
        channels: width of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, (second, rectifier) = UpsampledConvolution(channels, channels), convolution(channels, channels)
        self.layers = nn.Sequential(first, rectifier, second)
        self.doubling = doubling()

    def forward(self, features: Tensor) -> Tensor:
        """``(B, C, W, H)`` to ``(B, C, 2 W, 2 H)``."""
        doubled: Tensor = self.doubling(features)
        change: Tensor = self.layers(features)
        return doubled + change


def doubling() -> nn.Module:
    """Nearest neighbours."""
    return nn.Upsample(scale_factor=2.0, mode="nearest")


def convolution(in_channels: int, out_channels: int) -> list[Any]:
    """A 3x3 convolution that keeps the size, and its rectifier."""
    layer = Conv[Conv.CONV, 2](in_channels, out_channels, 3, padding=1, padding_mode="reflect")
    return [layer, get_act_layer(RELU)]
