"""Translators and images that show every difference."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from monai_harmonize.networks import ResNetGenerator


@pytest.fixture
def make_generator() -> Callable[..., nn.Module]:
    """Random generators in double precision; all their weights matter, and their receptive field is below 24 pixels."""

    def make(spatial_dims: int = 2, **options) -> nn.Module:
        network = ResNetGenerator(spatial_dims, channels=4, num_blocks=1, **options).double().eval()
        draws = torch.Generator().manual_seed(1)
        for name, parameter in network.named_parameters():
            scale = parameter.ndim == 1 and name.endswith("weight")
            nn.init.normal_(parameter, float(scale), 0.05, generator=draws)
        return network.requires_grad_(False)

    return make


@pytest.fixture
def textured() -> Callable[..., Tensor]:
    """Images `(1, 1, ...)` in [-1, 1] whose brightness differs from place to place."""

    def make(*size: int, seed: int = 0, noise: float = 0.1) -> Tensor:
        grain = torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        axes = torch.meshgrid(*(torch.linspace(0, 3, n, dtype=torch.float64) for n in size), indexing="ij")
        wave = torch.stack([torch.sin(axis + place) for place, axis in enumerate(axes)]).prod(0)
        return (0.7 * wave + noise * grain)[None, None].clamp(-1, 1)

    return make
