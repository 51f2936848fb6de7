"""Conditional GAN: generator and discriminator are both told the class.

Source: Mirza, Osindero 2014, "Conditional generative adversarial nets", as the review Li et al. 2021 gives it in Eq. 2.
Written from the papers.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from monai_harmonize.objectives.coded_gan import CodedGAN

__all__ = ["CGAN"]


class CGAN(CodedGAN):
    """The terms of ``GAN``, with a discriminator that sees images beside planes of their class, c of Eq. 2.

    The class stands in the latent code, which the generator sees anyway. A code belongs to a real image and has its
    class, so that real and generated images of a step have the same classes.

    Args:
        generator: latent codes to images, see ``GAN``.
        discriminator: images with ``categories[0]`` planes behind their channels, to ``(B, N)``.
        code: layout of the codes; its first category is the class.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: see ``GAN``.
    """

    def judged(self, image: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """What the discriminator says of images ``(B, C, W, H[, D])`` and the classes of ``code``, ``(B, N)``."""
        category = self.code.category(batch["code"])
        planes = category[(..., *[None] * (image.ndim - 2))].expand(-1, -1, *image.shape[2:])
        return super().judged(torch.cat([image, planes], dim=1), batch)
