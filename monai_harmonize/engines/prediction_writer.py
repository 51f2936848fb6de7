"""Predictions of a classifier to one table."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pandas as pd
from ignite.engine import Engine, Events
from monai.utils import ImageMetaKey

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.engines.weights import trained_setting

__all__ = ["PredictionWriter"]

COLUMNS = ("image", "probability", "above_threshold")


class PredictionWriter:
    """Write ``image``, ``probability`` and ``above_threshold`` (0 or 1) of every image that an evaluator could score.

    The table appears at the end of the run, in the order of the images.

    Args:
        path: the CSV file.
        threshold: probability from which on an image counts as above; ``None`` takes the one that training stored.
        weights: trained weights, beside which it is stored.
        data_root: folder that the names of the images start from; ``None`` or an image outside it: the whole path.

    Raises:
        InputError: at the start of the run, when no threshold is given and none is stored.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        threshold: float | None,
        weights: str | os.PathLike[str],
        data_root: Path | None = None,
    ) -> None:
        self.path = Path(path)
        self.threshold = threshold
        self.weights = weights
        self.limit = math.nan
        self.data_root = None if data_root is None else Path(os.path.abspath(data_root))
        self.rows: list[tuple[str, float, int]] = []

    def attach(self, engine: Engine) -> None:
        """Collect after every batch, write at the end."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def start(self) -> None:
        """Forget an earlier run and learn the threshold."""
        self.rows.clear()
        self.limit = trained_setting(self.weights, "threshold") if self.threshold is None else float(self.threshold)

    def collect(self, engine: Engine) -> None:
        """Note the decollated output: ``image`` with its metadata and ``pred``, a probability of shape ``(1,)``."""
        for item in engine.state.output or ():
            self.rows.append(self.row(item))

    def row(self, item: dict[str, Any]) -> tuple[str, float, int]:
        """Cells of one item."""
        name = Path(os.path.abspath(str(item["image"].meta[ImageMetaKey.FILENAME_OR_OBJ])))
        if self.data_root is not None and name.is_relative_to(self.data_root):
            name = name.relative_to(self.data_root)
        probability = float(item["pred"])
        return name.as_posix(), probability, int(probability >= self.limit)

    def write(self) -> None:
        """Write what was collected."""
        with atomic_path(self.path) as temporary:
            pd.DataFrame(self.rows, columns=list(COLUMNS)).to_csv(temporary, index=False)
