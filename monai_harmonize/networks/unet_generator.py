"""U-Net generator of pix2pix.

Source: Isola et al. 2017, "Image-to-image translation with conditional adversarial networks", sections 3.2.1 and 6.1.1
(appendix), whose encoder is `C64-C128-C256-C512-...` of stride 2 without normalisation in its first layer. Written from
the paper on MONAI's `UNet`. Ours: 3x3 convolutions, nearest neighbours and convolution instead of transposed
convolution, which draws a checkerboard (Odena et al. 2016), no dropout, so that the same image always becomes the same
translation, an optional skip of the image itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from monai.networks.blocks import Convolution
from monai.networks.nets import UNet
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.convolution_blocks import RELU, Activation, Norm, initialize_convolution

__all__ = ["UNetGenerator"]

LEAKY_RELU: Activation = ("leakyrelu", {"negative_slope": 0.2})


class UNetGenerator(UNet):
    """Image-to-image U-Net: strided convolutions down, resize-convolutions up, features handed across, tanh.

    The first layer has no normalisation, and its features reach the last one: this is how the generator knows how
    bright an image is, whatever the normalisation of the others takes away.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the input image.
        out_channels: channels of the output image.
        channels: width of each level, finest first; the last is the bottom.
        strides: of each level but the bottom, one fewer than ``channels``; a first stride of 1 keeps a level of
            all pixels.
        norm: MONAI normalisation layer, ``None`` for none.
        skip: adds the input before tanh, so that an untrained generator is nearly the identity.

    Raises:
        InputError: an option outside the values above.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: Sequence[int] = (64, 128, 256, 512, 512, 512, 512, 512),
        strides: Sequence[int] = (2, 2, 2, 2, 2, 2, 2),
        norm: Norm = "instance",
        skip: bool = False,
    ) -> None:
        if spatial_dims not in (2, 3):
            raise InputError(f"spatial_dims is {spatial_dims}; expected 2 or 3.")
        if len(channels) < 2 or len(strides) != len(channels) - 1 or min(strides) < 1:
            raise InputError(
                f"channels are {list(channels)} and strides {list(strides)}; expected at least two levels, and a "
                "stride of 1 or more for each but the last."
            )
        if skip and in_channels != out_channels:
            raise InputError(f"skip needs in_channels == out_channels; got {in_channels} and {out_channels}.")
        super().__init__(spatial_dims, in_channels, out_channels, channels, strides, act=LEAKY_RELU, norm=norm)
        self.skip = skip
        # Keeps the inverse of tanh finite for grey levels at the ends of the range.
        self.skip_limit = 0.99
        self.multiple = prod(strides)
        self.apply(initialize_convolution)
        if skip:
            last = [module for module in self.modules() if isinstance(module, nn.modules.conv._ConvNd)][-1]
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Translate an image.

        Args:
            x: ``(B, C, H, W[, D])`` in [-1, 1], float; each spatial size a multiple of ``multiple``, the product of all
                strides, and with instance norm at least twice that.

        Returns:
            Image of the same shape in (-1, 1).
        """
        features: Tensor = self.model(x)
        if self.skip:
            features = features + torch.atanh(self.skip_limit * x.clamp(-1.0, 1.0))
        return torch.tanh(features)

    def _get_down_layer(self, in_channels: int, out_channels: int, strides: int, is_top: bool) -> nn.Module:
        norm = None if is_top else self.norm
        convolution: nn.Module = Convolution(
            self.dimensions, in_channels, out_channels, strides=strides, act=self.act, norm=norm, adn_ordering="NA"
        )
        return convolution

    def _get_up_layer(self, in_channels: int, out_channels: int, strides: int, is_top: bool) -> nn.Module:
        convolution: nn.Module = Convolution(
            self.dimensions,
            in_channels,
            out_channels,
            act=RELU,
            norm=self.norm,
            conv_only=is_top,
            adn_ordering="NA",
        )
        if strides == 1:
            return convolution
        return nn.Sequential(nn.Upsample(scale_factor=float(strides), mode="nearest"), convolution)
