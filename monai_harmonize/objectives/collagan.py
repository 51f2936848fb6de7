"""CollaGAN: one generator fills in the missing contrast of a patient from all the others.

Source: Lee, Kim, Moon, Ye 2019, "CollaGAN: collaborative GAN for missing image data imputation", section 3. Written
from the paper. Ours: other contrasts may be missing as well, so that a patient with few images is nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from monai.losses import PatchAdversarialLoss, SSIMLoss
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, l1_loss

from monai_harmonize.networks.collaborative_translator import BACKGROUND, CollaborativeTranslator
from monai_harmonize.objectives.objective import Objective

__all__ = ["CollaGAN"]


class CollaGAN(Objective):
    """A translator of all contrasts but one into that one, and a discriminator that tells real images and contrasts.

    The terms, each unweighted:

    - ``adversarial``: how little what was filled in passes for real, least squares;
    - ``domain``: how little it shows the contrast that is missing;
    - ``cycle``: multiple cycle consistency. What was filled in takes its place among the others, and each of these is
      filled in anew from the rest; sum of the mean absolute errors;
    - ``similarity``: the same images, sum of ``-log((1 + SSIM) / 2)``;
    - ``pixel``: mean absolute error of what was filled in to the truth. Not of the paper, and left out by default;
    - ``discriminator_real``, ``discriminator_fake``: how wrong the discriminator is about both, least squares;
    - ``domain_real``: how wrong it is about the contrast of real images, from which alone it learns contrasts.

    The default weights are ours.

    Args:
        translator: see ``CollaborativeTranslator``.
        discriminator: MONAI ``PatchDiscriminator``; of its last output ``(B, 1 + contrasts, w, h[, d])`` the first
            channel is the logit map, and the means of the others are the logits of the contrasts.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: MONAI loss with the signature of ``PatchAdversarialLoss``; by default least squares.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "adversarial": 1.0,
        "domain": 1.0,
        "cycle": 10.0,
        "similarity": 1.0,
        "pixel": 0.0,
        "discriminator_real": 1.0,
        "discriminator_fake": 1.0,
        "domain_real": 1.0,
    }

    def __init__(
        self,
        translator: CollaborativeTranslator | nn.Module,
        discriminator: nn.Module,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: nn.Module | None = None,
    ) -> None:
        super().__init__({"translator": translator}, {"discriminator": discriminator}, loss_weights)
        self.adversarial_loss = adversarial_loss or PatchAdversarialLoss(
            criterion="least_squares", no_activation_leastsq=True
        )

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the translator's terms as one group; adds ``fake`` and ``real``.

        Args:
            batch: ``image``, all contrasts ``(B, N, W, H[, D])`` of a patient in [-1, 1], the number ``(B,)`` of the
                ``target``, and which contrasts are ``shown``, ``(B, N)`` of type bool; without it all others are.
        """
        image, target = batch["image"], batch["target"]
        shown = batch.get("shown", torch.ones_like(image[:, :, 0].flatten(2)[..., 0], dtype=torch.bool))
        seen = torch.where(as_planes(shown, image), image, torch.full_like(image, BACKGROUND))
        fake = self.generators["translator"](seen, target)
        batch["fake"], batch["real"] = fake.detach(), contrast_of(image, target)
        group: dict[str, Tensor] = {}
        if self.wants("adversarial") or self.wants("domain"):
            realness, contrasts = self.judged(fake)
            group["adversarial"] = self.adversarial_loss(realness, target_is_real=True, for_discriminator=False)
            group["domain"] = cross_entropy(contrasts, target)
        if self.wants("cycle") or self.wants("similarity"):
            group |= self.cycles(image, seen, fake, target)
        if self.wants("pixel"):
            group["pixel"] = l1_loss(fake, batch["real"])
        yield self.wanted(group)

    def cycles(self, image: Tensor, seen: Tensor, fake: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Fill in each other contrast from what was filled in and the rest."""
        count = image.shape[1]
        filled = torch.where(as_planes(one_hot(target, count), image), fake.to(image), seen)
        cycle, similarity = fake.new_zeros(()), fake.new_zeros(())
        for step in range(1, count):
            other = (target + step) % count
            again, truth = self.generators["translator"](filled, other), contrast_of(image, other)
            if self.wants("cycle"):
                cycle = cycle + l1_loss(again, truth)
            if self.wants("similarity"):
                similarity = similarity + dissimilarity(again, truth)
        return {"cycle": cycle, "similarity": similarity}

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the discriminator's terms.

        Args:
            batch: as for the translator, with ``fake`` and ``real``.
        """
        on_real, contrasts = self.judged(batch["real"])
        on_fake, _ = self.judged(batch["fake"])
        terms = {
            "discriminator_real": self.adversarial_loss(on_real, target_is_real=True, for_discriminator=True),
            "discriminator_fake": self.adversarial_loss(on_fake, target_is_real=False, for_discriminator=True),
            "domain_real": cross_entropy(contrasts, batch["target"]),
        }
        yield self.wanted(terms)

    def judged(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logit map ``(B, 1, w, h[, d])`` of being real, and logits ``(B, N)`` of the contrasts."""
        numbers: Tensor = self.discriminators["discriminator"](image)[-1]
        return numbers[:, :1], numbers[:, 1:].flatten(2).mean(2)


def one_hot(target: Tensor, count: int) -> Tensor:
    """Rows ``(B, N)`` of type bool, True at the target."""
    return torch.arange(count, device=target.device)[None] == target[:, None]


def as_planes(rows: Tensor, image: Tensor) -> Tensor:
    """Rows ``(B, N)`` with the axes of ``(B, N, W, H[, D])``."""
    return rows[(..., *[None] * (image.ndim - 2))]


def contrast_of(image: Tensor, target: Tensor) -> Tensor:
    """Of all contrasts ``(B, N, W, H[, D])`` that of each target, ``(B, 1, W, H[, D])``."""
    return image[torch.arange(len(image), device=image.device), target][:, None]


def dissimilarity(image: Tensor, truth: Tensor) -> Tensor:
    """Mean of ``-log((1 + SSIM) / 2)`` of images in [-1, 1]: 0 where they are equal."""
    with torch.autocast(image.device.type, enabled=False):  # differences of squares need all digits
        lacking = SSIMLoss(image.ndim - 2, reduction="none")((image.float() + 1) / 2, (truth.float() + 1) / 2)
    return -torch.log(1 - lacking / 2).mean()
