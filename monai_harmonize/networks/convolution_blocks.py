"""Pieces of which the convolutional generators are built (Zhu et al. 2017, appendix 7; written from the paper)."""

from __future__ import annotations

from monai.networks.layers.factories import Conv
from monai.networks.layers.utils import get_act_layer, get_norm_layer
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError

__all__ = [
    "RELU",
    "Activation",
    "Norm",
    "ResidualBlock",
    "check_options",
    "downsampling",
    "head",
    "initialize_convolution",
    "initialize_for_relu",
    "norm_act",
    "upsampling_layers",
]

UPSAMPLING = ("deconv", "resize")

Norm = str | tuple[str, dict[str, object]] | None
Activation = str | tuple[str, dict[str, object]]
RELU: Activation = ("relu", {"inplace": True})


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with normalisation and an identity path.

    Args:
        spatial_dims: 2 or 3.
        channels: width of input and output.
        norm: MONAI normalisation layer, ``None`` for none.
        activation: MONAI activation layer between the convolutions.
    """

    def __init__(
        self, spatial_dims: int, channels: int, norm: Norm = "instance", activation: Activation = RELU
    ) -> None:
        super().__init__()
        conv = Conv[Conv.CONV, spatial_dims]

        def convolution() -> list[nn.Module]:
            layers = [conv(channels, channels, 3, padding=1, padding_mode="reflect")]
            return layers if norm is None else [*layers, get_norm_layer(norm, spatial_dims, channels)]

        self.layers = nn.Sequential(*convolution(), get_act_layer(activation), *convolution())

    def forward(self, features: Tensor) -> Tensor:
        """Add the block's change to ``(B, C, H, W[, D])`` features; the shape stays."""
        change: Tensor = self.layers(features)
        return features + change


def norm_act(spatial_dims: int, width: int, norm: Norm, activation: Activation = RELU) -> list[nn.Module]:
    """Normalisation, if any, and activation of ``width`` channels."""
    layers = [] if norm is None else [get_norm_layer(norm, spatial_dims, width)]
    return [*layers, get_act_layer(activation)]


def head(spatial_dims: int, in_channels: int, out_channels: int) -> nn.Module:
    """The 7x7 convolution that begins and ends a generator; the size stays."""
    layer: nn.Module = Conv[Conv.CONV, spatial_dims](in_channels, out_channels, 7, padding=3, padding_mode="reflect")
    return layer


def downsampling(
    spatial_dims: int, in_channels: int, channels: int, norm: Norm, activation: Activation = RELU
) -> list[nn.Module]:
    """First convolution and two of stride 2; ``channels`` become four times as many, a size becomes a quarter."""
    conv = Conv[Conv.CONV, spatial_dims]
    layers = [head(spatial_dims, in_channels, channels), *norm_act(spatial_dims, channels, norm, activation)]
    for width in (channels, 2 * channels):
        layers.append(conv(width, 2 * width, 3, stride=2, padding=1))
        layers += norm_act(spatial_dims, 2 * width, norm, activation)
    return layers


def upsampling_layers(
    spatial_dims: int, channels: int, out_channels: int, norm: Norm, upsampling: str, activation: Activation = RELU
) -> list[nn.Module]:
    """Two upsamplings from ``4 * channels`` to ``channels`` and the last convolution, which nothing follows.

    Args:
        spatial_dims: 2 or 3.
        channels: width of the last but one layer.
        out_channels: width of the last layer.
        norm: MONAI normalisation layer, ``None`` for none.
        upsampling: ``"deconv"``, or ``"resize"`` (nearest neighbour and convolution).
        activation: MONAI activation layer.
    """
    conv, deconv = Conv[Conv.CONV, spatial_dims], Conv[Conv.CONVTRANS, spatial_dims]
    layers: list[nn.Module] = []
    for wide, narrow in ((4 * channels, 2 * channels), (2 * channels, channels)):
        if upsampling == "deconv":
            layers.append(deconv(wide, narrow, 3, stride=2, padding=1, output_padding=1))
        else:
            layers.append(nn.Upsample(scale_factor=2.0, mode="nearest"))
            layers.append(conv(wide, narrow, 3, padding=1, padding_mode="reflect"))
        layers += norm_act(spatial_dims, narrow, norm, activation)
    return [*layers, head(spatial_dims, channels, out_channels)]


def initialize_convolution(module: nn.Module) -> None:
    """Draw convolution weights from N(0, 0.02) and clear biases (Zhu et al. 2017, appendix 7.1)."""
    if isinstance(module, nn.modules.conv._ConvNd):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def initialize_for_relu(module: nn.Module) -> None:
    """Draw weights that keep the scale of the signal behind rectifiers and clear biases (He et al. 2015, eq. 10)."""
    if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
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
