"""Discriminator of whole images by convolutions of stride 2.

Source: Radford, Metz, Chintala 2016 (DCGAN), section 3. Written from the paper. Ours: any number of spatial dimensions,
further outputs beside the logit.
"""

from __future__ import annotations

from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from monai_harmonize.networks.convolution_blocks import Activation, Norm, initialize_convolution, norm_act
from monai_harmonize.networks.convolutional_generator import START, doublings

__all__ = ["ConvolutionalDiscriminator"]

LEAKY: Activation = ("leakyrelu", {"negative_slope": 0.2, "inplace": True})


class ConvolutionalDiscriminator(nn.Module):
    """An image is halved down to a 4x4 feature map, of which a last convolution makes numbers.

    Normalised behind every layer but the first and the last one; leaky rectifiers. The width doubles with every
    halving. The first output is the logit of being real, also called the critic's value.

    Args:
        spatial_dims: 2 or 3.
        in_channels: of the image, and of what it is conditioned on.
        out_channels: the logit, and what an objective wants to be told besides (classes, codes).
        image_size: side of the image, 4 times a power of two.
        channels: width of the first feature map.
        norm: MONAI normalisation layer, ``None`` for none (a critic with a gradient penalty must not mix images of a
            batch: ``"instance"``, ``None``).

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
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        steps = doublings(spatial_dims, image_size)
        conv = Conv[Conv.CONV, spatial_dims]
        layers = [conv(in_channels, channels, 4, stride=2, padding=1), *norm_act(spatial_dims, channels, None, LEAKY)]
        for step in range(steps - 1):
            narrow, wide = channels * 2**step, channels * 2 ** (step + 1)
            layers.append(conv(narrow, wide, 4, stride=2, padding=1, bias=norm is None))
            layers += norm_act(spatial_dims, wide, norm, LEAKY)
        layers.append(conv(channels * 2 ** (steps - 1), out_channels, START))
        self.layers = nn.Sequential(*layers)
        self.apply(initialize_convolution)

    def forward(self, image: Tensor) -> Tensor:
        """Judge images.

        Args:
            image: ``(B, in_channels, W, H[, D])`` in [-1, 1].

        Returns:
            ``(B, out_channels)``, before any activation.
        """
        judged: Tensor = self.layers(image)
        return judged.flatten(1)
