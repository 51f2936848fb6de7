"""What objectives have in common whose terms look into the latent codes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from monai_harmonize.data.latent_code import LatentCode
from monai_harmonize.objectives.gan import GAN

__all__ = ["CodedGAN"]


class CodedGAN(GAN):
    """``GAN`` that knows the layout of its codes.

    Args:
        generator: latent codes to images, see ``GAN``.
        discriminator: images to ``(B, N)``, see ``GAN`` and the objective.
        code: layout of the codes.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: see ``GAN``.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        code: LatentCode,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: nn.Module | None = None,
    ) -> None:
        super().__init__(generator, discriminator, loss_weights, adversarial_loss)
        self.code = code
