"""Shape consistency: a translation still shows the organ where the image has it.

Source: Zhang, Yang, Zheng 2018, "Translating and segmenting multimodal medical volumes with cycle- and
shape-consistency generative adversarial network" (cross-entropy of what a segmentor reads in the translation against
the mask of the image). Written from the paper. Ours: Dice beside it, as the segmentor was trained, and the frozen
segmentor's own reading where there is no mask.
"""

from __future__ import annotations

import torch
from monai.losses import DiceCELoss
from torch import Tensor, nn

__all__ = ["ShapeConsistency"]


class ShapeConsistency(nn.Module):
    """Cross-entropy and Dice of a frozen network's segmentation of a translation.

    The network stays in evaluation mode and its weights take no gradient; the image does.

    Args:
        segmenter: ``(B, 1, W, H[, D])`` in [-1, 1] to the logit of the organ, the same shape.
    """

    def __init__(self, segmenter: nn.Module) -> None:
        super().__init__()
        self.segmenter = segmenter.requires_grad_(False)
        self.loss = DiceCELoss(sigmoid=True)
        self.train(False)

    def train(self, mode: bool = True) -> ShapeConsistency:  # noqa: ARG002 - asked for by parents
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, translation: Tensor, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compare where the organ is.

        Args:
            translation: ``(B, 1, W, H[, D])`` in [-1, 1].
            image: what was translated, the same shape.
            mask: its organ, 1 inside and 0 outside, the same shape; by default what the network finds in ``image``.

        Returns:
            Scalar, 0 or more.
        """
        if mask is None:
            with torch.no_grad():
                mask = (self.segmenter(image) > 0).to(image.dtype)
        loss: Tensor = self.loss(self.segmenter(translation).float(), mask.float())
        return loss
