"""Instance normalisation whose statistics come from the whole image, whatever part is being computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.instancenorm import _InstanceNorm

__all__ = ["fixed_instance_norm"]


@contextmanager
def fixed_instance_norm(network: nn.Module, image: Tensor) -> Iterator[None]:
    """Measure every instance-norm layer's mean and variance on one image and use them for all inputs within.

    A layer that normalises each tile by the tile's own statistics shows the tiles as steps of brightness; with the
    statistics fixed the network is the same map everywhere, so that overlapping tiles agree except for their padding.

    Args:
        network: module whose ``InstanceNorm`` layers are steered; others are left alone.
        image: ``(B, C, H, W[, D])``, the whole image, possibly reduced, in the network's range.
    """
    layers = [module for module in network.modules() if isinstance(module, _InstanceNorm)]
    statistics: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def measure(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        spatial = tuple(range(2, inputs[0].ndim))
        variance, mean = torch.var_mean(inputs[0], dim=spatial, keepdim=True, correction=0)
        statistics[layer] = (mean, variance)

    def normalise(layer: _InstanceNorm, inputs: tuple[Tensor, ...], _: Tensor) -> Tensor:
        mean, variance = statistics[layer]
        result = (inputs[0] - mean) * torch.rsqrt(variance + layer.eps)
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
