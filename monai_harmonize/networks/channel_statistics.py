"""Mean and deviation of every channel over its positions: what adaptive instance normalisation takes for style.

Xu, Li, Shin. Medical image processing with contextual style transfer. Human-centric Computing and Information Sciences
10:46, 2020, Eqs 1 and 2.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["channel_statistics"]


def channel_statistics(features: Tensor, epsilon: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean (Eq 1) and standard deviation (Eq 2) of every channel of every image.

    The gradient cannot be differentiated again.

    Args:
        features: ``(B, C, ...)``, one or more spatial axes. bfloat16 and float16 are summed in float32.
        epsilon: added to the variance, which divides by the number of positions; 0 makes the gradient of a constant
            channel NaN.

    Returns:
        Mean and deviation, each ``(B, C)``, float32 or more; a constant channel has the deviation
        ``sqrt(epsilon)``.
    """
    if not torch.jit.is_scripting() and features.requires_grad:  # type: ignore[attr-defined]
        return cast("tuple[Tensor, Tensor]", _ChannelStatistics.apply(features, epsilon))  # type: ignore[no-untyped-call]
    mean, deviation = mean_and_deviation(features, epsilon)
    return mean.flatten(1), deviation.flatten(1)


def mean_and_deviation(features: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """``(B, C, 1, ...)`` each.

    Three plain passes, in the order in which the features lie in memory: ``torch.var_mean`` does not vectorise.
    """
    values = features if features.dtype == torch.float64 else features.float()
    axes = [axis for axis in range(2, features.ndim)]  # noqa: C416 - TorchScript has no list of a range
    mean = values.mean(axes, keepdim=True)
    variance = (values - mean).square().mean(axes, keepdim=True)
    return mean, torch.sqrt(variance + epsilon)


class _ChannelStatistics(torch.autograd.Function):
    """Gradient in one tensor of the features' size; beside the features themselves nothing of that size is kept."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
        mean, deviation = mean_and_deviation(features, epsilon)
        ctx.save_for_backward(features, mean, deviation)
        return mean.flatten(1), deviation.flatten(1)

    @staticmethod
    @once_differentiable  # type: ignore[misc, unused-ignore]
    def backward(ctx: Any, of_mean: Tensor, of_deviation: Tensor) -> tuple[Tensor, None]:
        """With N positions, d mean / dx = 1 / N and d deviation / dx = (x - mean) / (N deviation)."""
        features, mean, deviation = ctx.saved_tensors
        positions = features[0, 0].numel()
        slope = of_deviation.view_as(deviation) / (positions * deviation)
        gradient = (features - mean).mul_(slope).add_(of_mean.view_as(mean) / positions)
        return gradient.to(features.dtype), None
