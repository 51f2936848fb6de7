"""Generator that draws a coarse image and refines it doubling by doubling.

Source: Denton et al. 2015, "Deep generative image models using a Laplacian pyramid of adversarial networks" (LAPGAN),
section 3; section 2.5 of the review Li et al. 2021. Written from the papers. Ours: one network, one code, any number of
spatial dimensions.
"""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.convolution_blocks import Norm, initialize_convolution, norm_act
from monai_harmonize.networks.convolutional_generator import ConvolutionalGenerator, doublings
from monai_harmonize.networks.laplacian_pyramid import upsampled

__all__ = ["COARSEST", "LaplacianPyramidGenerator", "ResidualGenerator"]

# Side of the coarsest image, the smallest that the generator of DCGAN draws.
COARSEST = 8


class ResidualGenerator(nn.Module):
    """Draws the residual of one level, given the coarser image at this level's size.

    The noise of a level becomes a plane beside that image, as in the paper; a linear layer makes it of a vector.

    Args:
        spatial_dims: 2 or 3.
        noise: numbers of the level's noise.
        image_channels: of image and residual.
        image_size: side of both.
        channels: width of the two layers between.
        norm: MONAI normalisation layer, ``None`` for none.
    """

    def __init__(
        self, spatial_dims: int, noise: int, image_channels: int, image_size: int, channels: int, norm: Norm
    ) -> None:
        super().__init__()
        conv = Conv[Conv.CONV, spatial_dims]
        self.plane = nn.Sequential(
            nn.Flatten(),
            nn.Linear(noise, image_size**spatial_dims),
            nn.Unflatten(1, (1, *[image_size] * spatial_dims)),
        )
        layers: list[nn.Module] = []
        for before in (image_channels + 1, channels, channels):
            layers.append(conv(before, channels, 3, padding=1, bias=norm is None))
            layers += norm_act(spatial_dims, channels, norm)
        self.layers = nn.Sequential(*layers, conv(channels, image_channels, 3, padding=1))
        self.apply(initialize_convolution)

    def forward(self, noise: Tensor, coarse: Tensor) -> Tensor:
        """Draw residuals.

        Args:
            noise: ``(B, noise, 1, 1[, 1])``.
            coarse: coarser images doubled, ``(B, C, W, H[, D])``.

        Returns:
            What they lack, of their shape.
        """
        residual: Tensor = self.layers(torch.cat([coarse, self.plane(noise)], dim=1))
        return residual


class LaplacianPyramidGenerator(nn.Module):
    """An 8x8 image by the generator of DCGAN, then a ``ResidualGenerator`` for each doubling.

    Each level has numbers of the code for itself. While they learn, noise and coarser image are independent, since the
    latter is of a real image; with numbers in common they would not be so in drawing.

    Args:
        spatial_dims: 2 or 3.
        in_channels: numbers of a code.
        out_channels: of the image.
        image_size: side of the image, 4 times a power of two.
        channels: width of the last layers of every level.
        norm: MONAI normalisation layer, ``None`` for none.
        level_noise: numbers of the code of each doubling; the coarsest image has the others.

    Raises:
        InputError: ``spatial_dims`` or ``image_size`` outside the above, or no number left for the coarsest image.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int = 1,
        image_size: int = 64,
        channels: int = 16,
        norm: Norm = "batch",
        level_noise: int = 8,
    ) -> None:
        super().__init__()
        levels = doublings(spatial_dims, image_size) - 1
        first = in_channels - levels * level_noise
        if first < 1 or level_noise < 1:
            raise InputError(
                f"level_noise is {level_noise}; of {in_channels} numbers of a code {levels} levels need as many each, "
                "and one has to be left."
            )
        self.shares = [first] + [level_noise] * levels
        self.coarsest = ConvolutionalGenerator(spatial_dims, first, out_channels, COARSEST, 4 * channels, norm)
        self.levels = nn.ModuleList(
            ResidualGenerator(spatial_dims, level_noise, out_channels, COARSEST * 2**level, channels, norm)
            for level in range(1, levels + 1)
        )

    def forward(self, code: Tensor) -> Tensor:
        """Draw images, coarse to fine.

        Args:
            code: ``(B, in_channels, 1, 1[, 1])``.

        Returns:
            ``(B, out_channels, W, H[, D])`` in [-1, 1]: the sum of the levels, clipped.
        """
        noise = torch.split(code, self.shares, 1)
        image: Tensor = self.coarsest(noise[0])
        for place, level in enumerate(self.levels):
            coarse = upsampled(image)
            image = coarse + level(noise[place + 1], coarse)
        return image.clamp(-1.0, 1.0)
