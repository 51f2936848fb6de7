"""Hinge loss of logits, as MGAN trains (Li and Wand 2016, "Precomputed real-time texture synthesis with MGANs")."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["HingeLoss"]


class HingeLoss(nn.Module):
    """``max(0, 1 - s)`` where a place is to be real, ``max(0, 1 + s)`` where not, averaged over the logit map.

    Takes the arguments of MONAI's ``PatchAdversarialLoss``. Its criterion ``"hinge"`` first passes the logits s through
    tanh, so that no place is ever beyond the margin and left alone, and one far on the wrong side learns nothing.
    """

    def forward(self, logits: Tensor, target_is_real: bool, for_discriminator: bool) -> Tensor:  # noqa: ARG002
        """Compute the loss.

        Args:
            logits: of a discriminator, any shape, before any activation.
            target_is_real: what the network in training wants to hear.
            for_discriminator: of no effect: the margin is the same for both.

        Returns:
            Scalar, 0 or more.
        """
        return (1 - logits if target_is_real else 1 + logits).clamp_min(0).mean()
