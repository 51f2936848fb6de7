"""StarGAN: one generator for translations among any number of domains.

Source: Choi et al. 2018, "StarGAN: unified generative adversarial networks for multi-domain image-to-image
translation", Eqs 1 to 8. Written from the paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, l1_loss

from monai_harmonize.losses import WassersteinLoss, gradient_penalty
from monai_harmonize.networks.domain_translator import DomainTranslator
from monai_harmonize.objectives.objective import Objective

__all__ = ["StarGAN"]


class StarGAN(Objective):
    """A translator that is told the domain, and a critic that tells real images and their domain.

    The terms, each unweighted:

    - ``adversarial``: how little a translation passes for a real image, Eq. 8;
    - ``domain``: how little it shows the domain that was asked for, Eq. 3;
    - ``reconstruction``: mean absolute error of an image that went there and back, Eq. 4;
    - ``discriminator_real``, ``discriminator_fake``: the critic's two means, Eq. 8 with the sign turned;
    - ``domain_real``: how wrong the critic is about the domains of real images, Eq. 2;
    - ``gradient_penalty``: of Eq. 8.

    The default weights are the paper's.

    Args:
        translator: see ``DomainTranslator``.
        discriminator: images to ``(B, 1 + domains)``, the critic's value and the logits of the domains.
        loss_weights: weights by term, see ``Objective``.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "adversarial": 1.0,
        "domain": 1.0,
        "reconstruction": 10.0,
        "discriminator_real": 1.0,
        "discriminator_fake": 1.0,
        "domain_real": 1.0,
        "gradient_penalty": 10.0,
    }

    def __init__(
        self, translator: DomainTranslator, discriminator: nn.Module, loss_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__({"translator": translator}, {"discriminator": discriminator}, loss_weights)
        self.translator = translator
        self.adversarial_loss = WassersteinLoss()

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the translator's terms as one group; adds ``fake``.

        Args:
            batch: ``image``, ``(B, C, W, H[, D])`` in [-1, 1], and the numbers ``(B,)`` of its ``domain`` and of the
                ``target`` domain.
        """
        image, target = batch["image"], batch["target"]
        fake = self.translator.translate(image, target)
        batch["fake"] = fake.detach()
        judged = self.judged(fake)
        group = {
            "adversarial": self.adversarial_loss(judged[:, :1], target_is_real=True, for_discriminator=False),
            "domain": cross_entropy(judged[:, 1:], target),
        }
        if self.wants("reconstruction"):
            group["reconstruction"] = l1_loss(self.translator.translate(fake, batch["domain"]), image)
        yield self.wanted(group)

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the critic's terms, then its penalty.

        Args:
            batch: as for the translator, and ``fake`` where that has just stepped.
        """
        real, fake = batch["image"], self.translated(batch)
        on_real, on_fake = self.judged(real), self.judged(fake)
        yield self.wanted(
            {
                "discriminator_real": self.adversarial_loss(
                    on_real[:, :1], target_is_real=True, for_discriminator=True
                ),
                "discriminator_fake": self.adversarial_loss(
                    on_fake[:, :1], target_is_real=False, for_discriminator=True
                ),
                "domain_real": cross_entropy(on_real[:, 1:], batch["domain"]),
            }
        )
        if self.wants("gradient_penalty"):
            share = torch.rand(len(real), device=real.device)
            yield {"gradient_penalty": gradient_penalty(lambda image: self.judged(image)[:, :1], real, fake, share)}

    def translated(self, batch: dict[str, Tensor]) -> Tensor:
        """Translations without a graph: those of the translator's step, or of its present weights."""
        if "fake" not in batch:
            with torch.no_grad():
                batch["fake"] = self.translator.translate(batch["image"], batch["target"])
        return batch["fake"]

    def judged(self, image: Tensor) -> Tensor:
        """The critic's value and the logits of the domains, ``(B, 1 + domains)``."""
        numbers: Tensor = self.discriminators["discriminator"](image)
        return numbers
