"""Picture of memorisation: how near samples come to training images, and the nearest pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_harmonize.evaluation.samples.evaluate import SampleEvaluation
from monai_harmonize.metrics.memorisation import Memorisation
from monai_harmonize.safety.drawing import show_image

__all__ = ["neighbour_figure"]

# Width of an image, and height of the histograms.
INCHES, TOP_INCHES = 2.1, 3.0
ALARM_COLOUR, SAMPLE_COLOUR, REAL_COLOUR = "#b2182b", "#2166ac", "#999999"


def neighbour_figure(evaluation: SampleEvaluation, count: int = 6) -> Figure:
    """Distances to the nearest training image, and below them the nearest pairs, of every space.

    Args:
        evaluation: the numbers and images.
        count: pairs of every space, at most.
    """
    rows = min(count, len(evaluation.samples))
    spaces: Mapping[str, Memorisation] = evaluation.memorised
    height = (INCHES + 0.5) * rows
    figure = Figure(figsize=(2 * INCHES * len(spaces) + 0.6, height + TOP_INCHES), layout="constrained")
    columns: Any = figure.subfigures(1, len(spaces), wspace=0.04)
    held_out = "held-out images" if evaluation.held_out is not None else "training images, to others"
    for column, (name, found) in zip(columns, spaces.items(), strict=True):
        top, bottom = column.subfigures(2, 1, height_ratios=(TOP_INCHES, height))
        draw_distances(top.subplots(), name, found, held_out)
        draw_pairs(bottom.subplots(rows, 2, squeeze=False), evaluation, found)
    return figure


def draw_distances(axes: Axes, name: str, found: Memorisation, held_out: str) -> None:
    """Both sets' distances and the alarm's threshold."""
    widest = max(found.distance.max(), found.calibration.max(), 1e-12) * 1.02
    edges = np.linspace(0, widest, 30).tolist()
    axes.hist(found.calibration, edges, color=REAL_COLOUR, alpha=0.7, density=True, label=held_out)
    axes.hist(found.distance, edges, color=SAMPLE_COLOUR, histtype="step", lw=1.8, density=True, label="samples")
    axes.axvline(found.alarm.threshold, color=ALARM_COLOUR, ls="--", lw=1.2, label=f"alarm ({found.alarm.rate:.2g})")
    axes.set_title(name, fontsize=10)
    axes.set_xlabel("distance to the nearest training image", fontsize=9)
    axes.set_yticks([])
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right", "left"]].set_visible(False)


def draw_pairs(grid: Any, evaluation: SampleEvaluation, found: Memorisation) -> None:
    """Samples beside their nearest training images, the nearest pair first."""
    order = np.argsort(found.distance, kind="stable")[: len(grid)]
    for axes, number in zip(grid, order, strict=True):
        neighbour = int(found.neighbour[number])
        for each, images, place in ((axes[0], evaluation.samples, number), (axes[1], evaluation.training, neighbour)):
            show_image(each, images.pixels[place, 0].numpy(), "gray", -1, 1)
            each.set_xlabel(shortened(images.names[place]), fontsize=7)
        raised = bool(found.alarm.alarm[number])
        word = "copy" if found.alarm.copy[number] else "ALARM" if raised else "no alarm"
        axes[0].set_title("sample", fontsize=8)
        axes[1].set_title(
            f"training, {found.distance[number]:.3g}, p = {found.alarm.p_value[number]:.2g}, {word}",
            fontsize=8,
            color=ALARM_COLOUR if raised or found.alarm.copy[number] else "black",
        )


def shortened(name: str, letters: int = 34) -> str:
    """The end of a long name."""
    return name if len(name) <= letters else f"...{name[-letters + 3 :]}"
