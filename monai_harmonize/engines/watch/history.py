"""Losses that ought to fall, review by review."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_harmonize.engines.watch.measures import no_better_than_grey, rise, swing

__all__ = ["LossHistory"]

# Part of the error of a grey image below which a reconstruction is good: a generator with a skip connection begins with
# the identity, whose error can only grow.
HARMLESS = 0.4


class LossHistory:
    """Means of loss terms per review, and how they compare with images of one grey level.

    Args:
        falling: by term, batch key of the image whose mean absolute error it is; ``None`` for another kind of term.
        length: reviews that a trend is looked for in.
    """

    def __init__(self, falling: Mapping[str, str | None], length: int) -> None:
        self.falling = dict(falling)
        self.sums: dict[str, list[float]] = {}
        self.deviations: dict[str, list[Tensor]] = {}
        self.means = {name: deque[float](maxlen=length) for name in falling}

    def add(self, losses: Mapping[str, float]) -> None:
        """Count the losses of an iteration."""
        for name in self.falling.keys() & losses.keys():
            self.sums.setdefault(name, []).append(losses[name])

    @torch.no_grad()
    def look(self, batch: Mapping[str, Any]) -> None:
        """Measure the images of an iteration."""
        for key in {key for name, key in self.falling.items() if key and name in self.sums}:
            image = batch[key].float()
            grey = image.mean(dim=tuple(range(1, image.ndim)), keepdim=True)
            self.deviations.setdefault(key, []).append((image - grey).abs().mean())

    def take(self) -> dict[str, dict[str, float]]:
        """By symptom and term, what was seen since the last call; NaN where the history is too short."""
        greys = {key: float(torch.stack(values).mean()) for key, values in self.deviations.items()}
        self.deviations.clear()
        seen: dict[str, dict[str, float]] = {"rise": {}, "swing": {}, "no_better_than_grey": {}}
        for name, values in self.sums.items():
            mean, history, key = float(np.mean(values)), self.means[name], self.falling[name]
            if not math.isfinite(mean):
                continue
            history.append(mean)
            grey = greys.get(key, 0.0) if key else 0.0
            full = len(history) == history.maxlen
            seen["rise"][name] = rise(np.array(history), HARMLESS * grey) if full else math.nan
            seen["swing"][name] = swing(np.array(history), HARMLESS * grey) if full else math.nan
            if key in greys:
                seen["no_better_than_grey"][name] = no_better_than_grey(mean, grey)
        self.sums.clear()
        return seen
