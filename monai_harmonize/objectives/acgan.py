"""Auxiliary classifier GAN: the discriminator is not told the class, but has to tell it.

Source: Odena, Olah, Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs", Eqs 2 and 3; section 3.3
of the review AnbuDevi and Suganthi 2022. Written from the papers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import cross_entropy

from monai_harmonize.objectives.coded_gan import CodedGAN

__all__ = ["ACGAN"]


class ACGAN(CodedGAN):
    """The terms of ``GAN``, the source of Eq. 2, and those of the class, Eq. 3 with the sign turned.

    - ``classification``: how little a generated image shows its class, for the generator;
    - ``classification_real``, ``classification_fake``: how wrong the discriminator is about the classes of real and of
      generated images. The latter teaches it the generator's idea of a class, as in the paper; 0 leaves it out.

    Args:
        generator: latent codes to images, see ``GAN``.
        discriminator: images to ``(B, 1 + classes)``, the logit of being real and those of the classes.
        code: layout of the codes; its first category is the class.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: see ``GAN``.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        **CodedGAN.default_weights,
        "classification": 1.0,
        "classification_real": 1.0,
        "classification_fake": 1.0,
    }

    def terms_of_generator(self, judged: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Terms of generated images from what the discriminator says of them, ``(B, 1 + classes)``."""
        return super().terms_of_generator(judged, batch) | {"classification": self.misclassified(judged, batch)}

    def terms_of_discriminator(
        self, on_real: Tensor, on_fake: Tensor, batch: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Terms from what the discriminator says of real and of generated images; a code has its image's class."""
        return super().terms_of_discriminator(on_real, on_fake, batch) | {
            "classification_real": self.misclassified(on_real, batch),
            "classification_fake": self.misclassified(on_fake, batch),
        }

    def misclassified(self, judged: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy of the classes among what was judged, nats."""
        return cross_entropy(judged[:, 1:], self.code.category(batch["code"]))
