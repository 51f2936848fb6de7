"""Gradients of each network as an optimizer is about to use them: averaged, accumulated and unscaled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from monai_harmonize.engines.watch.measures import depth_ratio

__all__ = ["GradientProbe", "Gradients"]


# Norm of a gradient that there is none of; NaN is one that is no number.
ABSENT = -1.0


@dataclass(frozen=True)
class Gradients:
    """What was seen of a network's gradients between two reviews.

    Args:
        depth: first layers in parts of the last ones, see ``depth_ratio``; NaN where the network is too shallow.
        relative: norm of all gradients by the norm of all weights.
        not_finite: share of the steps whose gradients were no numbers or that were left out.
    """

    depth: float
    relative: float
    not_finite: float


class GradientProbe:
    """Norms of the gradients of some networks before an optimizer's steps.

    Nothing is fetched from the device before ``take``. Weights are parameters with two axes or more, since a bias
    before a normalisation layer has no gradient.

    Args:
        optimizer: its steps are looked at.
        networks: networks that it trains, by name.
        every: iterations between two looks.
        interval: iterations of which only the last one has a step.
    """

    def __init__(self, optimizer: Optimizer, networks: Mapping[str, nn.Module], every: int, interval: int = 1) -> None:
        self.optimizer = optimizer
        self.networks = dict(networks)
        self.every = every
        self.interval = interval
        self.looks: dict[str, list[Tensor]] = {name: [] for name in networks}
        self.iterations = 0
        self.last_look = -every
        self.steps = 0
        self.hook: Any = None

    def start(self) -> None:
        """Look from now on."""
        self.weights = {name: [p for p in net.parameters() if p.ndim > 1] for name, net in self.networks.items()}
        self.hook = self.optimizer.register_step_pre_hook(self.look)

    def stop(self) -> None:
        """Look no more."""
        self.hook.remove()

    @torch.no_grad()
    def look(self, optimizer: Optimizer, *_: Any) -> None:
        """Take the norms if it is time."""
        self.steps += 1
        if self.iterations - self.last_look < self.every:
            return
        self.last_look = self.iterations
        # Optimizers that undo the loss scaling within their step tell by how much.
        scale = getattr(optimizer, "grad_scale", None)
        for name, weights in self.weights.items():
            gradients = [weight.grad for weight in weights]
            if all(gradient is None for gradient in gradients):
                continue
            absent = weights[0].new_full((), ABSENT, dtype=torch.float32)
            norms = torch.stack([absent if g is None else vector_norm(g) for g in gradients])
            norms = norms if scale is None else norms / scale
            self.looks[name].append(torch.stack([norms, torch.stack([vector_norm(weight) for weight in weights])]))

    def take(self, expected: int) -> dict[str, Gradients]:
        """What was seen since the last call, by network; those without gradients are left out.

        Args:
            expected: steps that the optimizer should have made since then; loss scaling leaves some out.
        """
        left_out = max(0.0, 1 - self.steps / expected) if expected else 0.0
        self.steps = 0
        seen = {}
        for name, looks in self.looks.items():
            sizes = np.array([weight.numel() for weight in self.weights[name]], dtype=np.float64)
            if looks:
                seen[name] = summarized(torch.stack(looks).cpu().double().numpy(), sizes, left_out)
            elif left_out == 1:
                seen[name] = Gradients(math.nan, math.nan, left_out)
            looks.clear()
        return seen


def vector_norm(values: Tensor) -> Tensor:
    """Euclidean norm in float32."""
    norm: Tensor = torch.linalg.vector_norm(values, dtype=torch.float32)
    return norm


def summarized(looks: NDArray[Any], sizes: NDArray[Any], left_out: float) -> Gradients:
    """Medians over looks ``(N, 2, L)``: norms of gradients (negative where there was none) and of weights, by layer.

    Layers of a network that grows may have gradients in some of the looks.
    """
    absent = looks[:, 0] < 0
    seen = ~absent.all(axis=1)
    finite = seen & (absent | np.isfinite(looks[:, 0])).all(axis=1)
    if not seen.any():
        return Gradients(math.nan, math.nan, 1.0)
    not_finite = 1 - (1 - left_out) * float(finite.sum() / seen.sum())
    if not finite.any():
        return Gradients(math.nan, math.nan, not_finite)
    norms, weights = (np.where(absent, math.nan, looks[:, part])[finite] for part in (0, 1))
    there = ~np.isnan(norms).all(axis=0)
    per_layer = np.full(len(sizes), math.nan)
    per_layer[there] = np.nanmedian(norms[:, there], axis=0)
    per_layer /= np.sqrt(sizes)
    size = np.sqrt(np.nansum(weights**2, axis=1))
    relative = np.median(np.sqrt(np.nansum(norms**2, axis=1)) / np.where(size > 0, size, math.nan))
    return Gradients(depth_ratio(per_layer), float(relative), not_finite)
