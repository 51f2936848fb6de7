"""One progress bar over the whole training, with losses and the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from ignite.engine import Engine, Events
from tqdm.auto import tqdm

__all__ = ["TrainingProgress"]


class TrainingProgress:
    """Show epoch, running mean of every loss term, speed and time left.

    Args:
        smoothing: weight of the newest value in the running means.
        every: iterations between two updates.
        losses: takes the trainer's output, returns its losses by name.
    """

    def __init__(
        self,
        smoothing: float = 0.05,
        every: int = 10,
        losses: Callable[[Any], Mapping[str, float]] = itemgetter("losses"),
    ) -> None:
        self.smoothing = smoothing
        self.every = every
        self.losses = losses
        self.means: dict[str, float] = {}
        self.bar: Any = None

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.advance)
        engine.add_event_handler(Events.COMPLETED, self.close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self.close)

    def open(self, engine: Engine) -> None:
        """Start the bar where the engine stands, which is not zero after a resume."""
        if self.bar is None:
            # A log file gets a line now and then, a terminal a live bar.
            interval = 0.5 if sys.stderr.isatty() else 15.0
            total = engine.state.max_epochs * engine.state.epoch_length
            self.bar = tqdm(
                total=total,
                initial=engine.state.iteration,
                mininterval=interval,
                unit="step",
                dynamic_ncols=True,
            )
        self.bar.set_description(f"epoch {engine.state.epoch}/{engine.state.max_epochs}", refresh=False)

    def advance(self, engine: Engine) -> None:
        """Count one iteration and show the losses."""
        for name, value in self.losses(engine.state.output).items():
            self.means[name] = (1 - self.smoothing) * self.means.get(name, value) + self.smoothing * value
        if engine.state.iteration % self.every == 0:
            self.bar.set_postfix({name: f"{value:.3f}" for name, value in self.means.items()}, refresh=False)
        self.bar.update()

    def close(self, _: Engine, error: BaseException | None = None) -> None:
        """End the bar; an error that ended the training goes on its way."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        if error is not None:
            raise error
