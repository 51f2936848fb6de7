"""Adversarial loss of the first GAN: cross-entropy of a discriminator's logits (Goodfellow et al. 2014)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

__all__ = ["AdversarialCrossEntropy"]


class AdversarialCrossEntropy(nn.Module):
    """``-log D`` where an image is to be real, ``-log(1 - D)`` where not, averaged over the logit map.

    Takes the arguments of MONAI's ``PatchAdversarialLoss``. Its criterion ``"bce"`` is the same in exact arithmetic,
    but applies sigmoid and logarithm one after the other, which loses the gradient of a logit far from its target and
    cannot be computed under autocast on CUDA.

    Args:
        saturating: the generator minimises ``log(1 - D)``, the game as it was first written down, not ``-log D``,
            which has the same equilibrium but a gradient also where the discriminator is sure.
    """

    def __init__(self, saturating: bool = False) -> None:
        super().__init__()
        self.saturating = saturating

    def forward(self, logits: Tensor, target_is_real: bool, for_discriminator: bool) -> Tensor:
        """Compute the loss.

        Args:
            logits: of a discriminator, any shape, before any activation.
            target_is_real: what the network in training wants to hear; a generator wants its image to be real.
            for_discriminator: whether the discriminator is in training; of effect only where ``saturating``.

        Returns:
            Scalar, float32 or more.
        """
        logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        if self.saturating and not for_discriminator:
            return -binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(not target_is_real)))
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(target_is_real)))
