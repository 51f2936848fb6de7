"""Weights kept in a box, which keeps a critic Lipschitz.

Source: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ignite.engine import Engine
from torch import nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.objective_trainer import ObjectiveEvents

__all__ = ["WeightClipping"]


class WeightClipping:
    """Handler that clips every weight to [-limit, limit] after each step of the discriminators.

    Args:
        networks: whose weights are clipped.
        limit: c of the paper, which takes 0.01.

    Raises:
        InputError: the limit is not above 0.
    """

    def __init__(self, networks: Sequence[nn.Module], limit: float = 0.01) -> None:
        if not limit > 0:
            raise InputError(f"limit is {limit}; expected a number above 0.")
        self.networks = list(networks)
        self.limit = limit

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        engine.add_event_handler(ObjectiveEvents.DISCRIMINATORS_STEPPED, self.clip)

    @torch.no_grad()
    def clip(self) -> None:
        """Clip the weights as they are now."""
        for network in self.networks:
            for parameter in network.parameters():
                parameter.clamp_(-self.limit, self.limit)
