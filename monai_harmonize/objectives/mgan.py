"""MGAN: translation whose patches a discriminator judges by the features of a frozen VGG19, as is its content.

Source: section 3.2 of the review AnbuDevi and Suganthi 2022, after Li and Wand 2016, "Precomputed real-time texture
synthesis with Markovian generative adversarial networks". Written from the papers. There one image gives the texture;
here all images of a site do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from monai_harmonize.losses import HingeLoss
from monai_harmonize.objectives.objective import Objective

__all__ = ["MGAN"]


class MGAN(Objective):
    """One generator, A to B, and a discriminator of the features of patches; both begin with a frozen VGG19.

    The terms, each unweighted:

    - ``adversarial_ab``: how little the patches of a translation pass for some of site B;
    - ``content_a``: mean squared error of the features of a translation to those of its image;
    - ``identity_b``: mean absolute error of an image of site B, drawn from its own features, to itself. Ours, 0 by
      default: content and texture alone leave the decoder to find the way back from features to grey levels;
    - ``discriminator_b``: how wrong the discriminator is about patches, the mean of its real and fake halves.

    Args:
        generator_ab: ``(B, 1, W, H)`` in [-1, 1] of site A to the same at site B, ``DecodedFeatures``.
        discriminator_b: ``FeatureDiscriminator``: features of content, and last the logit map of patches.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: MONAI loss with the signature of ``PatchAdversarialLoss``; by default the paper's hinge.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "adversarial_ab": 1.0,
        "content_a": 1.0,
        "identity_b": 0.0,
        "discriminator_b": 1.0,
    }

    def __init__(
        self,
        generator_ab: nn.Module,
        discriminator_b: nn.Module,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: nn.Module | None = None,
    ) -> None:
        super().__init__({"generator_ab": generator_ab}, {"discriminator_b": discriminator_b}, loss_weights)
        self.adversarial_loss = adversarial_loss or HingeLoss()

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the terms of the translation as one group, then identity; adds ``fake_b``.

        Args:
            batch: ``image_a`` and ``image_b``, each ``(B, 1, W, H)`` in [-1, 1].
        """
        generator, discriminator = self.generators["generator_ab"], self.discriminators["discriminator_b"]
        fake = generator(batch["image_a"])
        batch["fake_b"] = fake.detach()
        group: dict[str, Tensor] = {}
        drawn, logits = discriminator(fake)
        if self.wants("adversarial_ab"):
            group["adversarial_ab"] = self.adversarial_loss(logits, target_is_real=True, for_discriminator=False)
        if self.wants("content_a"):
            with torch.no_grad():
                content, _ = discriminator(batch["image_a"])
            group["content_a"] = mse_loss(drawn, content)
        yield group
        if self.wants("identity_b"):
            yield {"identity_b": l1_loss(generator(batch["image_b"]), batch["image_b"])}

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the discriminator's term.

        Args:
            batch: ``image_b`` and the generated ``fake_b`` (from a replay pool or fresh).
        """
        if self.wants("discriminator_b"):
            halves = [
                self.adversarial_loss(
                    self.discriminators["discriminator_b"](batch[key])[-1], target_is_real=real, for_discriminator=True
                )
                for key, real in (("image_b", True), ("fake_b", False))
            ]
            yield {"discriminator_b": (halves[0] + halves[1]) / 2}
