"""A discriminator that looks at patches of what a frozen network sees.

Source: section 3.2 of the review AnbuDevi and Suganthi 2022: a fixed VGG19 and behind it a fully convolutional network
that calls each place of the features real or fake (MGAN, Li and Wand 2016). Written from the papers. Ours: the widths,
and features in parts of their size.
"""

from __future__ import annotations

import os

from monai.networks.blocks import Convolution
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.decoded_features import scale_of_features
from monai_harmonize.networks.feature_extractor import FeatureExtractor

__all__ = ["FeatureDiscriminator"]

LEAKY = ("leakyrelu", {"negative_slope": 0.2})


class FeatureDiscriminator(nn.Module):
    """Frozen extractor, and convolutions without stride on one of its layers; only these have parameters.

    Without normalization of its own: that of an image by itself would hide how bright a site's images are.

    Args:
        extractor: see ``FeatureExtractor``.
        layer: whose features are judged.
        content_layer: whose features are given beside the judgement, for a loss of content; by default ``layer``.
        weights: of the extractor, see ``FeatureExtractor``; not needed where a state dict is loaded afterwards.
        channels: of the hidden convolutions.
        num_layers: convolutions 3 by 3 before the last one, which is 1 by 1; 0: each place is judged by itself.
        seed: of random weights of the extractor.

    Raises:
        InputError: an option outside the above.
    """

    def __init__(
        self,
        extractor: str = "vgg19",
        layer: str = "relu3_1",
        content_layer: str | None = None,
        weights: str | os.PathLike[str] | None = None,
        channels: int = 64,
        num_layers: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if channels < 1 or num_layers < 0:
            raise InputError(f"channels is {channels}, num_layers {num_layers}; expected at least 1 and at least 0.")
        self.layer = layer
        self.content_layer = content_layer or layer
        self.extractor = FeatureExtractor(extractor, sorted({layer, self.content_layer}), weights, seed)
        self.scale: Tensor
        self.content_scale: Tensor
        self.register_buffer("scale", scale_of_features(self.extractor, layer, seed))
        self.register_buffer("content_scale", scale_of_features(self.extractor, self.content_layer, seed))
        width = self.extractor.channels[self.extractor.layers.index(layer)]
        layers: list[nn.Module] = []
        for _ in range(num_layers):
            layers.append(Convolution(2, width, channels, kernel_size=3, act=LEAKY, norm=None))
            width = channels
        self.judge = nn.Sequential(*layers, Convolution(2, width, 1, kernel_size=1, conv_only=True))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Judge patches.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1].

        Returns:
            Features of ``content_layer`` and the logit map of ``layer``, ``(B, C or 1, W / stride, H / stride)`` each;
            like MONAI's discriminators with the judgement last. The features have a mean square of about 1.
        """
        features: dict[str, Tensor] = self.extractor(image)
        logits: Tensor = self.judge(features[self.layer] / self.scale)
        return [features[self.content_layer] / self.content_scale, logits]
