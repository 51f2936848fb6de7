"""GAN: images from noise, learned in a game of a generator against a discriminator.

Source: Goodfellow et al. 2014, as the review Li et al. 2021, "When medical images meet generative adversarial network",
Eq. 1, gives it; DCGAN (section 2.2 there) is the same game between convolutional networks. Written from the papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from monai_harmonize.losses import AdversarialCrossEntropy
from monai_harmonize.objectives.objective import Objective

__all__ = ["GAN"]


class GAN(Objective):
    """One generator of images from latent codes, judged by one discriminator.

    The terms, each unweighted:

    - ``adversarial``: how little a generated image passes for a real one, second line of Eq. 1;
    - ``discriminator_real``, ``discriminator_fake``: how wrong the discriminator is about real and about generated
      images, the two summands of the first line of Eq. 1 with the sign turned.

    Other families of the catalogue override ``judged``, what the discriminator is shown, or add terms.

    Args:
        generator: latent codes ``(B, K, 1, 1[, 1])`` to images ``(B, C, W, H[, D])`` in [-1, 1].
        discriminator: images to ``(B, N)``, the first number the logit of being real.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: loss with the signature of MONAI's ``PatchAdversarialLoss``; by default the logarithms of Eq.
            1, in the generator's form that does not saturate (Goodfellow et al. 2014, section 3).
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "adversarial": 1.0,
        "discriminator_real": 1.0,
        "discriminator_fake": 1.0,
    }

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: nn.Module | None = None,
    ) -> None:
        super().__init__({"generator": generator}, {"discriminator": discriminator}, loss_weights)
        self.adversarial_loss = adversarial_loss or AdversarialCrossEntropy()

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the terms of the generated images as one group; adds ``fake``.

        Args:
            batch: ``code``, ``(B, K, 1, 1[, 1])``, and what ``judged`` needs.
        """
        fake = self.generators["generator"](batch["code"])
        batch["fake"] = fake.detach()
        yield self.wanted(self.terms_of_generator(self.judged(fake, batch), batch))

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the discriminator's terms as one group.

        Args:
            batch: ``image``, real ones ``(B, C, W, H[, D])`` in [-1, 1], ``code``, and ``fake`` where the generator's
                step has just drawn it, or a replay pool.
        """
        on_real, on_fake = self.judged(batch["image"], batch), self.judged(self.drawn(batch), batch)
        yield self.wanted(self.terms_of_discriminator(on_real, on_fake, batch))

    def drawn(self, batch: dict[str, Tensor]) -> Tensor:
        """Generated images without a graph: those of the generator's step, or of its present weights."""
        if "fake" not in batch:
            with torch.no_grad():
                batch["fake"] = self.generators["generator"](batch["code"])
        return batch["fake"]

    def judged(self, image: Tensor, batch: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG002 - of conditional families
        """What the discriminator says of images, ``(B, N)``."""
        numbers: Tensor = self.discriminators["discriminator"](image)
        return numbers

    def terms_of_generator(
        self,
        judged: Tensor,
        batch: Mapping[str, Tensor],  # noqa: ARG002 - of conditional families
    ) -> dict[str, Tensor]:
        """Terms of what the discriminator says of generated images, ``(B, N)``."""
        return {"adversarial": self.adversarial(judged, target_is_real=True, for_discriminator=False)}

    def terms_of_discriminator(
        self,
        on_real: Tensor,
        on_fake: Tensor,
        batch: Mapping[str, Tensor],  # noqa: ARG002 - of conditional families
    ) -> dict[str, Tensor]:
        """Terms of what the discriminator says of real and of generated images, ``(B, N)`` each."""
        return {
            "discriminator_real": self.adversarial(on_real, target_is_real=True, for_discriminator=True),
            "discriminator_fake": self.adversarial(on_fake, target_is_real=False, for_discriminator=True),
        }

    def adversarial(self, judged: Tensor, *, target_is_real: bool, for_discriminator: bool) -> Tensor:
        """Adversarial loss of the logits among what was judged, ``(B, N)``."""
        loss: Tensor = self.adversarial_loss(
            judged[:, :1], target_is_real=target_is_real, for_discriminator=for_discriminator
        )
        return loss
