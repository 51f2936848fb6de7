"""What objectives with a translator and a discriminator per site have in common."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from monai_harmonize.objectives.objective import Objective

__all__ = ["UnpairedTranslation"]


class UnpairedTranslation(Objective):
    """Two generators, A to B and B to A, each judged by a discriminator of its target site.

    Args:
        generator_ab: ``(B, C, H, W[, D])`` in [-1, 1] of site A to the same shape at site B.
        generator_ba: the other direction.
        discriminator_a: MONAI ``PatchDiscriminator`` of site A (its last output is the logit map).
        discriminator_b: the same for site B.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: MONAI loss with the signature of ``PatchAdversarialLoss``.
    """

    def __init__(
        self,
        generator_ab: nn.Module,
        generator_ba: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        loss_weights: Mapping[str, float] | None,
        adversarial_loss: nn.Module,
    ) -> None:
        super().__init__(
            {"generator_ab": generator_ab, "generator_ba": generator_ba},
            {"discriminator_a": discriminator_a, "discriminator_b": discriminator_b},
            loss_weights,
        )
        self.adversarial_loss = adversarial_loss

    def unconvincing(self, site: str, fake: Tensor) -> Tensor:
        """How little a generated image passes for one of the site; gradients go to the image."""
        return self._adversarial(site, fake, target_is_real=True, for_discriminator=False)

    def misjudged(self, site: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """How wrong the site's discriminator is about ``image_{site}`` and about ``fake_{site}``."""
        real = self._adversarial(site, batch[f"image_{site}"], target_is_real=True, for_discriminator=True)
        fake = self._adversarial(site, batch[f"fake_{site}"], target_is_real=False, for_discriminator=True)
        return real, fake

    def _adversarial(self, site: str, image: Tensor, *, target_is_real: bool, for_discriminator: bool) -> Tensor:
        logits = self.discriminators[f"discriminator_{site}"](image)[-1]
        loss: Tensor = self.adversarial_loss(logits, target_is_real=target_is_real, for_discriminator=for_discriminator)
        return loss
