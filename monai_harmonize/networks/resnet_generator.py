"""ResNet generator of CycleGAN.

Source: Zhu et al. 2017, appendix 7.2 (`c7s1-64, d128, d256, R256 x n, u128, u64, c7s1-1`), the generator that
Lee et al. 2020 ("Generalizer using CycleGAN") train. Written from the papers. Ours: any number of spatial
dimensions, resize-convolution instead of transposed convolution (Odena et al. 2016), an optional skip.
"""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Conv
from monai.networks.layers.utils import get_act_layer, get_norm_layer
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError

__all__ = ["ResNetGenerator"]

UPSAMPLING = ("deconv", "resize")


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
        skip: adds the input before the last tanh, so that an untrained generator is nearly the identity.

    Raises:
        InputError: an option outside the values above.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: int = 64,
        num_blocks: int = 9,
        norm: str | tuple[str, dict[str, object]] | None = "instance",
        upsampling: str = "deconv",
        skip: bool = False,
    ) -> None:
        super().__init__()
        check_options(spatial_dims, num_blocks, upsampling)
        if skip and in_channels != out_channels:
            raise InputError(f"skip needs in_channels == out_channels; got {in_channels} and {out_channels}.")
        self.skip = skip
        # Keeps the inverse of tanh finite for grey levels at the ends of the range.
        self.skip_limit = 0.99
        conv, deconv = Conv[Conv.CONV, spatial_dims], Conv[Conv.CONVTRANS, spatial_dims]

        def norm_act(width: int) -> list[nn.Module]:
            layers = [] if norm is None else [get_norm_layer(norm, spatial_dims, width)]
            return [*layers, get_act_layer(("relu", {"inplace": True}))]

        def upsample(wide: int, narrow: int) -> list[nn.Module]:
            if upsampling == "deconv":
                return [deconv(wide, narrow, 3, stride=2, padding=1, output_padding=1)]
            same_size = conv(wide, narrow, 3, padding=1, padding_mode="reflect")
            return [nn.Upsample(scale_factor=2.0, mode="nearest"), same_size]

        layers = [conv(in_channels, channels, 7, padding=3, padding_mode="reflect"), *norm_act(channels)]
        for width in (channels, 2 * channels):
            layers += [conv(width, 2 * width, 3, stride=2, padding=1), *norm_act(2 * width)]
        layers += [ResidualBlock(spatial_dims, 4 * channels, norm) for _ in range(num_blocks)]
        for width in (4 * channels, 2 * channels):
            layers += [*upsample(width, width // 2), *norm_act(width // 2)]
        last = conv(channels, out_channels, 7, padding=3, padding_mode="reflect")
        layers.append(last)
        self.layers = nn.Sequential(*layers)
        self.apply(initialize_convolution)
        if skip:
            nn.init.zeros_(last.weight)

    def forward(self, image: Tensor) -> Tensor:
        """Translate an image.

        Args:
            image: ``(B, C, H, W[, D])`` in [-1, 1], float; each spatial size a multiple of 4 and at least 8.

        Returns:
            Image of the same shape in (-1, 1).
        """
        features = self.layers(image)
        if self.skip:
            features = features + torch.atanh(self.skip_limit * image.clamp(-1.0, 1.0))
        return torch.tanh(features)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with normalisation and an identity path.

    Args:
        spatial_dims: 2 or 3.
        channels: width of input and output.
        norm: MONAI normalisation layer, ``None`` for none.
    """

    def __init__(
        self, spatial_dims: int, channels: int, norm: str | tuple[str, dict[str, object]] | None = "instance"
    ) -> None:
        super().__init__()
        conv = Conv[Conv.CONV, spatial_dims]

        def convolution() -> list[nn.Module]:
            layers = [conv(channels, channels, 3, padding=1, padding_mode="reflect")]
            return layers if norm is None else [*layers, get_norm_layer(norm, spatial_dims, channels)]

        self.layers = nn.Sequential(*convolution(), get_act_layer(("relu", {"inplace": True})), *convolution())

    def forward(self, features: Tensor) -> Tensor:
        """Add the block's change to ``(B, C, H, W[, D])`` features; the shape stays."""
        change: Tensor = self.layers(features)
        return features + change


def initialize_convolution(module: nn.Module) -> None:
    """Draw convolution weights from N(0, 0.02) and clear biases (Zhu et al. 2017, appendix 7.1)."""
    if isinstance(module, nn.modules.conv._ConvNd):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def check_options(spatial_dims: int, num_blocks: int, upsampling: str) -> None:
    """Refuse options outside their values; the error names value and choice."""
    if spatial_dims not in (2, 3):
        raise InputError(f"spatial_dims is {spatial_dims}; expected 2 or 3.")
    if num_blocks < 0:
        raise InputError(f"num_blocks is {num_blocks}; expected 0 or more.")
    if upsampling not in UPSAMPLING:
        raise InputError(f"upsampling is {upsampling!r}; expected one of {UPSAMPLING}.")
