"""LAPGAN: one GAN for each level of a Laplacian pyramid.

Source: Denton et al. 2015, "Deep generative image models using a Laplacian pyramid of adversarial networks", section 3;
section 2.5 of the review Li et al. 2021. Written from the papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from monai_harmonize.losses import AdversarialCrossEntropy
from monai_harmonize.networks import LaplacianPyramidDiscriminator, LaplacianPyramidGenerator
from monai_harmonize.networks.laplacian_pyramid import laplacian_pyramid, upsampled
from monai_harmonize.objectives.objective import Objective

__all__ = ["LAPGAN"]


class LAPGAN(Objective):
    """A game without a condition at the coarsest level, and one on the residual given the coarser image at each other.

    The coarser image is that of the real image, also for the generator: no level learns from another, each could be
    trained by itself, and only drawing puts them together.

    The terms are those of ``GAN`` with the size of their level behind the name, ``adversarial_64``; a level is a
    group. Their weights are by term, without the size.

    Args:
        generator: its levels are trained, each by its own game.
        discriminator: of the same levels.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: see ``GAN``.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "adversarial": 1.0,
        "discriminator_real": 1.0,
        "discriminator_fake": 1.0,
    }

    def __init__(
        self,
        generator: LaplacianPyramidGenerator,
        discriminator: LaplacianPyramidDiscriminator,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: torch.nn.Module | None = None,
    ) -> None:
        super().__init__({"generator": generator}, {"discriminator": discriminator}, loss_weights)
        self.generator, self.discriminator = generator, discriminator
        self.adversarial_loss = adversarial_loss or AdversarialCrossEntropy()
        by_level = {f"{term}_{size}": w for term, w in self.loss_weights.items() for size in discriminator.levels}
        self.loss_weights |= by_level

    def parts(self, networks: Mapping[str, torch.nn.Module]) -> dict[str, torch.nn.Module]:
        """Levels of some of the networks, ``generator/8`` and so on."""
        levels = {
            "generator": [self.generator.coarsest, *self.generator.levels],
            "discriminator": self.discriminator.levels.values(),
        }
        sizes = self.discriminator.levels
        return {f"{name}/{size}": level for name in networks for size, level in zip(sizes, levels[name], strict=True)}

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the generator's term of each level, the coarsest first.

        What was drawn and what is real are added, ``fake_8``, ``real_8`` and so on.

        Args:
            batch: ``image``, real ones ``(B, C, W, H[, D])`` in [-1, 1], and ``code``, ``(B, K, 1, 1[, 1])``.
        """
        for level, (real, coarse) in enumerate(self.levels(batch["image"])):
            fake = self.drawn(level, batch["code"], coarse)
            size = real.shape[2]
            batch[f"fake_{size}"], batch[f"real_{size}"] = fake.detach(), real
            judged = self.discriminator(fake, coarse)
            yield self.wanted({f"adversarial_{size}": self.adversarial_loss(judged, True, False)})

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the discriminators' terms level by level.

        Args:
            batch: ``image``, ``code``, and what the generator's step has drawn, where it did.
        """
        for level, (real, coarse) in enumerate(self.levels(batch["image"])):
            size = real.shape[2]
            if f"fake_{size}" not in batch:
                with torch.no_grad():
                    batch[f"fake_{size}"] = self.drawn(level, batch["code"], coarse)
            on_real, on_fake = self.discriminator(real, coarse), self.discriminator(batch[f"fake_{size}"], coarse)
            terms = {
                f"discriminator_real_{size}": self.adversarial_loss(on_real, True, True),
                f"discriminator_fake_{size}": self.adversarial_loss(on_fake, False, True),
            }
            yield self.wanted(terms)

    def levels(self, image: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
        """What is real at each level, coarsest image and residuals, and the coarser image doubled, if there is one."""
        coarsest, *residuals = laplacian_pyramid(image, len(self.generator.levels))
        yield coarsest, None
        coarse = upsampled(coarsest)
        for residual in residuals:
            yield residual, coarse
            coarse = upsampled(coarse + residual)

    def drawn(self, level: int, code: Tensor, coarse: Tensor | None) -> Tensor:
        """Images of the coarsest level, or residuals of another one given the coarser images."""
        noise = torch.split(code, self.generator.shares, 1)[level]
        image: Tensor = (
            self.generator.coarsest(noise) if coarse is None else self.generator.levels[level - 1](noise, coarse)
        )
        return image
