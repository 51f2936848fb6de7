"""All samples of a generator on one sheet, for a person to judge."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events
from matplotlib.figure import Figure
from numpy.typing import NDArray
from skimage.util import montage

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.safety.drawing import show_image

__all__ = ["SampleSheet", "sample_sheet"]

COLUMNS = 8
INCHES, TITLE_INCHES, NARROWEST = 1.2, 0.35, 5.0
# Pixels between samples.
GAP = 2
# More than a person looks at.
SHOWN = 64


class SampleSheet:
    """Handler that writes the first samples of an evaluator's run as one picture.

    Args:
        path: the PNG file.
        title: above the samples; their number goes before it.
        columns: samples of a row.
        key: entry of the samples, ``(1, W, H[, D])`` in [-1, 1], in the decollated output.
    """

    def __init__(
        self, path: str | os.PathLike[str], title: str = "", columns: int = COLUMNS, key: str = "pred"
    ) -> None:
        self.path = Path(path)
        self.title = title
        self.columns = columns
        self.key = key
        self.images: list[NDArray[np.float32]] = []
        self.count = 0

    def attach(self, engine: Engine) -> None:
        """Collect after every batch, write at the end."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def start(self) -> None:
        """Forget an earlier run."""
        self.images.clear()
        self.count = 0

    def collect(self, engine: Engine) -> None:
        """Keep the samples of a batch; of volumes the middle slice."""
        for item in engine.state.output or ():
            self.count += 1
            if len(self.images) < SHOWN:
                grey = np.asarray(item[self.key][0].detach().cpu().float())
                self.images.append(grey if grey.ndim == 2 else grey[..., grey.shape[2] // 2])

    def write(self) -> None:
        """Draw what was collected."""
        shown = "" if self.count == len(self.images) else f", the first {len(self.images)} of them"
        title = f"{self.count} synthetic images{shown}, of no patient: {self.title}".rstrip(": ")
        with atomic_path(self.path) as temporary:
            sample_sheet(self.images, title, self.columns).savefig(temporary, format="png", dpi=120)


def sample_sheet(images: Sequence[NDArray[np.float32]], title: str, columns: int = COLUMNS) -> Figure:
    """Images in rows, black at -1 and white at 1.

    Args:
        images: each ``(W, H)`` in [-1, 1], all of one size.
        title: above them.
        columns: images of a row.
    """
    width = min(columns, len(images))
    grid = (math.ceil(len(images) / width), width)
    rows_first = np.stack([image.T for image in images])
    sheet = montage(rows_first, fill=1.0, grid_shape=grid, padding_width=GAP)
    inches = width * INCHES
    figure = Figure(figsize=(max(inches, NARROWEST), inches * sheet.shape[0] / sheet.shape[1] + TITLE_INCHES))
    figure.suptitle(title, fontsize=8)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1 - TITLE_INCHES / figure.get_figheight()))
    show_image(axes, sheet.T, "gray", -1.0, 1.0)
    return figure
