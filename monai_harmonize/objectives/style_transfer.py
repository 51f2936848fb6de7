"""Style transfer with a frozen encoder: keep the content, take the style; three published methods by their weights.

Source: Xu, Li, Shin. Medical image processing with contextual style transfer. Human-centric Computing and Information
Sciences 10:46, 2020, Eqs 10 to 12, and the two methods that it compares with: Huang, Belongie. Arbitrary style transfer
in real-time with adaptive instance normalization. ICCV 2017; Mechrez, Talmi, Zelnik-Manor. The contextual loss for
image transformation with non-aligned data. ECCV 2018. Written from the papers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.listed import listed
from monai_harmonize.losses import ContextualLoss, gram_style_loss, style_loss
from monai_harmonize.networks.style_transfer_net import StyleTransferNet
from monai_harmonize.objectives.objective import Objective

__all__ = ["StyleTransfer"]


class StyleTransfer(Objective):
    """One network, whose decoder learns; the features of its own frozen encoder judge what it draws.

    The terms, each unweighted:

    - ``contextual``: contextual loss of the drawn image to the content, Eq. 10, summed over ``context_layers``;
    - ``style``: distances of channel means and deviations to the style, Eq. 12, over all layers of the encoder;
    - ``gram``: the same with Gram matrices, which Eq. 12 replaces;
    - ``content``: mean squared error of the drawn image's deepest features to those that the decoder was given;
    - ``contextual_style``: contextual loss of the drawn image to the style, over ``context_layers``;
    - ``reconstruction_a``: mean absolute error of the content, drawn from its own features, to itself;
    - ``reconstruction_b``: the same for the style.

    The reconstructions are ours, not of any of the papers, and 0 by default: an image with the right features in wrong
    places satisfies the contextual and the style loss, and a decoder that inverts the encoder begins far from it.

    The paper's method is ``contextual`` and ``style``, Eq. 11, and the default. Huang's is ``content`` and ``style``.
    Mechrez's is ``contextual`` and ``contextual_style`` of a network with ``alpha`` 0, which does not normalize.

    Args:
        network: decoder and encoder.
        loss_weights: weights by term, see ``Objective``; the weight of ``style`` is Eq. 11's, which the paper does not
            tell.
        context_layers: layers of the encoder for the contextual loss, L of Eq. 10; the deepest by default.
        contextual_loss: of two feature maps.

    Raises:
        InputError: a layer that the encoder does not give.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "contextual": 1.0,
        "style": 1.0,
        "gram": 0.0,
        "content": 0.0,
        "contextual_style": 0.0,
        "reconstruction_a": 0.0,
        "reconstruction_b": 0.0,
    }

    def __init__(
        self,
        network: StyleTransferNet,
        loss_weights: Mapping[str, float] | None = None,
        context_layers: Sequence[str] | None = None,
        contextual_loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__({"network": network}, {}, loss_weights)
        self.network = network
        self.context_layers = tuple(listed("context_layers", context_layers or (network.deepest,)))
        self.contextual_loss = contextual_loss or ContextualLoss()
        unknown = sorted(set(self.context_layers) - set(network.extractor.layers))
        if unknown:
            raise InputError(f"context_layers name {unknown}; the encoder gives {network.extractor.layers}.")

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the terms of the drawn image as one group, then each reconstruction; adds ``stylized``.

        Args:
            batch: ``image_a``, the content, and ``image_b``, a style for each, ``(B, 1, W, H)`` in [-1, 1]; where
                sides are no multiples of the encoder's stride, terms are of the images as the network continues them.
        """
        extractor, deepest = self.network.extractor, self.network.deepest
        images = {site: self.network.continued(batch[f"image_{site}"]) for site in "ab"}
        with torch.no_grad():
            content, style = extractor(images["a"]), extractor(images["b"])
            code = self.network.normalized_like(content[deepest], style[deepest])
            # What no term looks at need not wait for the terms.
            kept = {*self.context_layers} if self.wants("contextual") else set()
            kept |= {deepest} if self.wants("reconstruction_a") else set()
            content = {name: content[name] for name in kept}
        stylized = self.network.decode(code, list(images["a"].shape[2:]))
        width, height = batch["image_a"].shape[2:]
        batch["stylized"] = stylized.detach()[:, :, :width, :height]
        drawn = extractor(stylized)
        group: dict[str, Tensor] = {}
        if self.wants("contextual"):
            group["contextual"] = self.over_context_layers(drawn, content)
        if self.wants("style"):
            group["style"] = style_loss(list(drawn.values()), list(style.values()))
        if self.wants("gram"):
            group["gram"] = gram_style_loss(list(drawn.values()), list(style.values()))
        if self.wants("content"):
            group["content"] = mse_loss(drawn[deepest], code)
        if self.wants("contextual_style"):
            group["contextual_style"] = self.over_context_layers(drawn, style)
        if group:
            yield group
        for site, features in (("a", content), ("b", style)):
            if self.wants(f"reconstruction_{site}"):
                own = self.network.decode(features[deepest], list(images[site].shape[2:]))
                yield {f"reconstruction_{site}": l1_loss(own, images[site])}

    def over_context_layers(self, drawn: Mapping[str, Tensor], reference: Mapping[str, Tensor]) -> Tensor:
        """Contextual loss summed over layers."""
        return torch.stack([self.contextual_loss(drawn[name], reference[name]) for name in self.context_layers]).sum()

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:  # noqa: ARG002
        """Yield nothing."""
        yield from ()
