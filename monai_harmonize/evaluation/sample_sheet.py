"""All samples of a generator on one sheet, for a person to judge."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import accumulate
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
INCHES, TITLE_INCHES, ROW_TITLE_INCHES, NARROWEST = 1.2, 0.35, 1.1, 5.0
# Width of a character of a row's title, generously.
CHARACTER_INCHES = 0.07
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
        row_key: entry of the decollated batch with the title of the row that a sample belongs to; ``None``: samples
            stand in the order in which they come.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        title: str = "",
        columns: int = COLUMNS,
        key: str = "pred",
        row_key: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.title = title
        self.columns = columns
        self.key = key
        self.row_key = row_key
        self.images: list[NDArray[np.float32]] = []
        self.rows: list[str] = []
        self.count = 0

    def attach(self, engine: Engine) -> None:
        """Collect after every batch, write at the end."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def start(self) -> None:
        """Forget an earlier run."""
        self.images.clear()
        self.rows.clear()
        self.count = 0

    def collect(self, engine: Engine) -> None:
        """Keep the samples of a batch; of volumes the middle slice."""
        for place, item in enumerate(engine.state.output or ()):
            self.count += 1
            if len(self.images) < SHOWN:
                grey = np.asarray(item[self.key][0].detach().cpu().float())
                self.images.append(grey if grey.ndim == 2 else grey[..., grey.shape[2] // 2])
                if self.row_key is not None:
                    self.rows.append(str(engine.state.batch[place][self.row_key]))

    def write(self) -> None:
        """Draw what was collected."""
        shown = "" if self.count == len(self.images) else f", the first {len(self.images)} of them"
        title = f"{self.count} synthetic images{shown}, of no patient: {self.title}".rstrip(": ")
        with atomic_path(self.path) as temporary:
            sample_sheet(self.images, title, self.columns, self.rows).savefig(temporary, format="png", dpi=120)


def sample_sheet(
    images: Sequence[NDArray[np.float32]], title: str, columns: int = COLUMNS, rows: Sequence[str] = ()
) -> Figure:
    """Images in rows, black at -1 and white at 1.

    Args:
        images: each ``(W, H)`` in [-1, 1], all of one size.
        title: above them.
        columns: images of a row.
        rows: title of the row of each image; images of equal titles stand together, and titles left of them. None: one
            image behind the other.
    """
    groups = [[image for image, row in zip(images, rows, strict=True) if row == name] for name in dict.fromkeys(rows)]
    groups = groups or [list(images)]
    width = min(columns, max(map(len, groups)))
    lines = [math.ceil(len(group) / width) for group in groups]
    cells = [cell.T for group in groups for cell in [*group, *[np.ones_like(images[0])] * (-len(group) % width)]]
    sheet = montage(np.stack(cells), fill=1.0, grid_shape=(sum(lines), width), padding_width=GAP)
    inches = width * INCHES
    left = max(ROW_TITLE_INCHES, CHARACTER_INCHES * max(map(len, rows))) if rows else 0.0
    height = inches * sheet.shape[0] / sheet.shape[1] + TITLE_INCHES
    figure = Figure(figsize=(max(inches + left, NARROWEST), height))
    figure.suptitle(title, fontsize=8)
    start = left / figure.get_figwidth()
    axes = figure.add_axes((start, 0.0, 1.0 - start, 1 - TITLE_INCHES / height))
    show_image(axes, sheet.T, "gray", -1.0, 1.0)
    for name, end, count in zip(dict.fromkeys(rows), accumulate(lines), lines, strict=False):
        middle = (end - count / 2) * sheet.shape[0] / sum(lines)
        axes.text(-2 * GAP, middle, name, ha="right", va="center", fontsize=7)
    return figure
