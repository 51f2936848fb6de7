"""Reference: the step of style transfer as one writes it straight from the papers.

Source: Huang, Belongie 2017, "Arbitrary style transfer in real-time with adaptive instance normalization": the code
that the decoder is given is what the drawn image's deepest features are compared with. The style's distance is that of
Xu, Li, Shin 2020, "Medical image processing with contextual style transfer", Eq. 12. The whole batch goes through
encoder and decoder at once. The encoder is frozen and its rectifiers work in place, as torchvision's do: the reference
shall be a strong one. Written from the papers; it shares the encoder with the package, and starts from its decoder's
weights, nothing else.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.optim import Optimizer

from monai_harmonize.networks import FeatureExtractor, StyleTransferNet

__all__ = ["CONTENT_WEIGHT", "STYLE_WEIGHT", "PlainAdaIN", "PlainDecoder"]

CONTENT_WEIGHT = 1.0
STYLE_WEIGHT = 10.0
EPSILON = 1e-5


class PlainDecoder(nn.Module):
    """The decoder layer by layer, each doubling a layer of its own; weights in the package's order.

    Args:
        network: whose decoder's weights are copied.
    """

    def __init__(self, network: StyleTransferNet) -> None:
        super().__init__()
        self.scale = network.feature_scale
        widths = network.extractor.channels[::-1]
        layers: list[nn.Module] = []
        # Deepest first; every level narrows and doubles the size.
        for wide, narrow in pairwise(widths):
            layers += [convolution(wide, narrow), nn.ReLU(inplace=True), nn.Upsample(scale_factor=2, mode="nearest")]
            layers += [PlainBlock(narrow)]
        width = widths[-1]
        layers += [convolution(width, width), nn.ReLU(inplace=True), convolution(width, 1)]
        self.layers = nn.Sequential(*layers).to(network.feature_scale)
        with torch.no_grad():
            for own, other in zip(self.parameters(), network.decoder.parameters(), strict=True):
                own.copy_(other)

    def forward(self, code: Tensor) -> Tensor:
        """Image in [-1, 1], clipped with the gradient of the identity."""
        image: Tensor = self.layers(code / self.scale)
        return image + (image.clamp(-1, 1) - image).detach()


class PlainBlock(nn.Module):
    """Residual block of two convolutions.

    Args:
        width: channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution(width, width), nn.ReLU(inplace=True), convolution(width, width))

    def forward(self, features: Tensor) -> Tensor:
        """Add the block's change."""
        return features + self.layers(features)


def convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    """3x3, reflecting at the border."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode="reflect")


class PlainAdaIN:
    """Plain training loop's body.

    Args:
        encoder: gives the features of several layers; wants no gradient.
        decoder: draws ``(B, 1, W, H)`` images of the deepest.
        optimizer: of the decoder.
        dtype: ``torch.float32``, or the type to which autocast lowers the convolutions.
    """

    def __init__(
        self,
        encoder: FeatureExtractor,
        decoder: nn.Module,
        optimizer: Optimizer,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.encoder = encoder
        self.decoder = decoder
        self.optimizer = optimizer
        self.dtype = dtype

    def step(self, content: Tensor, style: Tensor) -> None:
        """Update the decoder with one batch of contents and as many styles, ``(B, 1, W, H)`` in [-1, 1]."""
        encoder = self.encoder
        self.optimizer.zero_grad()
        with torch.autocast(content.device.type, self.dtype, enabled=self.dtype != torch.float32):
            content_features = list(encoder(content).values())
            style_features = list(encoder(style).values())
            code = adain(content_features[-1], style_features[-1])
            drawn = self.decoder(code)
            drawn_features = list(encoder(drawn).values())
            content_loss = mse_loss(drawn_features[-1], code)
            pairs = zip(drawn_features, style_features, strict=True)
            style_loss = torch.stack([style_distance(own, other) for own, other in pairs]).sum()
            loss = CONTENT_WEIGHT * content_loss + STYLE_WEIGHT * style_loss
        torch.autograd.backward(loss)
        self.optimizer.step()


def mean_and_deviation(features: Tensor) -> tuple[Tensor, Tensor]:
    """Of every channel, Eqs 1 and 2, ``(B, C, 1, 1)``."""
    mean = features.mean((2, 3), keepdim=True)
    return mean, (features.var((2, 3), correction=0, keepdim=True) + EPSILON).sqrt()


def adain(content: Tensor, style: Tensor) -> Tensor:
    """Eq. 3."""
    (mean, deviation), (new_mean, new_deviation) = mean_and_deviation(content), mean_and_deviation(style)
    return (content - mean) / deviation * new_deviation + new_mean


def style_distance(own: Tensor, other: Tensor) -> Tensor:
    """One layer of Eq. 12, the mean over the batch."""
    (mean, deviation), (new_mean, new_deviation) = mean_and_deviation(own), mean_and_deviation(other)
    return (torch.norm(mean - new_mean, dim=1) + torch.norm(deviation - new_deviation, dim=1)).mean()
