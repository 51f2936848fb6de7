"""InfoGAN: codes get a meaning, as images have to tell them.

Source: Chen et al. 2016, "InfoGAN: interpretable representation learning by information maximizing generative
adversarial nets", Eqs 5 and 6; section 3.6 of the review AnbuDevi and Suganthi 2022. Written from the papers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from monai_harmonize.objectives.coded_gan import CodedGAN

__all__ = ["InfoGAN"]


class InfoGAN(CodedGAN):
    """The terms of ``GAN``, and the bound on the mutual information of codes and images that both sides raise.

    The recognition network Q shares all layers but its last one with the discriminator, as in the paper: it is the
    discriminator's further outputs. A label is not used.

    - ``categories``, ``numbers``: minus the expected logarithm of Q, Eq. 5 without the entropy of the codes, which is
      constant: cross-entropy of each categorical code, and half the squared error of the continuous ones, Q being
      normal with deviation 1. The generator's step sends them to the generator;
    - ``recognised_categories``, ``recognised_numbers``: the same, for Q in the discriminator's step.

    Terms of codes that there are none of are left out. The default weights are lambda of Eq. 6 as in the paper's
    appendix: 1, and 0.1 for continuous codes.

    Args:
        generator: latent codes to images, see ``GAN``.
        discriminator: images to ``(B, 1 + sum(categories) + continuous)``.
        code: layout of the codes; all but its noise is to be recognised.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: see ``GAN``.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        **CodedGAN.default_weights,
        "categories": 1.0,
        "numbers": 0.1,
        "recognised_categories": 1.0,
        "recognised_numbers": 0.1,
    }

    def terms_of_generator(self, judged: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Terms of generated images from what the discriminator and Q say of them."""
        return super().terms_of_generator(judged, batch) | self.unrecognised(judged, batch["code"], "")

    def terms_of_discriminator(
        self, on_real: Tensor, on_fake: Tensor, batch: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Terms from what the discriminator says of real and of generated images, and Q of the latter."""
        terms = super().terms_of_discriminator(on_real, on_fake, batch)
        return terms | self.unrecognised(on_fake, batch["code"], "recognised_")

    def unrecognised(self, judged: Tensor, code: Tensor, prefix: str) -> dict[str, Tensor]:
        """Minus the logarithm of Q at the codes, nats; of continuous codes without the normal density's constant."""
        start, terms, categories = 1, {}, []
        for place, count in enumerate(self.code.categories):
            categories.append(cross_entropy(judged[:, start : start + count], self.code.category(code, place)))
            start += count
        if categories:
            terms[f"{prefix}categories"] = torch.stack(categories).sum()
        if self.code.continuous:
            error = mse_loss(judged[:, start:], self.code.numbers(code))
            terms[f"{prefix}numbers"] = error * self.code.continuous / 2
        return terms
