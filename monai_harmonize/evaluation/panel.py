"""Image panel as in Fig. 7 of Lee et al.: cases as rows, methods as columns, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_harmonize.evaluation.cases import Case
from monai_harmonize.evaluation.images import (
    HARMONIZED,
    MATCHED,
    RAW,
    TRUTH,
    Load,
    load_case,
    load_item,
    load_unit_image,
)
from monai_harmonize.evaluation.protocol import TARGET, Evaluation
from monai_harmonize.metrics import monotone_residual
from monai_harmonize.safety.drawing import show_image

__all__ = ["panel_cases", "panel_figure"]

# A scale finer than this would show the rounding of an unchanged image in full colour.
SMALLEST_SCALE = 0.05


def panel_cases(evaluation: Evaluation, count: int = 4) -> list[tuple[str, Case]]:
    """Cases spread evenly from the smallest to the largest residual, so that nobody picks the pretty ones.

    Args:
        evaluation: the numbers.
        count: how many, at most.

    Returns:
        Rank in words and case, largest residual first.
    """
    table = evaluation.per_image[evaluation.per_image["method"] == HARMONIZED]
    names = table.sort_values("residual_rms", ascending=False)["image"].tolist()
    ranks = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))
    by_name = {case.name: case for case in evaluation.pairing.cases}
    return [(_rank_in_words(int(rank), len(names)), by_name[names[rank]]) for rank in ranks]


def _rank_in_words(rank: int, count: int) -> str:
    if rank == 0:
        return "largest residual"
    return "smallest residual" if rank == count - 1 else f"residual rank {rank + 1} of {count}"


def panel_figure(
    evaluation: Evaluation, labels: Mapping[str, str], *, count: int = 4, load: Load = load_item
) -> Figure:
    """Input, harmonized, histogram matched, paired truth (or an example of the target), change and residual.

    Grey images share one window, the 0.5 to 99.5 % range of all grey levels of the evaluation; the two
    coloured columns have one scale each for all rows, which the strongest 5 % of pixels exceed.

    Args:
        evaluation: numbers and files.
        labels: names of the methods, see `method_labels`.
        count: rows, at most.
        load: reader of a record.
    """
    chosen = panel_cases(evaluation, count)
    rows = [load_case(case, load) for _, case in chosen]
    last, last_name = TRUTH, labels[TRUTH]
    if not all(TRUTH in images for images in rows):
        last, last_name = TARGET, f"{labels[TARGET]}\n(another patient)"
        for (_, case), images in zip(chosen, rows, strict=True):
            images[TARGET] = load_unit_image(case.template, load)
    changes = [images[HARMONIZED] - images[RAW] for images in rows]
    residuals = [monotone_residual(images[HARMONIZED], images[RAW]) for images in rows]
    figure, grid, bars = _grid([images[RAW].shape for images in rows])
    low, high = _grey_window(evaluation)
    for row, ((rank, case), images) in enumerate(zip(chosen, rows, strict=True)):
        for column, method in enumerate((RAW, HARMONIZED, MATCHED, last)):
            show_image(grid[row, column], images[method], "gray", low, high)
        grid[row, 0].set_ylabel(f"{_short(case.name)}\n{rank}", fontsize=10)
    titles = [labels[RAW], labels[HARMONIZED], labels[MATCHED], last_name]
    titles += ["Change\n(harmonized − raw)", "Residual: what no\ntone curve explains"]
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=11)
    for column, maps in ((4, changes), (5, residuals)):
        scale = max(_extent(maps), SMALLEST_SCALE)
        drawn = [show_image(grid[row, column], m, "PuOr_r", -scale, scale) for row, m in enumerate(maps)]
        bar = figure.colorbar(drawn[0], cax=bars[column - 4], orientation="horizontal", extend="both")
        bar.set_label("darker  ←   →  brighter", fontsize=10)
        bar.set_ticks([-scale, 0, scale], labels=[f"−{scale:.2f}", "0", f"+{scale:.2f}"], fontsize=10)
    return figure


def _grid(shapes: Sequence[tuple[int, ...]]) -> tuple[Figure, NDArray[np.object_], list[Axes]]:
    """Figure with a row of six cells per image, as high as the image needs, and two colour bars below."""
    cell, title, foot = 2.05, 0.55, 0.75
    heights = [cell * min(rows / columns, 2.0) for columns, rows in shapes]
    total = title + sum(heights) + 0.1 * len(heights) + foot
    figure = Figure(figsize=(13, total))
    layout = figure.add_gridspec(
        len(shapes),
        6,
        height_ratios=heights,
        left=0.045,
        right=0.995,
        top=1 - title / total,
        bottom=foot / total,
        wspace=0.03,
        hspace=0.05,
    )
    grid = layout.subplots(squeeze=False)
    bars = []
    for axes in grid[-1, 4:]:
        box = axes.get_position()
        bars.append(figure.add_axes((box.x0 + 0.01, 0.47 / total, box.width - 0.02, 0.12 / total)))
    return figure, grid, bars


def _grey_window(evaluation: Evaluation) -> tuple[float, float]:
    cumulative = np.cumsum(np.mean(list(evaluation.histograms.values()), axis=0))
    low, high = np.searchsorted(cumulative, [0.005, 0.995]) / len(cumulative)
    return float(low), float(max(high, low + 1 / len(cumulative)))


def _extent(maps: Sequence[NDArray[np.float32]]) -> float:
    # Moved collimator edges are few and extreme; a scale that held them would leave the anatomy pale.
    return float(np.quantile(np.abs(np.concatenate([values.ravel() for values in maps])), 0.95))


def _short(name: str, length: int = 24) -> str:
    last = PurePosixPath(name).name
    return last if len(last) <= length else "…" + last[-length + 1 :]
