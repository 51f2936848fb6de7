"""Pictures of a style study: what each network draws (Figs 5, 6, 8, 9), segmentations (Fig. 7), scores by look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_harmonize.evaluation.classification.style import METHOD_COLOURS
from monai_harmonize.evaluation.style.examples import Examples, Image
from monai_harmonize.safety.drawing import show_image

__all__ = ["drawn_figure", "score_figure", "segmentation_figure"]

# Grey levels are in [-1, 1]; a difference of this size has full colour.
STRONG = 0.5
WIDTH = 13.0


def drawn_figure(examples: Mapping[str, Examples], *, columns: int = 5) -> Figure:
    """Content, a style, what every network draws and the truth; below each, what separates it from the truth.

    Args:
        examples: by title of the network; contents, styles and truths are those of the first.
        columns: cells of a full row at least, so that few networks give no giants.
    """
    first = next(iter(examples.values()))
    looks = list(first.drawn)
    with_truth = bool(first.truths)
    titles = ["content", "style", *examples, *(["truth"] if with_truth else [])]
    figure, grid = cells(2 * len(looks), len(titles), columns, first.content)
    for row, look in enumerate(looks):
        images = [first.content, first.styles.get(look), *(one.drawn[look] for one in examples.values())]
        images += [first.truths.get(look)] if with_truth else []
        reference = first.truths.get(look, first.content)
        for column, image in enumerate(images):
            if image is not None:
                show_image(grid[2 * row, column], image, "gray", -1, 1)
            if image is not None and column != 1 and image is not reference:
                show_image(grid[2 * row + 1, column], image - reference, "PuOr_r", -STRONG, STRONG)
        grid[2 * row, 0].set_ylabel(f"to {look}", fontsize=10)
        grid[2 * row + 1, 0].set_ylabel("minus " + ("truth" if with_truth else "content"), fontsize=9)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(fill(title, 16), fontsize=10)
    return figure


def segmentation_figure(image: Image, truth: NDArray[Any], predictions: Mapping[str, NDArray[Any]]) -> Figure:
    """A slice of a shifted look, its labels, and what every network sees in it.

    Args:
        image: ``(W, H)`` in [-1, 1].
        truth: labels ``(W, H)``.
        predictions: labels by title of the network.
    """
    shown = {"image": None, "labels": truth, **predictions}
    figure, grid = cells(1, len(shown), 5, image)
    largest = max(int(labels.max()) for labels in (truth, *predictions.values()))
    # Neighbouring vertebrae have distant colours; background is transparent.
    colours = ListedColormap([METHOD_COLOURS[number % 4] for number in range(max(largest, 1))])
    for axes, (title, labels) in zip(grid[0], shown.items(), strict=True):
        show_image(axes, image, "gray", -1, 1)
        axes.set_title(fill(title, 18), fontsize=10)
        if labels is not None:
            marked, top = np.where(labels == 0, np.nan, labels).T, max(largest, 1) + 0.5
            axes.imshow(marked, colours, vmin=0.5, vmax=top, alpha=0.7, interpolation="nearest")
    return figure


def cells(rows: int, columns: int, least: int, image: Image) -> tuple[Figure, Any]:
    """Figure of equal cells for images."""
    cell = WIDTH / max(columns, least)
    height, head = cell * min(image.shape[1] / image.shape[0], 2.0), 0.45
    total = rows * (height + 0.05) + head
    figure = Figure(figsize=(cell * columns + 0.3, total))
    layout = figure.add_gridspec(
        rows, columns, left=0.035, right=0.995, top=1 - head / total, bottom=0.005, wspace=0.03, hspace=0.03
    )
    grid: Any = layout.subplots(squeeze=False)
    for axes in grid.flat:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    return figure, grid


def score_figure(table: pd.DataFrame, looks: Mapping[str, str]) -> Figure:
    """Mean intersection over union of every network by look, with intervals.

    Args:
        table: see ``segmentation_table``.
        looks: names of the looks as the axis shows them, in their order.
    """
    kinds: Sequence[str] = list(dict.fromkeys(table["kind"]))
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(kinds)
    for place, kind in enumerate(kinds):
        rows = table[table["kind"] == kind].set_index("look").loc[list(looks)]
        middle = np.arange(len(rows)) + (place - (len(kinds) - 1) / 2) * width
        values = rows["mean_iou"].to_numpy()
        ends = np.nan_to_num(np.stack([values - rows["mean_iou_low"], rows["mean_iou_high"] - values]))
        colour = METHOD_COLOURS[place % len(METHOD_COLOURS)]
        axes.bar(middle, values, width * 0.92, color=colour, label=rows["title"].iloc[0], zorder=2)
        axes.errorbar(middle, values, yerr=ends, fmt="none", ecolor="black", capsize=3, lw=1, zorder=3)
        for x, value, top in zip(middle, values, ends[1], strict=True):
            axes.text(x, value + top + 0.01, f"{value:.2f}", ha="center", fontsize=8)
    axes.set_xticks(range(len(looks)), list(looks.values()))
    axes.set_ylabel("mean IoU")
    axes.set_ylim(0, min(1.12, float(table["mean_iou_high"].fillna(table["mean_iou"]).max()) + 0.1))
    axes.grid(axis="y", color="#ddd", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=min(len(kinds), 4), fontsize=9, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    return figure
