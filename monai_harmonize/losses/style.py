"""Style losses: features of two images have the same statistics, wherever in the image they stand.

Xu, Li, Shin. Medical image processing with contextual style transfer. Human-centric Computing and Information Sciences
10:46, 2020, Eq 12: means and deviations of channels. Gatys, Ecker, Bethge. Image style transfer using convolutional
neural networks. CVPR 2016: Gram matrices; their scale is that of Johnson, Alahi, Fei-Fei. Perceptual losses for
real-time style transfer and super-resolution. ECCV 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.channel_statistics import channel_statistics

__all__ = ["GramStyleLoss", "StyleLoss", "gram_matrix", "gram_style_loss", "style_loss"]


def style_loss(generated: Sequence[Tensor], style: Sequence[Tensor], *, epsilon: float = 1e-5) -> Tensor:
    """Distances of channel means and of channel deviations, summed over layers (Eq 12).

    A distance is the Euclidean norm over the channels of one image, not its square and not divided by their number;
    the mean of it over the batch. At distance 0 the gradient is 0.

    Args:
        generated: feature maps ``(B, C, ...)``, one for each layer, any range; layers differ in C and in size.
        style: likewise, in the same order; B may be 1, one style for all, and the spatial axes may be others.
        epsilon: added to the variance, so that a constant channel has a gradient.

    Returns:
        Scalar, 0 or more, float32 or more. Equal for any order of positions.

    Raises:
        InputError: numbers of layers, channels or images do not fit, a map is empty, or epsilon is not above 0.
    """
    if not epsilon > 0:
        raise InputError(f"epsilon is {epsilon}; expected a number above 0.")

    def distance(own: Tensor, other: Tensor) -> Tensor:
        (mean, deviation), (style_mean, style_deviation) = (channel_statistics(each, epsilon) for each in (own, other))
        norms = (torch.linalg.vector_norm(d, dim=1) for d in (mean - style_mean, deviation - style_deviation))
        return sum(norms, torch.zeros_like(mean[:, 0]))

    return _over_layers(generated, style, distance)


def gram_style_loss(generated: Sequence[Tensor], style: Sequence[Tensor]) -> Tensor:
    """Squared Frobenius norms of differences of `gram_matrix`, summed over layers; the mean over the batch.

    Arguments, result and errors are those of `style_loss`.
    """

    def distance(own: Tensor, other: Tensor) -> Tensor:
        return (gram_matrix(own) - gram_matrix(other)).square().sum(dim=(1, 2))

    return _over_layers(generated, style, distance)


def gram_matrix(features: Tensor) -> Tensor:
    """Products of any two channels, summed over positions and divided by C times the number of positions.

    Args:
        features: ``(B, C, ...)``. bfloat16 and float16, also under autocast, are summed in float32.

    Returns:
        ``(B, C, C)``, float32 or more.
    """
    values = features.to(torch.promote_types(features.dtype, torch.float32)).flatten(2)
    with torch.autocast(values.device.type, enabled=False):
        return values @ values.transpose(1, 2) / (values.shape[1] * values.shape[2])


class StyleLoss(nn.Module):
    """`style_loss` as a module."""

    def __init__(self, *, epsilon: float = 1e-5) -> None:
        super().__init__()
        if not epsilon > 0:
            raise InputError(f"epsilon is {epsilon}; expected a number above 0.")
        self.epsilon = epsilon

    def forward(self, generated: Sequence[Tensor], style: Sequence[Tensor]) -> Tensor:
        """Compute the loss of lists of feature maps ``(B, C, ...)``."""
        return style_loss(generated, style, epsilon=self.epsilon)


class GramStyleLoss(nn.Module):
    """`gram_style_loss` as a module."""

    def forward(self, generated: Sequence[Tensor], style: Sequence[Tensor]) -> Tensor:
        """Compute the loss of lists of feature maps ``(B, C, ...)``."""
        return gram_style_loss(generated, style)


def _over_layers(
    generated: Sequence[Tensor], style: Sequence[Tensor], distance: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Sum of the layers' distances, each the mean over its images."""
    for features in (generated, style):
        if not isinstance(features, list | tuple):
            raise InputError(f"features are a {type(features).__name__}; expected a list of one map for each layer.")
    if len(generated) != len(style) or not generated:
        raise InputError(f"{len(generated)} layers of features and {len(style)} of style; expected one pair or more.")
    for layer, (own, other) in enumerate(zip(generated, style, strict=True)):
        shapes = f"layer {layer}: features have shape {tuple(own.shape)}, the style's {tuple(other.shape)}"
        if own.ndim < 3 or other.ndim < 3 or own.shape[1] != other.shape[1]:
            raise InputError(f"{shapes}; expected (B, C, ...) with spatial axes and the same C.")
        if other.shape[0] not in (1, own.shape[0]):
            raise InputError(f"{shapes}; expected as many styles as images, or one.")
        if not (own.numel() and other.numel()):
            raise InputError(f"{shapes}; expected one position or more.")
    layers = [
        distance(own.as_subclass(Tensor), other.as_subclass(Tensor)).mean()
        for own, other in zip(generated, style, strict=True)
    ]
    return torch.stack(layers).sum()
