"""Tell a network the pixel spacing of the image it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_harmonize.data.spacing import pixel_spacing_of

__all__ = ["SpacingInferer"]


class SpacingInferer(Inferer):
    """Apply a network with a ``spacing`` argument to whole images at native resolution, one at a time."""

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Harmonize ``(1, C, H, W[, D])``; the shape stays.

        Args:
            inputs: with the metadata of ``LoadRadiograph``, whose spacing in mm goes to the network.
            network: called as ``network(image, spacing)``.
            args: passed to the network.
            kwargs: passed to the network.
        """
        plain = torch.as_tensor(inputs).as_subclass(Tensor)
        return torch.as_tensor(network(plain, pixel_spacing_of(inputs), *args, **kwargs))
