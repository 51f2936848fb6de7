"""Images as in Fig. 7 of Lee et al.: source, every method, and an image of the target site; inversions in red."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_harmonize.evaluation.classification.pictures import TARGET, Pictures
from monai_harmonize.evaluation.classification.study_folder import RAW
from monai_harmonize.evaluation.classification.style import BAD, Look
from monai_harmonize.evaluation.images import Image, Load, load_item, load_unit_image
from monai_harmonize.metrics.inversion import NONE, PARTIAL
from monai_harmonize.safety.drawing import show_image

__all__ = ["example_figure", "example_names", "grey_window", "mark_inversion", "short_name", "title_columns"]


def example_names(pictures: Pictures, count: int = 4) -> list[str]:
    """Images that nobody picked: the lowest, the middle and the highest mean SSIM, and the most inverted one.

    Args:
        pictures: of a direction.
        count: how many, at most.
    """
    ranked = pictures.per_image.groupby("image")["ssim_to_input"].mean().sort_values(kind="stable").index.tolist()
    places = np.unique(np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int))
    names = [ranked[place] for place in places]
    turned = pictures.per_image[pictures.per_image["inverted"]]
    if len(turned) and not set(turned["image"]) & set(names):
        names[len(names) // 2] = turned.loc[turned["flipped_edges"].idxmax(), "image"]
    return names


def example_figure(pictures: Pictures, looks: dict[str, Look], *, count: int = 4, load: Load = load_item) -> Figure:
    """Rows of images on one grey window, the last column another patient of the target site.

    Args:
        pictures: of a direction.
        looks: names of the columns.
        count: rows, at most.
        load: reader of a record.
    """
    names = example_names(pictures, count)
    columns = [RAW, *pictures.harmonized]
    low, high = grey_window(pictures)
    targets = [load_unit_image(pictures.targets[row % len(pictures.targets)], load) for row in range(len(names))]
    rows = [{column: pictures.load(column, name, load) for column in columns} for name in names]
    figure, grid = image_grid([images[RAW] for images in rows], len(columns) + 1)
    kinds = pictures.per_image.set_index(["method", "image"])["inversion"]
    for place, (name, images, target) in enumerate(zip(names, rows, targets, strict=True)):
        for axes, column in zip(grid[place], columns, strict=False):
            show_image(axes, images[column], "gray", low, high)
            if column != RAW:
                mark_inversion(axes, kinds[column, name])
        show_image(grid[place, -1], target, "gray", low, high)
        grid[place, 0].set_ylabel(short_name(name), fontsize=8)
    title_columns(grid[0], [*(looks[column].label for column in columns), f"{looks[TARGET].label} (another patient)"])
    return figure


def title_columns(row: np.ndarray[tuple[int], np.dtype[np.object_]], titles: Sequence[str]) -> None:
    """Titles above the first row of images, broken to the columns' width."""
    letters = int(13 / max(len(row), 5) / 0.085)
    for axes, title in zip(row, titles, strict=True):
        axes.set_title(fill(title, letters), fontsize=10)


def image_grid(images: list[Image], columns: int) -> tuple[Figure, np.ndarray[tuple[int, int], np.dtype[np.object_]]]:
    """Figure of one row per image, each as high as its image needs."""
    cell = 13 / max(columns, 5)
    heights = [cell * min(image.shape[1] / image.shape[0], 2.0) for image in images]
    head = 0.75
    total = sum(heights) + 0.1 * len(heights) + head
    figure = Figure(figsize=(cell * columns + 0.4, total))
    layout = figure.add_gridspec(
        len(images), columns, height_ratios=heights, left=0.04, right=0.995, top=1 - head / total, bottom=0.01,
        wspace=0.03, hspace=0.04,
    )  # fmt: skip
    return figure, layout.subplots(squeeze=False)


def mark_inversion(axes: Axes, kind: str, what: str = "") -> None:
    """A red frame and a word on an image whose light and dark changed places; `what` comes before the word."""
    if kind == NONE:
        return
    word = what + ("INVERTED IN PLACES" if kind == PARTIAL else "INVERTED")
    axes.spines[:].set_visible(True)
    axes.spines[:].set(color=BAD, linewidth=3)
    axes.text(
        0.5, 0.03, word, transform=axes.transAxes, ha="center", fontsize=10, weight="bold", color="white",
        bbox={"facecolor": BAD, "edgecolor": "none", "pad": 2.5},
    )  # fmt: skip


def grey_window(pictures: Pictures) -> tuple[float, float]:
    """0.5 to 99.5 % of all grey levels, so that one window shows all images."""
    cumulative = np.cumsum(np.mean(list(pictures.histograms.values()), axis=0))
    low, high = np.searchsorted(cumulative, [0.005, 0.995]) / len(cumulative)
    return float(low), float(max(high, low + 1 / len(cumulative)))


def short_name(name: str, length: int = 20) -> str:
    """Last part of a path, cut from the left."""
    last = PurePosixPath(name).name
    return last if len(last) <= length else "…" + last[-length + 1 :]
