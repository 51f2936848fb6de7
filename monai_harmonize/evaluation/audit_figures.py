"""Pictures of an audit: lesions before and after, their visibility, invented lesions, where trainings disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from monai_harmonize.safety.audit import Audit, AuditedPair
from monai_harmonize.safety.audit.false_lesions import lesion_signal
from monai_harmonize.safety.drawing import show_image

__all__ = ["SIGNAL_SCALE", "contrast_figure", "disagreement_figure", "false_lesion_figure", "lesion_figure"]

ROWS = 4
# Of maps of change, so that audits compare: share of the grey scale.
SIGNAL_SCALE = 0.2
KEPT, DELETED, OUTLINE = "#0072B2", "#D55E00", "#E69F00"


def lesion_figure(audited: Sequence[AuditedPair], rows: int = ROWS) -> Figure:
    """The lesions that kept the least of their visibility, and the one that kept the median."""
    judged = sorted((one for one in audited if one.contrast), key=lambda one: one.contrast.ratio if one.contrast else 0)
    chosen = judged[: rows - 1] + ([judged[len(judged) // 2]] if len(judged) >= rows else [])
    titles = ("Source\nwith lesion", "Source\nlesion alone", "Harmonized\nwith lesion", "Harmonized\nlesion alone")
    figure, grid = _grid(len(chosen), titles)
    for line, one in zip(grid, chosen, strict=True):
        show_image(line[0], one.pair.ill, "gray", -1, 1)
        show_image(line[2], one.ill, "gray", -1, 1)
        for axes, (ill, healthy) in ((line[1], (one.pair.ill, one.pair.healthy)), (line[3], (one.ill, one.healthy))):
            show_image(axes, (ill - healthy) / 2, "PuOr_r", -SIGNAL_SCALE, SIGNAL_SCALE)
        for axes in line:
            axes.contour(one.pair.lesion.T, levels=[0.5], colors=[OUTLINE], linewidths=0.8)
        if one.contrast:
            _beside(line[0], f"{one.contrast.ratio:.0%}\nleft")
    return figure


def contrast_figure(audit: Audit) -> Figure:
    """Visibility before against after, one point per lesion."""
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    share = audit.rules.deleted_share
    ends = [0.0, 1.05 * max((max(found.before, found.after) for found in audit.contrasts), default=1.0)]
    axes.plot(ends, ends, color="#444444", lw=1, label="as visible as before")
    axes.plot(ends, [share * end for end in ends], color="#444444", lw=1, ls=":", label=f"{share:.0%} left")
    for deleted, colour, marker, name in ((False, KEPT, "o", "kept"), (True, DELETED, "X", "deleted")):
        points = [found for found in audit.contrasts if found.deleted(share) == deleted]
        axes.scatter(
            [found.before for found in points],
            [found.after for found in points],
            s=42,
            c=colour,
            marker=marker,
            alpha=0.8,
            lw=0,
            zorder=3,
            label=f"{name} ({len(points)})",
        )
    axes.axhline(0, color="#bbbbbb", lw=0.8)
    axes.set(xlim=ends, xlabel="contrast-to-noise ratio in the source", ylabel="after harmonization")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=10, loc="upper left")
    return figure


def false_lesion_figure(audit: Audit, audited: Sequence[AuditedPair], rows: int = ROWS) -> Figure:
    """Healthy patients with the brightest invented lesions, or just the first patients where there are none."""
    strongest = sorted(audited, key=lambda one: -max((found.amplitude for found in one.false_lesions), default=0))
    figure, grid = _grid(
        min(rows, len(strongest)), ("Source\nhealthy", "Harmonized\nhealthy", "Not explained\n(lesion scale)")
    )
    for line, one in zip(grid, strongest, strict=False):
        show_image(line[0], one.pair.healthy, "gray", -1, 1)
        show_image(line[1], one.healthy, "gray", -1, 1)
        signal = lesion_signal(one.pair, one.healthy, audit.rules.lesion_like)
        show_image(line[2], signal, "PuOr_r", -SIGNAL_SCALE, SIGNAL_SCALE)
        for found in one.false_lesions:
            radius = 1.6 * np.sqrt(found.area / np.pi) / one.pair.spacing
            for axes in line[1:]:
                axes.add_patch(Circle(found.centre, radius, fill=False, ec=OUTLINE, lw=1.2))
        _beside(line[0], f"{len(one.false_lesions)}\nfound")
    return figure


def disagreement_figure(audited: Sequence[AuditedPair], rows: int = 2) -> Figure:
    """The healthy patients on whom trainings differ most."""
    known: list[tuple[AuditedPair, NDArray[np.float32], NDArray[np.float32]]] = [
        (one, one.deviation, one.change) for one in audited if one.deviation is not None and one.change is not None
    ]
    worst = sorted(known, key=lambda found: -float(np.square(found[1]).mean()))[:rows]
    figure, grid = _grid(len(worst), ("Source", "Mean change", "Standard deviation\nbetween trainings"))
    for line, (one, deviation, change) in zip(grid, worst, strict=True):
        show_image(line[0], one.pair.healthy, "gray", -1, 1)
        show_image(line[1], change, "PuOr_r", -SIGNAL_SCALE, SIGNAL_SCALE)
        show_image(line[2], deviation, "magma", 0, SIGNAL_SCALE)
    return figure


def _grid(rows: int, titles: Sequence[str]) -> tuple[Figure, NDArray[np.object_]]:
    figure = Figure(figsize=(2.6 * len(titles), 2.6 * max(rows, 1) + 0.5), layout="constrained")
    grid: NDArray[np.object_] = figure.subplots(max(rows, 1), len(titles), squeeze=False)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=11)
    if rows == 0:
        for axes in grid[0]:
            axes.set_axis_off()
    return figure, grid[:rows]


def _beside(axes: Axes, text: str) -> None:
    axes.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=11)
