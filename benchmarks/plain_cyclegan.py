"""Reference: the CycleGAN step as one writes it straight from the paper.

Source: Lee, Li, Shin 2020, "Generalization of intensity distribution of medical images using GANs", Eqs 5 to 7 and 12,
with the weights, the optimizer and the replay pool of Zhu et al. 2017. All terms of the generators are summed and
backpropagated at once. The discriminators are frozen meanwhile, as the public loops do it: the reference shall be a
strong one. Written from the papers; it shares the networks and the replay pool with the package, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from torch.optim import Optimizer

from monai_harmonize.engines import ReplayPool

__all__ = ["PlainCycleGAN"]

CYCLE_WEIGHT = 10.0
IDENTITY_WEIGHT = 5.0


class PlainCycleGAN:
    """Plain training loop's body.

    Args:
        generators: ``A to B`` and ``B to A``, images ``(B, C, H, W)`` in [-1, 1] to the same shape.
        discriminators: of site A and of site B; their last output is the logit map.
        generator_optimizer: optimizer of both generators.
        discriminator_optimizer: optimizer of both discriminators.
        replay_pools: of generated images of A and of B.
        dtype: ``torch.float32``, or the type to which autocast lowers the convolutions.
    """

    def __init__(
        self,
        generators: Sequence[nn.Module],
        discriminators: Sequence[nn.Module],
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
        replay_pools: Sequence[ReplayPool],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.generator_ab, self.generator_ba = generators
        self.discriminator_a, self.discriminator_b = discriminators
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.pool_a, self.pool_b = replay_pools
        self.dtype = dtype

    def step(self, real_a: Tensor, real_b: Tensor) -> None:
        """Update the generators, then the discriminators, with one batch of each site."""
        autocast = torch.autocast(real_a.device.type, self.dtype, enabled=self.dtype != torch.float32)

        set_requires_grad((self.discriminator_a, self.discriminator_b), False)
        self.generator_optimizer.zero_grad()
        with autocast:
            fake_b = self.generator_ab(real_a)
            fake_a = self.generator_ba(real_b)
            adversarial = lsgan(self.discriminator_b, fake_b, 1.0) + lsgan(self.discriminator_a, fake_a, 1.0)
            cycle = l1_loss(self.generator_ba(fake_b), real_a) + l1_loss(self.generator_ab(fake_a), real_b)
            identity = l1_loss(self.generator_ab(real_b), real_b) + l1_loss(self.generator_ba(real_a), real_a)
            loss = adversarial + CYCLE_WEIGHT * cycle + IDENTITY_WEIGHT * identity
        torch.autograd.backward(loss)
        self.generator_optimizer.step()

        set_requires_grad((self.discriminator_a, self.discriminator_b), True)
        self.discriminator_optimizer.zero_grad()
        shown_a, shown_b = self.pool_a(fake_a.detach()), self.pool_b(fake_b.detach())
        for discriminator, real, fake in (
            (self.discriminator_a, real_a, shown_a),
            (self.discriminator_b, real_b, shown_b),
        ):
            with autocast:
                loss = (lsgan(discriminator, real, 1.0) + lsgan(discriminator, fake, 0.0)) / 2
            torch.autograd.backward(loss)
        self.discriminator_optimizer.step()


def lsgan(discriminator: nn.Module, image: Tensor, target: float) -> Tensor:
    """Least-squares adversarial loss, Eq. 6."""
    logits = discriminator(image)[-1]
    return mse_loss(logits, torch.full_like(logits, target))


def set_requires_grad(networks: Iterable[nn.Module], wanted: bool) -> None:
    """Freeze or release all parameters."""
    for network in networks:
        network.requires_grad_(wanted)
