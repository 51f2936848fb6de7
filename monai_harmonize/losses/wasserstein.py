"""Wasserstein loss: a critic's values as they are, without logarithm or square.

Source: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN"; Eq. 3 of the review AnbuDevi and Suganthi 2022.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["WassersteinLoss"]


class WassersteinLoss(nn.Module):
    """Minus the mean value where an image is to be real, the mean value where not.

    Takes the arguments of MONAI's ``PatchAdversarialLoss``. The two terms of a critic add up to minus its estimate of
    the Wasserstein-1 distance of generated from real images, up to the critic's Lipschitz constant.
    """

    def forward(self, logits: Tensor, target_is_real: bool, for_discriminator: bool) -> Tensor:  # noqa: ARG002
        """Compute the loss.

        Args:
            logits: values of a critic, any shape.
            target_is_real: what the network in training wants to hear.
            for_discriminator: of no effect: the game is the same for both.

        Returns:
            Scalar, any sign.
        """
        mean = logits.mean()
        return -mean if target_is_real else mean
