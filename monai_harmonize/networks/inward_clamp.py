"""Clip to [-1, 1] with a gradient that leads back, and never further out."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["inward_clamp"]


def inward_clamp(values: Tensor) -> Tensor:
    """Clip values to [-1, 1].

    The gradient of a hard clip is 0 outside, where a network could never come back. That of the identity lets a loss
    push ever further out, where nothing changes any more: weights grow until training fails. Here a gradient descent
    outside may move a value towards the range only. The gradient cannot be differentiated again.

    Args:
        values: any shape.

    Returns:
        The shape and type of ``values``, within [-1, 1].
    """
    if not torch.jit.is_scripting() and values.requires_grad:  # type: ignore[attr-defined]
        return cast("Tensor", _InwardClamp.apply(values))  # type: ignore[no-untyped-call]
    return values.clamp(-1.0, 1.0)


class _InwardClamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.clamp(-1.0, 1.0)

    @staticmethod
    @once_differentiable  # type: ignore[misc, unused-ignore]
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Descent moves against the gradient."""
        (values,) = ctx.saved_tensors
        outwards = ((values > 1.0) & (gradient < 0)) | ((values < -1.0) & (gradient > 0))
        return gradient.masked_fill(outwards, 0.0)
