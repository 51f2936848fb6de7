"""Weights and images that try to break a guarantee."""

from collections.abc import Callable

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

WEIGHT_SCALES = (0.1, 1.0, 30.0, 1e4)
KINDS = ("noise", "constant", "extremes", "ramp", "blobs", "beyond")


def make_image(kind: str, size: tuple[int, ...], batch: int, seed: int) -> Tensor:
    """Images ``(batch, 1, *size)`` on the levels of 16 bits."""
    draws = torch.Generator().manual_seed(seed)
    noise = 2 * torch.rand(batch, 1, *size, generator=draws) - 1
    image = {
        "noise": noise,
        "constant": noise.flatten()[0].expand_as(noise),
        "extremes": noise.sign(),
        "ramp": torch.linspace(-1, 1, noise.numel()).view_as(noise),
        "blobs": noise[..., :1].expand_as(noise) * 0.9 + 0.1 * noise,
        "beyond": 1.5 * noise,
    }[kind]
    return (image * 32768).round() / 32768


@st.composite
def images(draw: Callable, dims: tuple[int, ...] = (2, 2, 3), kinds: tuple[str, ...] = KINDS) -> Tensor:
    """Odd sizes, constant images, black-and-white noise, levels beyond the range."""
    limit = {2: 33, 3: 9}
    spatial_dims = draw(st.sampled_from(dims))
    size = tuple(draw(st.integers(1, limit[spatial_dims])) for _ in range(spatial_dims))
    return make_image(draw(st.sampled_from(kinds)), size, draw(st.integers(1, 2)), draw(st.integers(0, 2**31)))


def adversarial(network: nn.Module, scale: float, seed: int) -> nn.Module:
    """Random weights of any size, the last layer's included."""
    draws = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0, scale, generator=draws)
    return network.eval().requires_grad_(False)


weights = st.tuples(st.sampled_from(WEIGHT_SCALES), st.integers(0, 2**31))
slope_ranges = st.tuples(st.sampled_from([0.1, 0.25, 0.8]), st.sampled_from([1.1, 4.0, 10.0]))
