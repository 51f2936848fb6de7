"""All samples of a generator on one sheet, for a person to judge; of a volume its three middle planes."""

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

__all__ = ["SampleSheet", "middle_planes", "sample_sheet"]

COLUMNS = 8
INCHES, TITLE_INCHES, ROW_TITLE_INCHES, NARROWEST = 1.2, 0.35, 1.1, 5.0
# Pixels between samples, and between planes of one.
GAP, PLANE_GAP = 2, 1
# Width of a character of a row's title, generously.
CHARACTER_INCHES = 0.07
# More than a person looks at.
SHOWN = 64
IMAGES, VOLUMES = "images", "volumes (axial, coronal, sagittal)"


class SampleSheet:
    """Handler that writes the first samples of an evaluator's run as one picture, of volumes their ``middle_planes``.

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
        self.kind = IMAGES

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
        """Keep the samples of a batch."""
        for place, item in enumerate(engine.state.output or ()):
            self.count += 1
            if len(self.images) < SHOWN:
                grey = np.asarray(item[self.key][0].detach().cpu().float())
                self.kind = IMAGES if grey.ndim == 2 else VOLUMES
                self.images.append(grey if grey.ndim == 2 else middle_planes(grey))
                if self.row_key is not None:
                    self.rows.append(str(engine.state.batch[place][self.row_key]))

    def write(self) -> None:
        """Draw what was collected."""
        shown = "" if self.count == len(self.images) else f", the first {len(self.images)} of them"
        title = f"{self.count} synthetic {self.kind}{shown}, of no patient: {self.title}".rstrip(": ")
        with atomic_path(self.path) as temporary:
            sample_sheet(self.images, title, self.columns, self.rows).savefig(temporary, format="png", dpi=120)


def middle_planes(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    """Axial, coronal and sagittal middle plane of a volume beside each other, as radiologists hang them.

    The axial plane is seen from the feet, the coronal one from the front, each with the patient's right on the left;
    the sagittal one has the front on the left.

    Args:
        volume: ``(W, H, D)``, its axes to the patient's right, to the front and to the head; drawn as if of cubic
            voxels.

    Returns:
        ``(2 W + H + 2 gaps, max(H, D))``, 1 where there is no plane.
    """
    upright = volume[::-1, ::-1, ::-1]
    planes = [upright.take(size // 2, axis) for axis, size in reversed(list(enumerate(upright.shape)))]
    high = max(plane.shape[1] for plane in planes)
    widths = [((0, PLANE_GAP if number < 2 else 0), (0, high - plane.shape[1])) for number, plane in enumerate(planes)]
    return np.concatenate([np.pad(*pair, constant_values=1.0) for pair in zip(planes, widths, strict=True)])


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
    inches = width * INCHES * max(1.0, cells[0].shape[1] / cells[0].shape[0])
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
