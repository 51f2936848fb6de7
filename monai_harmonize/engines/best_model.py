"""Keep the weights that scored best on validation data."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch.distributed as dist
from ignite.engine import Engine, Events
from torch import nn
from torch.optim.swa_utils import AveragedModel

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.objective_trainer import unwrap
from monai_harmonize.engines.resume import save_atomically
from monai_harmonize.engines.weights import save_settings

__all__ = ["BestModelSaver"]

logger = logging.getLogger(__name__)


class BestModelSaver:
    """Write each network as one flat state dict whenever no validation before was better by the evaluator's metric.

    Of equals the latest is kept: it learned longest. An AUC over few images is often equal.

    The best score is part of the training state, so that a resumed training does not overwrite a better model.

    Args:
        directory: folder of the files.
        networks: networks by file name, for example ``{"model.pt": generator_ab}``; averages and DDP are unwrapped.
        metric: name in ``engine.state.metrics``.
        mode: ``"min"`` or ``"max"``.
        settings: what inference must use as well, for example ``image_size``; written beside each file as JSON,
            from where ``trained_settings`` reads it.
        measured: names in ``engine.state.metrics`` whose values are settings, too, for example ``threshold``.
        from_epoch: first epoch whose score counts; before it the latest model is kept, whatever its score. For networks
            that change during the training.

    Raises:
        InputError: an unknown mode.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        networks: Mapping[str, nn.Module],
        metric: str,
        mode: str = "min",
        settings: Mapping[str, Any] | None = None,
        measured: Sequence[str] = (),
        from_epoch: int = 0,
    ) -> None:
        if mode not in ("min", "max"):
            raise InputError(f"mode is {mode!r}; expected 'min' or 'max'.")
        self.directory = Path(directory)
        self.networks = dict(networks)
        self.metric = metric
        self.mode = mode
        self.settings = dict(settings or {})
        self.measured = tuple(measured)
        self.from_epoch = from_epoch
        self.best: float | None = None

    def attach(self, engine: Engine) -> None:
        """Compare after every run of the evaluator."""
        engine.add_event_handler(Events.COMPLETED, self.compare)

    def compare(self, engine: Engine) -> None:
        """Save if the metric is a number and better than every one before."""
        score = float(engine.state.metrics[self.metric])
        measured = {name: float(engine.state.metrics[name]) for name in self.measured}
        if missing := [name for name, value in {self.metric: score, **measured}.items() if math.isnan(value)]:
            logger.warning("Validation metric %s is NaN; this model is not a candidate.", missing[0])
            return
        # The evaluator counts the epochs of the training.
        early = engine.state.epoch < self.from_epoch
        better = self.best is None or (score <= self.best if self.mode == "min" else score >= self.best)
        if not better:
            logger.info("Validation %s: %.5f (best %.5f).", self.metric, score, self.best)
            return
        self.best = None if early else score
        if dist.is_initialized() and dist.get_rank() > 0:
            return
        settings = {**self.settings, **measured}
        for name, network in self.networks.items():
            plain = network.module if isinstance(network, AveragedModel) else unwrap(network)
            save_atomically(plain.state_dict(), self.directory / name)
            if settings:
                save_settings(self.directory / name, settings)
        logger.info("Validation %s: %.5f, the best so far; saved %s.", self.metric, score, ", ".join(self.networks))

    def state_dict(self) -> dict[str, Any]:
        """Best score so far."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue with the best score of a state."""
        self.best = state["best"]
