"""Give the slices of a volume, one by one, to an inferer of a 2D network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

__all__ = ["SlicewiseInferer"]


class SlicewiseInferer(Inferer):
    """Translate 2D images as they are and volumes slice by slice along their last axis.

    Args:
        inferer: inferer of a ``(B, C, H, W)`` image.
    """

    def __init__(self, inferer: Inferer) -> None:
        self.inferer = inferer

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate ``(B, C, H, W)`` or ``(B, C, H, W, D)``; the shape stays."""
        if inputs.ndim == 4:
            return torch.as_tensor(self.inferer(inputs, network, *args, **kwargs))
        slices = [self.inferer(image, network, *args, **kwargs) for image in inputs.unbind(dim=-1)]
        return torch.stack(slices, dim=-1)
