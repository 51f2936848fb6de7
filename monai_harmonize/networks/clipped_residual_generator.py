"""A guaranteed generator plus a residual of bounded size (guarantee class G3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError

__all__ = ["ClippedResidualGenerator"]


class ClippedResidualGenerator(nn.Module):
    """``base(image) + epsilon * tanh(residual_network(image) / epsilon)``: nowhere further than epsilon from base.

    The residual passes unchanged while it is small. It is clipped smoothly, since a hard clip has no gradient where it
    acts, and a residual that once left the bounds would never come back.

    Args:
        base: generator of class G0 or G1.
        residual_network: any image-to-image network; the spatial sizes that it accepts are those of this one.
        epsilon: largest deviation, in grey levels of [-1, 1], above 0.

    Raises:
        InputError: epsilon is not a positive number.
    """

    guarantee_class = "G3"

    def __init__(self, base: nn.Module, residual_network: nn.Module, epsilon: float = 0.05) -> None:
        super().__init__()
        if not 0 < epsilon < math.inf:
            raise InputError(f"epsilon is {epsilon}; expected a positive number of grey levels.")
        self.base = base
        self.residual_network = residual_network
        self.epsilon = float(epsilon)

    def forward(self, image: Tensor) -> Tensor:
        """Translate ``(B, 1, H, W[, D])`` in [-1, 1]; the same shape, not clipped to the range."""
        guaranteed: Tensor = self.base(image)
        residual: Tensor = self.residual_network(image).float()
        return guaranteed + self.epsilon * torch.tanh(residual / self.epsilon)
