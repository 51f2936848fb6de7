"""Instance and group normalisation whose statistics come from the whole image, whatever part is being computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.instancenorm import _InstanceNorm

__all__ = ["fixed_instance_norm"]


@contextmanager
def fixed_instance_norm(network: nn.Module, image: Tensor) -> Iterator[None]:
    """Measure mean and variance of every instance-norm and group-norm layer on one image and use them for all inputs.

    A layer that normalises each tile by the tile's own statistics shows the tiles as steps of brightness; with the
    statistics fixed the network is the same map everywhere, so that overlapping tiles agree except for their padding.

    Args:
        network: module whose ``InstanceNorm`` and ``GroupNorm`` layers are steered; others are left alone.
        image: ``(B, C, H, W[, D])``, the whole image, possibly reduced, in the network's range.
    """
    layers = [module for module in network.modules() if isinstance(module, _InstanceNorm | nn.GroupNorm)]
    statistics: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def measure(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(grouped(layer, inputs[0]).flatten(2), dim=2, keepdim=True, correction=0)
        statistics[layer] = (mean, variance)

    def normalise(layer: _InstanceNorm | nn.GroupNorm, inputs: tuple[Tensor, ...], _: Tensor) -> Tensor:
        mean, variance = statistics[layer]
        values = grouped(layer, inputs[0])
        shape = (*mean.shape[:2], *[1] * (values.ndim - 2))
        result = (values - mean.view(shape)) * torch.rsqrt(variance.view(shape) + layer.eps)
        result = result.reshape(inputs[0].shape)
        if layer.affine:
            shape = (1, -1, *[1] * (inputs[0].ndim - 2))
            result = result * layer.weight.view(shape) + layer.bias.view(shape)
        return result

    handles = [layer.register_forward_pre_hook(measure) for layer in layers]
    try:
        if layers:
            network(image)
        for handle in handles:
            handle.remove()
        handles = [layer.register_forward_hook(normalise) for layer in layers]
        yield
    finally:
        for handle in handles:
            handle.remove()


def grouped(layer: nn.Module, features: Tensor) -> Tensor:
    """Features ``(B, C, ...)`` with what a layer normalises together behind the second axis."""
    if not isinstance(layer, nn.GroupNorm):
        return features
    return features.reshape(len(features), layer.num_groups, -1, *features.shape[2:])
