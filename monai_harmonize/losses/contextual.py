"""Contextual loss: every feature of one image wants a like one in the other, wherever that stands.

Xu, Li, Shin. Medical image processing with contextual style transfer. Human-centric Computing and Information Sciences
10:46, 2020, Eqs 4 to 10, after Mechrez, Talmi, Zelnik-Manor. The contextual loss for image transformation with
non-aligned data. ECCV 2018. Written from the papers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.losses.contextual_similarity import contextual_similarity

__all__ = ["ContextualLoss", "contextual_loss"]

# Rows of the matrix of pairs at a time: large enough for a fast matrix product, small enough for a cache.
BLOCK = 256
# A difference from the mean below this many roundings of the mean is rounding.
ROUNDINGS = 8.0


def contextual_loss(
    generated: Tensor, reference: Tensor, *, bandwidth: float = 0.5, smoothing: float = 1e-5, block: int = BLOCK
) -> Tensor:
    """-log of the contextual similarity of two feature maps of one layer (Eq 10), the mean over the batch.

    For each image, i runs over the positions of the generated features g, j and k over those of the reference x:

    - Eq 6: cosine distance D_ij of g_i - mu and x_j - mu, where mu is the mean of the reference over its positions.
    - Eq 7: D_ij / (min_k D_ik + smoothing). Eq 7 as printed leaves open over which index the minimum runs, and the
      text before it speaks of a minimum for each x_j; here it runs over the reference for each generated position,
      as in the paper that Eq 7 is taken from, and as the sum of Eq 9 does.
    - Eq 8: exp((1 - that) / bandwidth).
    - Eq 9: divided by its sum over all k, the reference positions, so that each row i sums to 1.
    - Eq 5: the largest over i, for each j; the mean over j.

    Exact, each pair of positions counts; `contextual_similarity` tells how in little memory. The two maps may differ
    in their numbers of positions, against Eq 4. Gradients reach both; a reference in no need of one costs less.
    bfloat16 and float16 features, also under autocast, are computed in float32.

    A feature that equals the mean but for rounding, such as every one of a constant map, has no direction: its
    distance to all is 1 and it gets no gradient. NaN in any feature makes the loss NaN.

    Args:
        generated: features ``(B, C, ...)``, one or more spatial axes of any lengths, any range.
        reference: ``(B, C, ...)``, same B and C.
        bandwidth: w > 0 of Eq 8, for which the paper gives no value; the smaller, the more only the most similar count.
        smoothing: sigma > 0 of Eq 7, the paper's 1e-5.
        block: generated positions at a time; memory grows, results do not change but for rounding.

    Returns:
        Scalar in [0, log N_j], float32 or more: 0 where every reference feature has a generated feature to itself,
        log N_j where nothing tells them apart. Add it over layers (L of Eq 10).

    Raises:
        InputError: shapes do not fit, features are empty or no floating-point numbers, or an option is outside the
            above.
    """
    _check(generated, reference, bandwidth, smoothing, block)
    dtype = torch.promote_types(torch.promote_types(generated.dtype, reference.dtype), torch.float32)
    ours, theirs = (features.as_subclass(Tensor).to(dtype).flatten(2) for features in (generated, reference))
    center = theirs.mean(dim=2, keepdim=True)
    scale = torch.linalg.vector_norm(center.detach(), dim=1, keepdim=True)
    ours, theirs = (_directions(features - center, scale) for features in (ours, theirs))
    similarities = [
        contextual_similarity(own, other, bandwidth, smoothing, block) for own, other in zip(ours, theirs, strict=True)
    ]
    return -torch.stack(similarities).log().mean()


class ContextualLoss(nn.Module):
    """`contextual_loss` as a module; the options are its options, ``forward`` takes the two feature maps."""

    def __init__(self, *, bandwidth: float = 0.5, smoothing: float = 1e-5, block: int = BLOCK) -> None:
        super().__init__()
        _check_options(bandwidth, smoothing, block)
        self.bandwidth, self.smoothing, self.block = bandwidth, smoothing, block

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Compute the loss of feature maps ``(B, C, ...)``."""
        return contextual_loss(
            generated, reference, bandwidth=self.bandwidth, smoothing=self.smoothing, block=self.block
        )


def _directions(centred: Tensor, scale: Tensor) -> Tensor:
    """Unit vectors ``(B, N, C)`` of differences from the mean ``(B, C, N)``; 0 where the difference is rounding."""
    norm = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    directed = norm > ROUNDINGS * torch.finfo(centred.dtype).eps * scale
    # One division for all: that of what is left out must not be by 0, or its gradient is NaN.
    unit: Tensor = centred * (directed / torch.where(directed, norm, 1.0))
    return unit.transpose(1, 2).contiguous()


def _check(generated: Tensor, reference: Tensor, bandwidth: float, smoothing: float, block: int) -> None:
    shapes = f"generated features have shape {tuple(generated.shape)}, the reference's {tuple(reference.shape)}"
    if generated.ndim < 3 or reference.ndim < 3 or generated.shape[:2] != reference.shape[:2]:
        raise InputError(f"{shapes}; expected (B, C, ...) with spatial axes, the same B and the same C.")
    if not (generated.numel() and reference.numel()):
        raise InputError(f"{shapes}; expected one position or more.")
    if not (generated.is_floating_point() and reference.is_floating_point()):
        raise InputError(f"features are {generated.dtype} and {reference.dtype}; expected floating-point numbers.")
    _check_options(bandwidth, smoothing, block)


def _check_options(bandwidth: float, smoothing: float, block: int) -> None:
    for name, value in (("bandwidth", bandwidth), ("smoothing", smoothing)):
        if not (value > 0 and math.isfinite(value)):
            raise InputError(f"{name} is {value}; expected a number above 0.")
    if block < 1:
        raise InputError(f"block is {block}; expected 1 or more.")
