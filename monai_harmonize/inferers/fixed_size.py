"""Give a network the image at the size it was trained with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError

__all__ = ["FixedSizeInferer"]


class FixedSizeInferer(Inferer):
    """Resize a 2D image to a square, run the network, and resize its output to the image's own size.

    The way in is MONAI's ``Resize(mode="area")``, as in training; the way out is bilinear, so that a threshold
    on it has a smooth border.

    Args:
        size: pixels per edge of the network's input.

    Raises:
        InputError: a size below 1.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise InputError(f"size is {size}; expected a positive number of pixels")
        self.size = size

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Apply the network to ``(B, C, W, H)``; the output has the spatial size of the input.

        Raises:
            InputError: a volume.
        """
        if inputs.ndim != 4:
            raise InputError(f"the image has {inputs.ndim - 2} spatial axes; expected a 2D radiograph")
        reduced = F.interpolate(inputs, size=(self.size, self.size), mode="area")
        output = torch.as_tensor(network(reduced, *args, **kwargs))
        return F.interpolate(output, size=inputs.shape[2:], mode="bilinear")
