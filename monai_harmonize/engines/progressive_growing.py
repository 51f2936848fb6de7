"""When networks grow.

Source: Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and variation", appendix A: a
stage learns by itself, then the next one fades in over as many images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from ignite.engine import Engine, Events
from torch import nn
from torch.optim.swa_utils import AveragedModel

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.objective_trainer import unwrap
from monai_harmonize.networks import GrowingDiscriminator, GrowingGenerator

__all__ = ["ProgressiveGrowing", "progress_at"]


class ProgressiveGrowing:
    """Handler that sets the buffer ``progress`` of networks before every iteration.

    It depends on the number of the iteration alone, so that a resumed training goes on where it was left.

    Args:
        networks: with ``progress`` and ``stages``, see ``networks.growth``; averages and ``DistributedDataParallel``
            shells are looked into.
        growing: share of the training after which they are fully grown.

    Raises:
        InputError: ``growing`` is not above 0 and at most 1.
    """

    def __init__(self, networks: Sequence[nn.Module], growing: float = 0.5) -> None:
        if not 0 < growing <= 1:
            raise InputError(f"growing is {growing}; expected a share of the training above 0, at most 1.")
        plain = [network.module if isinstance(network, AveragedModel) else unwrap(network) for network in networks]
        self.networks = [cast("GrowingGenerator | GrowingDiscriminator", network) for network in plain]
        self.growing = growing

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        engine.add_event_handler(Events.ITERATION_STARTED, self.grow)

    @torch.no_grad()
    def grow(self, engine: Engine) -> None:
        """Set the progress of the present iteration."""
        last = self.growing * engine.state.max_epochs * engine.state.epoch_length
        for network in self.networks:
            network.progress.fill_(progress_at(engine.state.iteration / last, network.stages))


def progress_at(share: float, stages: int) -> float:
    """Progress after a share of the growing time, in which stages learn by themselves and fade in by turns.

    Args:
        share: 0 at the beginning, from 1 on everything has grown.
        stages: doublings.

    Returns:
        From 0 to ``stages``; never falls, and never jumps.
    """
    turn = min(share, 1.0) * 2 * stages
    whole = math.floor(turn / 2)
    return whole + max(0.0, turn - 2 * whole - 1)
