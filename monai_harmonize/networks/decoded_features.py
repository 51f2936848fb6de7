"""An image drawn anew from what a frozen network sees in it.

Source: section 3.2 of the review AnbuDevi and Suganthi 2022 (the generator of MGAN, Li and Wand 2016); Fig. 3 of Xu,
Li, Shin 2020 without its normalization. Written from the papers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.calibrated_weights import natural_noise
from monai_harmonize.networks.feature_decoder import FeatureDecoder
from monai_harmonize.networks.feature_extractor import FeatureExtractor

__all__ = ["DecodedFeatures", "scale_of_features"]


class DecodedFeatures(nn.Module):
    """Frozen encoder and a decoder of its deepest features; only the decoder has parameters.

    An image whose sides are no multiples of the stride is continued at its far borders and cut back afterwards.

    Args:
        extractor: name of the encoder, see ``FeatureExtractor``.
        layers: of the encoder; the deepest is decoded, the decoder is as wide as the others at their sizes.
        weights: of the encoder, see ``FeatureExtractor``; not needed where a state dict is loaded afterwards.
        num_blocks: residual blocks of the decoder behind every doubling.
        seed: of random weights of the encoder.

    Attributes:
        extractor: the encoder; ``extractor(image)`` gives the features of all layers.
        feature_scale: of the deepest layer, by which the decoder's input is divided.

    Raises:
        InputError: an option outside the above.
    """

    guarantee_class = "G4"

    def __init__(
        self,
        extractor: str = "vgg19",
        layers: Sequence[str] | None = None,
        weights: str | os.PathLike[str] | None = None,
        num_blocks: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.extractor = FeatureExtractor(extractor, layers, weights, seed)
        self.deepest = self.extractor.layers[-1]
        self.stride = self.extractor.strides[-1]
        # Reflection at the border needs 2 features.
        self.smallest = self.stride + 1
        self.decoder = FeatureDecoder(self.extractor.channels, self.extractor.strides, num_blocks)
        self.feature_scale: Tensor
        self.register_buffer("feature_scale", scale_of_features(self.extractor, self.deepest, seed))

    def continued(self, image: Tensor) -> Tensor:
        """Images ``(B, 1, W, H)`` continued at their far borders to multiples of the stride.

        Raises:
            InputError: a side is too short.
        """
        width, height = image.shape[2], image.shape[3]
        if min(width, height) < self.smallest:
            raise InputError(
                f"the image has {width} x {height} pixels; expected at least {self.smallest} along each side."
            )
        return F.pad(image, [0, -height % self.stride, 0, -width % self.stride], mode="replicate")

    def encode(self, image: Tensor) -> Tensor:
        """Deepest features of ``(B, 1, W, H)`` images in [-1, 1]; errors as of ``continued``."""
        features: dict[str, Tensor] = self.extractor(self.continued(image))
        return features[self.deepest]

    def decode(self, features: Tensor, size: list[int]) -> Tensor:
        """Image of ``size`` pixels in [-1, 1] from deepest features."""
        image: Tensor = self.decoder(features / self.feature_scale)
        return image[:, :, : size[0], : size[1]]

    def forward(self, image: Tensor) -> Tensor:
        """Draw an image anew.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1], any sides above the stride.

        Returns:
            The same shape, in [-1, 1].

        Raises:
            InputError: an image that is too small or has several channels.
        """
        return self.decode(self.encode(image), list(image.shape[2:]))


@torch.no_grad()
def scale_of_features(extractor: FeatureExtractor, layer: str, seed: int = 0) -> Tensor:
    """Root mean square of a layer's features of noise, a scalar: extractors differ in it by orders of magnitude."""
    features: dict[str, Tensor] = extractor(natural_noise(torch.Generator().manual_seed(seed)))
    return features[layer].square().mean().sqrt()
