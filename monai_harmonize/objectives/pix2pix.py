"""pix2pix: translation learned from pairs, by a discriminator that sees image and translation together.

Source: Isola et al. 2017, "Image-to-image translation with conditional adversarial networks", Eqs 1, 3 and 4; Eq. 2 of
the review Li et al. 2021 with an image as condition. Written from the papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from monai_harmonize.losses import AdversarialCrossEntropy
from monai_harmonize.objectives.objective import Objective

__all__ = ["Pix2Pix"]


class Pix2Pix(Objective):
    """One generator, A to B, and a discriminator of pairs of an image of A and one of B.

    The terms, each unweighted:

    - ``adversarial``: how little image and translation pass for a true pair, Eq. 1 in the form that does not saturate;
    - ``pixel``: mean absolute error of the translation to the true image, Eq. 3; its default weight is lambda of Eq. 4;
    - ``discriminator_real``, ``discriminator_fake``: how wrong the discriminator is about true pairs and about pairs
      with a translation. Their default weight halves the discriminator's step, as in section 3.3.

    Args:
        generator_ab: ``(B, C, H, W[, D])`` in [-1, 1] of site A to the same at site B.
        discriminator_b: MONAI ``PatchDiscriminator`` of the two images in one, its last output is the logit map.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: MONAI loss with the signature of ``PatchAdversarialLoss``; by default the logarithms of Eq. 1.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "adversarial": 1.0,
        "pixel": 100.0,
        "discriminator_real": 0.5,
        "discriminator_fake": 0.5,
    }

    def __init__(
        self,
        generator_ab: nn.Module,
        discriminator_b: nn.Module,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: nn.Module | None = None,
    ) -> None:
        super().__init__({"generator_ab": generator_ab}, {"discriminator_b": discriminator_b}, loss_weights)
        self.adversarial_loss = adversarial_loss or AdversarialCrossEntropy()

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the generator's terms; adds ``fake_b``.

        Args:
            batch: ``image_a`` and ``image_b``, the same patients, each ``(B, C, H, W[, D])`` in [-1, 1].
        """
        fake = self.generators["generator_ab"](batch["image_a"])
        batch["fake_b"] = fake.detach()
        group: dict[str, Tensor] = {}
        if self.wants("adversarial"):
            group["adversarial"] = self.adversarial(batch["image_a"], fake, real=True, for_discriminator=False)
        if self.wants("pixel"):
            group["pixel"] = l1_loss(fake, batch["image_b"])
        yield group

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the discriminator's terms.

        Args:
            batch: ``image_a``, ``image_b`` and the generated ``fake_b``.
        """
        source = batch["image_a"]
        terms = {
            "discriminator_real": self.adversarial(source, batch["image_b"], real=True, for_discriminator=True),
            "discriminator_fake": self.adversarial(source, batch["fake_b"], real=False, for_discriminator=True),
        }
        yield self.wanted(terms)

    def adversarial(self, source: Tensor, image: Tensor, *, real: bool, for_discriminator: bool) -> Tensor:
        """Adversarial loss of pairs."""
        logits = self.discriminators["discriminator_b"](torch.cat([source, image], dim=1))[-1]
        loss: Tensor = self.adversarial_loss(logits, target_is_real=real, for_discriminator=for_discriminator)
        return loss
