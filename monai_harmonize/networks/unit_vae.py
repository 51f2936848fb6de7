"""Translator of UNIT: the encoder of one site, a latent space that both share, the decoder of the other.

Source: Lee, Li, Shin 2020, "Generalizer using UNIT", after Liu, Breuel, Kautz 2017 (section 3 and the front ends and
back ends of section 4: three convolutions and four residual blocks). Written from the papers.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.convolution_blocks import (
    Activation,
    Norm,
    ResidualBlock,
    check_options,
    downsampling,
    initialize_convolution,
    upsampling_layers,
)

__all__ = ["UNITTranslator"]

LEAKY_RELU: Activation = ("leakyrelu", {"negative_slope": 0.01, "inplace": True})


class UNITTranslator(nn.Module):
    """Variational autoencoder across sites: encodes an image of one site, decodes it at the other.

    The encoder is two stride-2 convolutions and residual blocks, the last of them shared; its result is the mean of
    q(z|x) = N(E(x), I). The decoder mirrors it, the first of its blocks shared. In training mode a latent code is
    drawn from q, in evaluation mode it is the mean, so that a translation does not depend on chance. There is no
    path around the latent space: with one, Eq. 9 could be met without it.

    The translator of the other direction is ``partner()``; an image is reconstructed with the encoder of the one and
    the decoder of the other. Train both with ``nn.ModuleList([translator, partner]).parameters()``, which names what
    they share once.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the image.
        out_channels: channels of the translated image.
        channels: width of the first convolution; residual blocks and latent code are four times as wide.
        num_blocks: residual blocks of the encoder, and of the decoder.
        num_shared: how many of them, next to the latent space, both sites share; at least 1.
        norm: MONAI normalisation layer, ``None`` for none.
        upsampling: ``"deconv"`` as in the paper, or ``"resize"`` (nearest neighbour and convolution), which draws no
            checkerboard.

    Raises:
        InputError: an option outside the values above.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: int = 64,
        num_blocks: int = 4,
        num_shared: int = 1,
        norm: Norm = "instance",
        upsampling: str = "deconv",
    ) -> None:
        super().__init__()
        check_options(spatial_dims, num_blocks, upsampling)
        if not 1 <= num_shared <= num_blocks:
            raise InputError(f"num_shared is {num_shared}; expected 1 to num_blocks, which is {num_blocks}.")
        self.options: dict[str, Any] = {
            "spatial_dims": spatial_dims,
            "in_channels": in_channels,
            "out_channels": out_channels,
            "channels": channels,
            "num_blocks": num_blocks,
            "num_shared": num_shared,
            "norm": norm,
            "upsampling": upsampling,
        }
        width = 4 * channels

        def blocks(count: int) -> list[nn.Module]:
            return [ResidualBlock(spatial_dims, width, norm, LEAKY_RELU) for _ in range(count)]

        own = num_blocks - num_shared
        mean = Conv[Conv.CONV, spatial_dims](width, width, 1)
        self.front_end = nn.Sequential(*downsampling(spatial_dims, in_channels, channels, norm, LEAKY_RELU))
        self.encoder = nn.Sequential(*blocks(own))
        self.shared_encoder = nn.Sequential(*blocks(num_shared), mean)
        self.shared_decoder = nn.Sequential(*blocks(num_shared))
        self.decoder = nn.Sequential(*blocks(own))
        self.back_end = nn.Sequential(
            *upsampling_layers(spatial_dims, channels, out_channels, norm, upsampling, LEAKY_RELU), nn.Tanh()
        )
        self.apply(initialize_convolution)
        # Normalised features pass as they are, so that the noise does not drown those of an untrained encoder, and
        # the size of the mean is free to grow.
        nn.init.dirac_(mean.weight)

    def partner(self) -> UNITTranslator:
        """New translator of the other direction; it shares the modules next to the latent space with this one."""
        other = type(self)(**self.options)
        other.shared_encoder = self.shared_encoder
        other.shared_decoder = self.shared_decoder
        return other

    def shares_latent_space_with(self, other: UNITTranslator) -> bool:
        """Whether both use the very same modules next to the latent space."""
        return self.shared_encoder is other.shared_encoder and self.shared_decoder is other.shared_decoder

    def encode(self, image: Tensor) -> Tensor:
        """Mean of the latent code of an image of this translator's first site.

        Args:
            image: ``(B, C, H, W[, D])`` in [-1, 1], float; each spatial size a multiple of 4 and at least 8.

        Returns:
            ``(B, 4 * channels, H / 4, W / 4[, D / 4])``.
        """
        return self.mean_of(self.front_end(image))

    def mean_of(self, features: Tensor) -> Tensor:
        """Mean of the latent code from the result of ``front_end``."""
        mean: Tensor = self.shared_encoder(self.encoder(features))
        return mean

    def sample(self, mean: Tensor) -> Tensor:
        """Latent code of N(mean, I) in training mode, the mean itself in evaluation mode."""
        if self.training:
            return mean + torch.randn_like(mean)
        return mean

    def decode(self, latent: Tensor) -> Tensor:
        """Image of this translator's second site, in (-1, 1), from a latent code of either."""
        return self.draw(self.shared_decoder(latent))

    def draw(self, common: Tensor) -> Tensor:
        """Image of this translator's second site from the result of ``shared_decoder``."""
        image: Tensor = self.back_end(self.decoder(common))
        return image

    def forward(self, image: Tensor) -> Tensor:
        """Translate an image.

        Args:
            image: ``(B, C, H, W[, D])`` in [-1, 1], float; each spatial size a multiple of 4 and at least 8.

        Returns:
            Image of the same spatial size in (-1, 1).
        """
        return self.decode(self.sample(self.encode(image)))
