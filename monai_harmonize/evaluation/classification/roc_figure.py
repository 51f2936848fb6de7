"""ROC curves as in Fig. 10 of Lee et al.: one panel per direction, areas in the legend, operating points marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_harmonize.evaluation.classification.curves import mean_curve
from monai_harmonize.evaluation.classification.scores import ScoreSet
from monai_harmonize.evaluation.classification.style import Look

__all__ = ["roc_figure"]


def roc_figure(panels: Sequence[tuple[str, ScoreSet, pd.DataFrame, dict[str, Look]]]) -> Figure:
    """Curves of own, raw and every method.

    Args:
        panels: title, scores, rows of Table 2 and looks of each direction.
    """
    figure = Figure(figsize=(6.5 * max(len(panels), 1.15), 6.9), layout="constrained")
    for axes, (title, scores, table, looks) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        _draw(axes, scores, table.set_index("method"), looks)
        axes.set_title(title, fontsize=12)
    return figure


def _draw(axes: Axes, scores: ScoreSet, table: pd.DataFrame, looks: dict[str, Look]) -> None:
    axes.plot([0, 1], [0, 1], color="#999999", lw=1, ls=(0, (2, 2)), label="chance, 0.5")
    marked = False
    for name, found in scores.all.items():
        row, look = table.loc[name], looks[name]
        false, true = mean_curve(found)
        axes.plot(false, true, color=look.colour, ls=look.line, lw=2.2, label=f"{look.label}: {_area(row)}")
        if np.isfinite(row["sensitivity"]):
            point = (1 - row["specificity"], row["sensitivity"])
            axes.plot(*point, "o", ms=9, mfc=look.colour, mec="white", mew=1.5, zorder=4, clip_on=False)
            marked = True
    if marked:
        axes.plot([], [], "o", ms=8, mfc="#666666", mec="white", label="at the classifier's threshold")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("False positive rate (1 − specificity)", fontsize=11)
    axes.set_ylabel("Sensitivity", fontsize=11)
    axes.grid(color="#eeeeee", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize=10, frameon=False)


def _area(row: Any) -> str:
    known = np.isfinite(row["auc_low"])
    return f"AUC {row['auc']:.3f}" + f" [{row['auc_low']:.3f}, {row['auc_high']:.3f}]" * bool(known)
