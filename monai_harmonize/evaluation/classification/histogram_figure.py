"""Mean histograms as in Fig. 8 of Lee et al.: every method against the target's images and against the source's."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from monai_harmonize.evaluation.classification.pictures import TARGET, Pictures
from monai_harmonize.evaluation.classification.study_folder import RAW
from monai_harmonize.evaluation.classification.style import Look
from monai_harmonize.evaluation.figures import SHOWN_BINS, coarse_histogram

__all__ = ["site_histogram_figure"]


def site_histogram_figure(pictures: Pictures, looks: dict[str, Look]) -> Figure:
    """Two panels: a, near the filled target is good; b, away from the filled source is good."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    centres = (np.arange(SHOWN_BINS) + 0.5) / SHOWN_BINS
    panels = ((TARGET, "a. Against {}: nearer is better"), (RAW, "b. Against {}: farther is better"))
    grid = figure.subplots(1, 2, sharey=True)
    coarse = {name: coarse_histogram(histogram) for name, histogram in pictures.histograms.items()}
    for axes, (reference, title) in zip(grid, panels, strict=True):
        look = looks[reference]
        axes.fill_between(centres, coarse[reference], color=look.colour, alpha=0.28, lw=0, label=look.label)
        axes.plot(centres, coarse[reference], color=look.colour, lw=1)
        for name in pictures.harmonized:
            axes.plot(
                centres, coarse[name], color=looks[name].colour, ls=looks[name].line, lw=2, label=looks[name].label
            )
        axes.set_title(title.format(look.label), fontsize=12)
        axes.set_xlim(0, 1)
        axes.set_xlabel("Grey level (0 black, 1 white)", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=10, frameon=False)
    # Black collimation and clipped air pile up in the outermost bins and would flatten the rest.
    grid[0].set_ylim(0, 1.12 * max(1e-6, *(float(values[1:-1].max()) for values in coarse.values())))
    grid[0].set_ylabel(f"Share of pixels per 1/{SHOWN_BINS}\nof the grey scale", fontsize=11)
    return figure
