"""Style transfer with adaptive instance normalization, to a style that is given or stored.

Source: Xu, Li, Shin 2020, "Medical image processing with contextual style transfer", Fig. 3 and Eqs. 1 to 3;
style strength and several styles after Huang and Belongie 2017, "Runtime controls". Written from the papers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.adain import adaptive_instance_norm, blended_statistics
from monai_harmonize.networks.channel_statistics import channel_statistics
from monai_harmonize.networks.decoded_features import DecodedFeatures

__all__ = ["StyleTransferNet"]


class StyleTransferNet(DecodedFeatures):
    """Frozen encoder, adaptive instance normalization of its deepest features, decoder (Fig. 3).

    Styles are means and deviations of channels. Those that are stored travel with the weights, so that the network
    is a map of one image; until ``store_styles`` has been called, an image keeps its own style and is only
    reconstructed. Only the decoder has parameters.

    Args:
        extractor: name of the encoder, see ``FeatureExtractor``.
        layers: of the encoder; the deepest is normalized, all are there for a loss.
        weights: of the encoder, see ``FeatureExtractor``; not needed where a state dict is loaded afterwards.
        alpha: style strength, 0 for the content's own style, 1 for the other one.
        num_styles: that can be stored.
        num_blocks: residual blocks of the decoder behind every doubling.
        seed: of random weights of the encoder.
        style: number of the stored style to draw in; by default all in their shares.

    Attributes beside those of ``DecodedFeatures``:
        style_means: ``(S, C)``.
        style_deviations: ``(S, C)``.
        style_weights: share of each stored style, ``(S,)``; what they leave of 1 is the content's own.

    Raises:
        InputError: an option outside the above.
    """

    def __init__(
        self,
        extractor: str = "vgg19",
        layers: Sequence[str] | None = None,
        weights: str | os.PathLike[str] | None = None,
        alpha: float = 1.0,
        num_styles: int = 1,
        num_blocks: int = 1,
        seed: int = 0,
        style: int | None = None,
    ) -> None:
        for name, value in (("num_styles", num_styles), ("style", 0 if style is None else style)):
            if not isinstance(value, int):
                raise InputError(f"{name} is {value!r}; expected a whole number, not the name of a look.")
        if not isinstance(alpha, int | float):
            raise InputError(f"alpha is {alpha!r}; expected a number from 0 to 1.")
        if not 0 <= alpha <= 1 or num_styles < 1:
            raise InputError(f"alpha is {alpha:g}, num_styles {num_styles}; expected 0 <= alpha <= 1 and at least 1.")
        if style is not None and not 0 <= style < num_styles:
            raise InputError(f"style is {style}; expected one of the {num_styles} stored styles, from 0 on.")
        super().__init__(extractor, layers, weights, num_blocks, seed)
        self.alpha = float(alpha)
        shape = num_styles, self.extractor.channels[-1]
        self.style_means: Tensor
        self.style_deviations: Tensor
        self.style_weights: Tensor
        self.chosen_weights: Tensor | None
        self.register_buffer("style_means", torch.zeros(shape))
        self.register_buffer("style_deviations", torch.ones(shape))
        self.register_buffer("style_weights", torch.zeros(num_styles))
        # Not among the weights: one file serves every style.
        chosen = None if style is None else torch.eye(num_styles)[style]
        self.register_buffer("chosen_weights", chosen, persistent=False)

    def statistics(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Style of images: mean and deviation of every channel, ``(B, C)`` each."""
        return channel_statistics(self.encode(image))

    def stylize(
        self,
        image: Tensor,
        means: Tensor,
        deviations: Tensor,
        weights: Tensor,
        own: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Image in a blend of styles.

        Args:
            image: ``(B, 1, W, H)`` in [-1, 1].
            means: of the styles, ``(S, C)``.
            deviations: of the styles, ``(S, C)``.
            weights: of the styles, ``(S,)``, or for each image, ``(B, S)``; the content's own has the rest of 1.
            own: mean and deviation of the content, see ``forward``.

        Returns:
            ``(B, 1, W, H)`` in [-1, 1].
        """
        normalized = self.normalize(self.encode(image), means, deviations, weights, own)
        return self.decode(normalized, list(image.shape[2:]))

    def normalize(
        self,
        features: Tensor,
        means: Tensor,
        deviations: Tensor,
        weights: Tensor,
        own: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Deepest features in a blend of styles, see ``stylize``."""
        mean, deviation = channel_statistics(features) if own is None else own
        new_mean = blended_statistics(mean, means, weights)
        new_deviation = blended_statistics(deviation, deviations, weights)
        return adaptive_instance_norm(features, new_mean, new_deviation, mean, deviation)

    def forward(
        self, image: Tensor, style: Tensor | None = None, statistics: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Image in the style of another one, or in the stored styles.

        Args:
            image: content, ``(B, 1, W, H)`` in [-1, 1], any sides above the stride.
            style: of each image, ``(B, 1, W, H)``, or of all, ``(1, 1, W, H)``, in [-1, 1] and of any size;
                ``None`` for the stored styles in their shares.
            statistics: mean and deviation of the content, ``(B, C)`` or ``(1, C)`` each; by default each image's.
                Those of a volume make its slices agree, see ``VolumeStatisticsInferer``.

        Returns:
            ``(B, 1, W, H)`` in [-1, 1], at the size of the content.

        Raises:
            InputError: another number of styles, an image that is too small or has several channels.
        """
        if style is None:
            weights = self.alpha * (self.style_weights if self.chosen_weights is None else self.chosen_weights)
            return self.stylize(image, self.style_means, self.style_deviations, weights, statistics)
        if style.shape[0] != 1 and style.shape[0] != image.shape[0]:
            raise InputError(f"{style.shape[0]} styles for {image.shape[0]} images given; expected 1 or as many.")
        return self.decode(
            self.normalized_like(self.encode(image), self.encode(style), statistics), list(image.shape[2:])
        )

    def normalized_like(self, features: Tensor, style: Tensor, own: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Deepest features of contents with the statistics of those of styles, as many or one, at strength alpha."""
        mean, deviation = channel_statistics(style)
        weights = self.alpha * torch.eye(len(mean), dtype=mean.dtype, device=mean.device)
        return self.normalize(features, mean, deviation, weights, own)

    @torch.jit.unused
    @torch.no_grad()
    def store_styles(self, looks: Sequence[Iterable[Tensor]], weights: Sequence[float] | None = None) -> None:
        """Store the mean statistics of the images of each look; one image at a time is held in memory.

        Args:
            looks: as many as there are styles, each images ``(1, W, H)`` in [-1, 1], or a tensor ``(N, 1, W, H)``.
            weights: share of each, at least 0 and 1 at most in all; by default equal.

        Raises:
            InputError: another number of looks or weights, a look without an image, or weights outside the above.
        """
        count = len(self.style_weights)
        shares = [1.0 / count] * count if weights is None else [float(weight) for weight in weights]
        if len(looks) != count or len(shares) != count:
            raise InputError(f"{len(looks)} looks and {len(shares)} weights given; expected num_styles, {count}.")
        if min(shares) < 0 or not sum(shares) <= 1 + 1e-6:
            raise InputError(f"weights are {shares}; expected at least 0 each and at most 1 in all.")
        device = self.style_means.device
        found = []
        for position, look in enumerate(looks):
            pairs = [torch.cat(self.statistics(image[None].to(device))) for image in look]
            if not pairs:
                raise InputError(f"look {position} has no image; expected at least one.")
            found.append(torch.stack(pairs).mean(0))
        styles = torch.stack(found)
        self.style_means.copy_(styles[:, 0])
        self.style_deviations.copy_(styles[:, 1])
        self.style_weights.copy_(torch.tensor(shares))
