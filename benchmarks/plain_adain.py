"""Reference: the step of style transfer as one writes it straight from the papers.

Source: Huang, Belongie 2017, "Arbitrary style transfer in real-time with adaptive instance normalization": the code
that the decoder is given is what the drawn image's deepest features are compared with. The style's distance is that of
Xu, Li, Shin 2020, "Medical image processing with contextual style transfer", Eq. 12. The whole batch goes through
encoder and decoder at once. The encoder is frozen and its rectifiers work in place, as torchvision's do: the reference
shall be a strong one. Written from the papers; it shares the network with the package, nothing else.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.optim import Optimizer

from monai_harmonize.networks import StyleTransferNet

__all__ = ["CONTENT_WEIGHT", "STYLE_WEIGHT", "PlainAdaIN"]

CONTENT_WEIGHT = 1.0
STYLE_WEIGHT = 10.0
EPSILON = 1e-5


class PlainAdaIN:
    """Plain training loop's body.

    Args:
        network: encoder and decoder; the encoder wants no gradient.
        optimizer: of the decoder.
        dtype: ``torch.float32``, or the type to which autocast lowers the convolutions.
    """

    def __init__(self, network: StyleTransferNet, optimizer: Optimizer, dtype: torch.dtype = torch.float32) -> None:
        self.network = network
        self.optimizer = optimizer
        self.dtype = dtype

    def step(self, content: Tensor, style: Tensor) -> None:
        """Update the decoder with one batch of contents and as many styles, ``(B, 1, W, H)`` in [-1, 1]."""
        encoder, scale = self.network.extractor, self.network.feature_scale
        self.optimizer.zero_grad()
        with torch.autocast(content.device.type, self.dtype, enabled=self.dtype != torch.float32):
            content_features = list(encoder(content).values())
            style_features = list(encoder(style).values())
            code = adain(content_features[-1], style_features[-1])
            drawn = self.network.decoder(code / scale)
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
