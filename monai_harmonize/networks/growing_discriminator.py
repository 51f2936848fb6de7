"""Discriminator that grows with its generator.

Source: Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and variation" (PGGAN),
sections 2 to 4 and appendix A. Written from the paper. Ours: any number of spatial dimensions, progress as a buffer.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from monai_harmonize.networks.convolutional_generator import START, doublings
from monai_harmonize.networks.equalised_convolution import EqualisedConvolution
from monai_harmonize.networks.growing_generator import SLOPE, stage_widths
from monai_harmonize.networks.growth import mixed, pooled

__all__ = ["GrowingDiscriminator", "MinibatchDeviation"]

# Below the variances of features, for a finite slope where images are equal.
SMALLEST = 1e-8


class MinibatchDeviation(nn.Module):
    """Add a plane that tells how much the images of a batch differ, so that too equal ones are found out (section 3).

    The standard deviation over the batch, averaged over features and pixels; 0 for equal images.
    """

    def forward(self, features: Tensor) -> Tensor:
        """``(B, C, W, H[, D])`` to ``(B, C + 1, W, H[, D])``."""
        variance = (features - features.mean(dim=0, keepdim=True)).square().mean(dim=0)
        deviation = ((variance + SMALLEST).sqrt() - SMALLEST**0.5).mean()
        return torch.cat([features, deviation.expand_as(features[:, :1])], dim=1)


class GrowingDiscriminator(nn.Module):
    """The generator in reverse: a stage has two convolutions and halves, and one more of its own to take an image in.

    Images have the size of the last stage and are pooled to that of the present one, see ``growth``.

    Args:
        spatial_dims: 2 or 3.
        in_channels: of the image.
        out_channels: numbers said of an image, the first one the critic's value.
        image_size: side of the image, 4 times a power of two.
        channels: width of the last stage; it doubles towards the first one.
        max_channels: and no further than this.

    Raises:
        InputError: ``spatial_dims`` or ``image_size`` outside the above.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        out_channels: int = 1,
        image_size: int = 64,
        channels: int = 16,
        max_channels: int = 128,
    ) -> None:
        super().__init__()
        self.stages = doublings(spatial_dims, image_size)
        widths = stage_widths(self.stages, channels, max_channels)

        def convolution(before: int, width: int, kernel: int, padding: int) -> list[nn.Module]:
            return [EqualisedConvolution(spatial_dims, before, width, kernel, padding), nn.LeakyReLU(SLOPE)]

        # The block of a stage leads to the features of the coarser one.
        self.blocks = nn.ModuleList(
            nn.Sequential(*convolution(width, width, 3, 1), *convolution(width, narrow, 3, 1))
            for narrow, width in pairwise(widths)
        )
        self.from_image = nn.ModuleList(nn.Sequential(*convolution(in_channels, width, 1, 0)) for width in widths)
        self.last = nn.Sequential(
            MinibatchDeviation(),
            *convolution(widths[0] + 1, widths[0], 3, 1),
            *convolution(widths[0], widths[0], START, 0),
            EqualisedConvolution(spatial_dims, widths[0], out_channels, 1, gain=1.0),
        )
        self.progress: Tensor
        self.register_buffer("progress", torch.tensor(float(self.stages)))

    def forward(self, image: Tensor) -> Tensor:
        """Judge images.

        Args:
            image: ``(B, in_channels, W, H[, D])``, of the size of the last stage at any progress.

        Returns:
            ``(B, out_channels)``, before any activation.
        """
        progress = float(self.progress)
        features = image
        for stage in reversed(range(self.stages + 1)):
            if progress > stage - 1:
                if progress < stage + 1:
                    taken = self.from_image[stage](image)
                    features = taken if progress <= stage else mixed(taken, features, self.progress - stage)
                if stage > 0:
                    features = pooled(self.blocks[stage - 1](features))
            if stage > 0:
                image = pooled(image)
        judged: Tensor = self.last(features)
        return judged.flatten(1)
