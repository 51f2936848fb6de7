"""Gradient penalty, which keeps a critic 1-Lipschitz between real and generated images.

Source: Gulrajani et al. 2017, "Improved training of Wasserstein GANs", Eq. 3. Written from the paper.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["gradient_penalty"]


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Mean squared deviation from 1 of the norm of the critic's gradient, at mixtures of real and generated images.

    Computed in single precision, also under autocast: a gradient of a gradient loses half's few digits. Differentiable
    with respect to the critic's parameters.

    Args:
        critic: images ``(B, C, H, W[, D])`` to values ``(B,)`` or ``(B, 1)``; of no image by another's.
        real: images, without a graph.
        fake: generated images of the same shape, without a graph.
        share: of the real image in each mixture, ``(B,)`` in [0, 1].

    Returns:
        Scalar.
    """
    with torch.autocast(real.device.type, enabled=False):
        weight = share.to(real).reshape(-1, *[1] * (real.ndim - 1))
        mixture = (weight * real + (1 - weight) * fake).float().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(mixture).sum(), mixture, create_graph=True)
        penalty: Tensor = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
        return penalty
