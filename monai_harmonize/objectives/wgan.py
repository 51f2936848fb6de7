"""Wasserstein GAN: a critic estimates how far generated images are from real ones.

Source: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN" (Eq. 3 of the review AnbuDevi and Suganthi 2022), and
Gulrajani et al. 2017, "Improved training of Wasserstein GANs", Eq. 3. Written from the papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from monai_harmonize.losses import WassersteinLoss, gradient_penalty
from monai_harmonize.objectives.gan import GAN

__all__ = ["WGAN"]


class WGAN(GAN):
    """The game of ``GAN`` with a critic's values, kept 1-Lipschitz by a penalty or by clipped weights.

    The terms of ``GAN`` with the Wasserstein loss, of which ``-(discriminator_real + discriminator_fake)`` is the
    critic's estimate of the distance, and

    - ``gradient_penalty``: see ``losses.gradient_penalty``; its default weight is the paper's lambda of 10. With
      weight 0 the weights have to be clipped after every step, as in the first paper, see ``engines.WeightClipping``.

    The critic wants several steps for each of the generator, ``generator_interval`` of the trainer.

    Args:
        generator: latent codes to images, see ``GAN``.
        discriminator: the critic, images to ``(B, 1)``; without batch norm, as the penalty is one of single images.
        loss_weights: weights by term, see ``Objective``.
    """

    default_weights: ClassVar[Mapping[str, float]] = {**GAN.default_weights, "gradient_penalty": 10.0}

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, loss_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(generator, discriminator, loss_weights, WassersteinLoss())

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the critic's two terms, then its penalty."""
        yield from super().discriminator_losses(batch)
        if self.wants("gradient_penalty"):
            real, fake = batch["image"], self.drawn(batch)
            share = torch.rand(len(real), device=real.device)
            yield {"gradient_penalty": gradient_penalty(lambda image: self.judged(image, batch), real, fake, share)}
