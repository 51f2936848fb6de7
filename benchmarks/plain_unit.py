"""Reference: the UNIT step as one writes it straight from the paper.

Source: Lee, Li, Shin 2020, "Generalization of intensity distribution of medical images using GANs", Eqs 8 to 11, with
the weights and the optimizer of Liu et al. 2017. Both directions are computed from one code each, all terms of the
translators are summed and backpropagated at once. The discriminators are frozen meanwhile: the reference shall be a
strong one. Written from the papers; it shares the networks with the package, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from plain_cyclegan import set_requires_grad
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss
from torch.optim import Optimizer

from monai_harmonize.networks import UNITTranslator

__all__ = ["PlainUNIT"]

GAN_WEIGHT = 10.0
KL_WEIGHT = 0.1
LIKELIHOOD_WEIGHT = 100.0


class PlainUNIT:
    """Plain training loop's body.

    Args:
        generators: translators ``A to B`` and ``B to A``, images ``(B, C, H, W)`` in [-1, 1] to the same shape.
        discriminators: of site A and of site B; their last output is the logit map.
        generator_optimizer: optimizer of both translators.
        discriminator_optimizer: optimizer of both discriminators.
        dtype: ``torch.float32``, or the type to which autocast lowers the convolutions.
    """

    def __init__(
        self,
        generators: Sequence[UNITTranslator],
        discriminators: Sequence[nn.Module],
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.translator_ab, self.translator_ba = generators
        self.discriminator_a, self.discriminator_b = discriminators
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.dtype = dtype

    def step(self, real_a: Tensor, real_b: Tensor) -> None:
        """Update the translators, then the discriminators, with one batch of each site."""
        autocast = torch.autocast(real_a.device.type, self.dtype, enabled=self.dtype != torch.float32)

        set_requires_grad((self.discriminator_a, self.discriminator_b), False)
        self.generator_optimizer.zero_grad()
        with autocast:
            loss_a, fake_b = self.direction(real_a, self.translator_ab, self.translator_ba, self.discriminator_b)
            loss_b, fake_a = self.direction(real_b, self.translator_ba, self.translator_ab, self.discriminator_a)
            loss = loss_a + loss_b
        torch.autograd.backward(loss)
        self.generator_optimizer.step()

        set_requires_grad((self.discriminator_a, self.discriminator_b), True)
        self.discriminator_optimizer.zero_grad()
        for discriminator, real, fake in (
            (self.discriminator_a, real_a, fake_a.detach()),
            (self.discriminator_b, real_b, fake_b.detach()),
        ):
            with autocast:
                loss = GAN_WEIGHT * (cross_entropy(discriminator, real, 1.0) + cross_entropy(discriminator, fake, 0.0))
            torch.autograd.backward(loss)
        self.discriminator_optimizer.step()

    @staticmethod
    def direction(
        real: Tensor, forth: UNITTranslator, back: UNITTranslator, discriminator: nn.Module
    ) -> tuple[Tensor, Tensor]:
        """Eq. 8 for images of one site, and their translation."""
        mean = forth.encode(real)
        latent = forth.sample(mean)
        reconstruction = back.decode(latent)
        fake = forth.decode(latent)
        mean_of_fake = back.encode(fake)
        cycle = back.decode(back.sample(mean_of_fake))
        autoencoder = KL_WEIGHT * kl(mean) + LIKELIHOOD_WEIGHT * l1_loss(reconstruction, real)
        adversarial = GAN_WEIGHT * cross_entropy(discriminator, fake, 1.0)
        way_back = KL_WEIGHT * (kl(mean) + kl(mean_of_fake)) + LIKELIHOOD_WEIGHT * l1_loss(cycle, real)
        return autoencoder + adversarial + way_back, fake


def kl(mean: Tensor) -> Tensor:
    """KL of N(mean, I) to N(0, I), per element."""
    return (mean**2 / 2).mean()


def cross_entropy(discriminator: nn.Module, image: Tensor, target: float) -> Tensor:
    """Adversarial loss, Eq. 10."""
    logits = discriminator(image)[-1]
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
