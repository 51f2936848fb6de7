"""Discriminators of the levels of a Laplacian pyramid (Denton et al. 2015, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_harmonize.networks.convolution_blocks import Norm
from monai_harmonize.networks.convolutional_discriminator import ConvolutionalDiscriminator
from monai_harmonize.networks.convolutional_generator import doublings
from monai_harmonize.networks.laplacian_pyramid_generator import COARSEST

__all__ = ["LaplacianPyramidDiscriminator"]


class LaplacianPyramidDiscriminator(nn.Module):
    """A discriminator of DCGAN for each level.

    That of a residual sees it in a channel of its own beside the coarser image doubled; the paper adds the two, which
    a first layer can do as well.

    Args:
        spatial_dims: 2 or 3.
        in_channels: of the image.
        image_size: side of the finest image, 4 times a power of two.
        channels: width of the first feature map of every level.
        norm: MONAI normalisation layer, ``None`` for none.

    Raises:
        InputError: ``spatial_dims`` or ``image_size`` outside the above.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        image_size: int = 64,
        channels: int = 16,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        sizes = [COARSEST * 2**level for level in range(doublings(spatial_dims, image_size))]
        self.levels = nn.ModuleDict(
            {
                str(size): ConvolutionalDiscriminator(
                    spatial_dims, in_channels * (1 if size == COARSEST else 2), 1, size, channels, norm
                )
                for size in sizes
            }
        )

    def forward(self, image: Tensor, coarse: Tensor | None = None) -> Tensor:
        """Judge one level, which is known by its size.

        Args:
            image: of the coarsest level, or residuals, ``(B, C, W, H[, D])``.
            coarse: coarser images doubled, of the same shape; ``None`` for the coarsest level.

        Returns:
            ``(B, 1)``, before any activation.
        """
        shown = image if coarse is None else torch.cat([image, coarse], dim=1)
        judged: Tensor = self.levels[str(image.shape[2])](shown)
        return judged
