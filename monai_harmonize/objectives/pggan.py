"""PGGAN: a Wasserstein GAN whose networks grow while they learn.

Source: Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and variation", section 2 and
appendix A.1; table 1 of the review Li et al. 2021. Written from the paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import Tensor

from monai_harmonize.networks import GrowingDiscriminator, GrowingGenerator
from monai_harmonize.networks.growth import shown_at
from monai_harmonize.objectives.wgan import WGAN

__all__ = ["PGGAN"]


class PGGAN(WGAN):
    """The terms of ``WGAN`` on images as coarse as the networks are at present, with one more.

    - ``drift``: mean square of what the critic says of real images, which holds its values near 0; its default
      weight is the paper's 0.001.

    One critic step for each of the generator. The penalty is taken as in the paper, although the critic's value of an
    image depends on the others of its batch through their deviation.

    Args:
        generator: latent codes to images; it says how far both have grown.
        discriminator: the critic, images to ``(B, 1)``.
        loss_weights: weights by term, see ``Objective``.
    """

    default_weights: ClassVar[Mapping[str, float]] = {**WGAN.default_weights, "drift": 0.001}

    def __init__(
        self,
        generator: GrowingGenerator,
        discriminator: GrowingDiscriminator,
        loss_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(generator, discriminator, loss_weights)
        self.generator = generator

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the terms of ``GAN``; adds ``shown``, too, the real images at the present resolution."""
        batch["shown"] = self.shown(batch)
        yield from super().generator_losses(batch)

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the critic's terms on real images shown at the present resolution, then its penalty."""
        yield from super().discriminator_losses({**batch, "image": self.shown(batch)})

    def shown(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Real images as coarse as the networks draw them at present."""
        return shown_at(batch["image"], self.generator.progress, self.generator.stages)

    def terms_of_discriminator(
        self, on_real: Tensor, on_fake: Tensor, batch: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Terms of ``WGAN`` and the drift."""
        terms = super().terms_of_discriminator(on_real, on_fake, batch)
        return {**terms, "drift": on_real[:, :1].square().mean()}
