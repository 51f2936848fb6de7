"""Carry what a network did at its training resolution to the image at native resolution.

Source: He and Sun 2015, "Fast Guided Filter" (local linear model, He et al. 2013, Eqs 4 to 8, evaluated on a reduced
image and applied to the full one). Written from the papers. Ours: the ridge penalty pulls the slope towards 1 instead
of 0, since a flat region should keep its fine detail, not lose it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError

__all__ = ["GuidedUpsamplingInferer", "local_linear_model"]

POOLING = {2: F.avg_pool2d, 3: F.avg_pool3d}
INTERPOLATION = {2: "bilinear", 3: "trilinear"}


class GuidedUpsamplingInferer(Inferer):
    """Translate a reduced copy, fit output = a * input + b locally and apply a and b to the native image.

    A network trained at 256 pixels sees other structures at 2048; run at its own scale it does what it was trained for,
    and the native image keeps its own detail, scaled by ``a``. An image not larger than ``working_size`` goes
    straight through.

    Args:
        inferer: inferer of the reduced copy.
        working_size: longer spatial side at which the network was trained, in pixels.
        radius: half width of the window of the local fit, in pixels of the reduced copy.
        epsilon: variance (squared grey levels of the network's range) below which a window counts as flat, so that
            its detail keeps the slope 1.

    Raises:
        InputError: a size or radius below 1 or a non-positive ``epsilon``.
    """

    def __init__(self, inferer: Inferer, working_size: int, radius: int = 4, epsilon: float = 1e-3) -> None:
        if working_size < 1 or radius < 1 or epsilon <= 0:
            raise InputError(
                f"working_size, radius and epsilon are {working_size}, {radius}, {epsilon}; expected positive numbers."
            )
        self.inferer = inferer
        self.working_size = working_size
        self.radius = radius
        self.epsilon = epsilon

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate ``(B, C, H, W[, D])``; the output has the input's shape and is not clipped."""
        size = inputs.shape[2:]
        if max(size) <= self.working_size:
            return torch.as_tensor(self.inferer(inputs, network, *args, **kwargs))
        mode = INTERPOLATION[len(size)]
        reduced_size = [max(1, round(length * self.working_size / max(size))) for length in size]
        reduced = F.interpolate(inputs, size=reduced_size, mode="area")
        output = torch.as_tensor(self.inferer(reduced, network, *args, **kwargs))
        slope, offset = local_linear_model(reduced, output, self.radius, self.epsilon)
        native = F.interpolate(slope, size=size, mode=mode).mul_(inputs)
        return native.add_(F.interpolate(offset, size=size, mode=mode))


def local_linear_model(guide: Tensor, target: Tensor, radius: int, epsilon: float) -> tuple[Tensor, Tensor]:
    """Slope and offset of the best local fit ``target = slope * guide + offset``, averaged over the windows.

    Args:
        guide: ``(B, C, H, W[, D])``.
        target: the same shape.
        radius: half width of a window in pixels.
        epsilon: ridge penalty on the slope's difference from 1.

    Returns:
        Slope and offset, each of the same shape.
    """
    dims = guide.ndim - 2

    def inside(image: Tensor) -> Tensor:
        # Padded beforehand, since PyTorch's own padding in 3D refuses images smaller than the window.
        return POOLING[dims](F.pad(image, [radius] * 2 * dims), 2 * radius + 1, stride=1)

    share = inside(torch.ones_like(guide))

    def mean(image: Tensor) -> Tensor:
        return inside(image) / share

    mean_guide, mean_target = mean(guide), mean(target)
    covariance = mean(guide * target) - mean_guide * mean_target
    variance = mean(guide * guide) - mean_guide * mean_guide
    slope = (covariance + epsilon) / (variance.clamp_min(0.0) + epsilon)
    offset = mean_target - slope * mean_guide
    return mean(slope), mean(offset)
