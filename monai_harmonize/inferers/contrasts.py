"""Give a network all images of a patient, where other inferers give it the one that the result is like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor
from torch.nn import functional as F

__all__ = ["ContrastsInferer"]


class ContrastsInferer(Inferer):
    """Bring the other images to the size of the one at hand, and give all of them to the network.

    Within ``GuidedUpsamplingInferer`` that one is reduced to the size of the training.

    Args:
        inferer: inferer of the network.
    """

    def __init__(self, inferer: Inferer) -> None:
        self.inferer = inferer

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], contrasts: Tensor, *args: Any, **kwargs: Any
    ) -> Tensor:
        """Fill in an image.

        Args:
            inputs: ``(B, 1, W, H)``, one of the images; only its size is used.
            network: maps ``(B, N, W, H)`` to ``(B, 1, W, H)``.
            contrasts: all images, ``(B, N, w, h)``, in the network's range.
            args: passed to the network.
            kwargs: passed to the network.

        Returns:
            ``(B, 1, W, H)``.
        """
        images = torch.as_tensor(contrasts).as_subclass(Tensor)
        if images.shape[2:] != inputs.shape[2:]:
            images = F.interpolate(images, size=inputs.shape[2:], mode="area")
        return torch.as_tensor(self.inferer(images, network, *args, **kwargs))
