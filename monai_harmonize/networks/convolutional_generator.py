"""Generator of images from latent codes by transposed convolutions.

Source: Radford, Metz, Chintala 2016, "Unsupervised representation learning with deep convolutional generative
adversarial networks" (DCGAN), section 3. Written from the paper. Ours: any number of spatial dimensions.
"""

from __future__ import annotations

from itertools import pairwise

from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.convolution_blocks import Norm, initialize_convolution, norm_act

__all__ = ["START", "ConvolutionalGenerator", "doublings"]

# Side of the first feature map.
START = 4


class ConvolutionalGenerator(nn.Module):
    """A code becomes a 4x4 feature map, which is doubled until it has the size of the image; tanh at the end.

    Normalised and rectified behind every layer but the last one. The width halves with every doubling.

    Args:
        spatial_dims: 2 or 3.
        in_channels: numbers of a code.
        out_channels: of the image.
        image_size: side of the image, 4 times a power of two.
        channels: width of the last feature map.
        norm: MONAI normalisation layer, ``None`` for none.

    Raises:
        InputError: ``spatial_dims`` or ``image_size`` outside the above.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int = 1,
        image_size: int = 64,
        channels: int = 16,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        steps = doublings(spatial_dims, image_size)
        deconv = Conv[Conv.CONVTRANS, spatial_dims]
        widths = [channels * 2**step for step in reversed(range(steps))]
        layers = [deconv(in_channels, widths[0], START, bias=norm is None), *norm_act(spatial_dims, widths[0], norm)]
        for wide, narrow in pairwise(widths):
            layers.append(deconv(wide, narrow, 4, stride=2, padding=1, bias=norm is None))
            layers += norm_act(spatial_dims, narrow, norm)
        layers.append(deconv(widths[-1], out_channels, 4, stride=2, padding=1))
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(initialize_convolution)

    def forward(self, code: Tensor) -> Tensor:
        """Draw images.

        Args:
            code: ``(B, in_channels, 1, 1[, 1])``.

        Returns:
            ``(B, out_channels, W, H[, D])`` in (-1, 1).
        """
        image: Tensor = self.layers(code)
        return image


def doublings(spatial_dims: int, image_size: int) -> int:
    """How often a 4x4 map is doubled to become an image; refuses what cannot be reached."""
    if spatial_dims not in (2, 3):
        raise InputError(f"spatial_dims is {spatial_dims}; expected 2 or 3.")
    steps = 1
    while START * 2**steps < image_size:
        steps += 1
    if START * 2**steps != image_size:
        raise InputError(f"image_size is {image_size}; expected 8, 16, 32, 64, 128, ...: 4 times a power of two.")
    return steps
