"""ResNet generator of CycleGAN.

Source: Zhu et al. 2017, appendix 7.2 (`c7s1-64, d128, d256, R256 x n, u128, u64, c7s1-1`), the generator that
Lee et al. 2020 ("Generalizer using CycleGAN") train. Written from the papers. Ours: any number of spatial
dimensions, resize-convolution instead of transposed convolution (Odena et al. 2016), an optional skip.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.convolution_blocks import (
    Norm,
    ResidualBlock,
    check_options,
    downsampling,
    initialize_convolution,
    upsampling_layers,
)

__all__ = ["ResNetGenerator"]


class ResNetGenerator(nn.Module):
    """Image-to-image generator: two stride-2 convolutions, residual blocks, two upsamplings, tanh.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the input image.
        out_channels: channels of the output image.
        channels: width of the first convolution; the residual blocks are four times as wide.
        num_blocks: residual blocks; the paper uses 9 at 256x256 and 6 below.
        norm: MONAI normalisation layer, ``None`` for none.
        upsampling: ``"deconv"`` as in the paper, or ``"resize"`` (nearest neighbour and convolution), which draws no
            checkerboard.
        skip: adds the input before the last tanh, so that an untrained generator is nearly the identity. Of more input
            than output channels the first ones are the image; the others are what the generator is conditioned on.

    Raises:
        InputError: an option outside the values above, or a skip to more channels than there are.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: int = 64,
        num_blocks: int = 9,
        norm: Norm = "instance",
        upsampling: str = "deconv",
        skip: bool = False,
    ) -> None:
        super().__init__()
        check_options(spatial_dims, num_blocks, upsampling)
        if skip and in_channels < out_channels:
            raise InputError(f"skip needs in_channels >= out_channels; got {in_channels} and {out_channels}.")
        self.skip = skip
        self.out_channels = out_channels
        # Keeps the inverse of tanh finite for grey levels at the ends of the range.
        self.skip_limit = 0.99
        layers = [
            *downsampling(spatial_dims, in_channels, channels, norm),
            *(ResidualBlock(spatial_dims, 4 * channels, norm) for _ in range(num_blocks)),
            *upsampling_layers(spatial_dims, channels, out_channels, norm, upsampling),
        ]
        self.layers = nn.Sequential(*layers)
        self.apply(initialize_convolution)
        if skip:
            nn.init.zeros_(layers[-1].get_parameter("weight"))

    def forward(self, image: Tensor) -> Tensor:
        """Translate an image.

        Args:
            image: ``(B, in_channels, H, W[, D])`` in [-1, 1], float; each spatial size a multiple of 4 and at least 8.

        Returns:
            Image ``(B, out_channels, H, W[, D])`` in (-1, 1).
        """
        features = self.layers(image)
        if self.skip:
            features = features + torch.atanh(self.skip_limit * image[:, : self.out_channels].clamp(-1.0, 1.0))
        return torch.tanh(features)
