"""The generator of the first GAN: fully connected (Goodfellow et al. 2014)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from monai.networks.nets import FullyConnectedNet
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError

__all__ = ["FullyConnectedGenerator"]


class FullyConnectedGenerator(nn.Module):
    """Latent codes to images through hidden layers with rectifiers; tanh at the end.

    Its discriminator is MONAI's ``FullyConnectedNet`` as it is.

    Args:
        spatial_dims: 2 or 3.
        in_channels: numbers of a code.
        out_channels: of the image.
        image_size: side of the image.
        hidden_channels: width of each hidden layer.

    Raises:
        InputError: another number of dimensions.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int = 1,
        image_size: int = 64,
        hidden_channels: Sequence[int] = (256, 512),
    ) -> None:
        super().__init__()
        if spatial_dims not in (2, 3):
            raise InputError(f"spatial_dims is {spatial_dims}; expected 2 or 3.")
        shape = [out_channels, *[image_size] * spatial_dims]
        self.layers = FullyConnectedNet(in_channels, math.prod(shape), hidden_channels, act="relu", adn_ordering="A")
        self.reshape = nn.Unflatten(1, shape)

    def forward(self, code: Tensor) -> Tensor:
        """Draw images.

        Args:
            code: ``(B, in_channels, 1, 1[, 1])``.

        Returns:
            ``(B, out_channels, W, H[, D])`` in (-1, 1).
        """
        return torch.tanh(self.reshape(self.layers(code)))
