"""Mean and deviation of every channel over its positions: what adaptive instance normalisation takes for style.

Xu, Li, Shin. Medical image processing with contextual style transfer. Human-centric Computing and Information Sciences
10:46, 2020, Eqs 1 and 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["channel_statistics"]


def channel_statistics(features: Tensor, epsilon: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean (Eq 1) and standard deviation (Eq 2) of every channel of every image.

    Args:
        features: ``(B, C, ...)``, one or more spatial axes. bfloat16 and float16 are summed in float32.
        epsilon: added to the variance, which divides by the number of positions; 0 makes the gradient of a constant
            channel NaN.

    Returns:
        Mean and deviation, each ``(B, C)``, float32 or more; a constant channel has the deviation
        ``sqrt(epsilon)``.
    """
    dtype = torch.float64 if features.dtype == torch.float64 else torch.float32
    values = features.to(dtype).flatten(2)
    variance, mean = torch.var_mean(values, dim=2, correction=0)
    return mean, torch.sqrt(variance + epsilon)
