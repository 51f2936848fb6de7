"""Charts of an evaluation: distance between sites, mean histograms, similarity of single images.

Colours are those of Okabe and Ito, which stay apart under colour blindness; nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_harmonize.evaluation.images import HARMONIZED, MATCHED, RAW, TRUTH
from monai_harmonize.evaluation.protocol import TARGET, TARGET_HALVES, Evaluation

__all__ = [
    "COLOURS",
    "METHODS",
    "SHOWN_BINS",
    "coarse_histogram",
    "distance_figure",
    "histogram_figure",
    "method_labels",
    "similarity_figure",
]

METHODS = (RAW, HARMONIZED, MATCHED, TRUTH)
COLOURS = {RAW: "#D55E00", HARMONIZED: "#009E73", MATCHED: "#CC79A7", TRUTH: "#444444", TARGET: "#0072B2"}
# As for the Jensen-Shannon distance: coarse enough that stretched 8-bit images show no comb.
SHOWN_BINS = 64


def method_labels(source_site: str, target_site: str) -> dict[str, str]:
    """Names of the methods as a reader sees them."""
    return {
        RAW: f"Raw ({source_site})",
        HARMONIZED: "Harmonized",
        MATCHED: "Histogram matching",
        TRUTH: "Paired truth",
        TARGET: target_site,
    }


def distance_figure(evaluation: Evaluation, labels: Mapping[str, str]) -> Figure:
    """Bars of each method's distance to the target site with intervals, over the target's own spread."""
    methods = [m for m in METHODS if m in evaluation.histograms][::-1]
    figure = Figure(figsize=(10, 0.9 + 0.52 * len(methods)), layout="constrained")
    axes = figure.subplots()
    found = [evaluation.get(method, "wasserstein_to_target") for method in methods]
    rows = [m for m in found if m is not None]
    values = np.array([m.estimate for m in rows])
    ends = np.nan_to_num(np.array([[m.estimate - m.low, m.high - m.estimate] for m in rows]).T)
    axes.barh(range(len(rows)), values, color=[COLOURS[m] for m in methods], height=0.62, zorder=2)
    axes.errorbar(values, range(len(rows)), xerr=ends, fmt="none", ecolor="black", capsize=4, lw=1.2, zorder=3)
    right = float((values + ends[1]).max())
    for position, (method, value, end) in enumerate(zip(methods, values, ends[1], strict=True)):
        remaining = evaluation.get(method, "remaining_share")
        share = "" if remaining is None or method == RAW else f"  ({remaining.estimate:.0%} of raw)"
        axes.text(value + end + 0.012 * right, position, f"{value:.3f}{share}", va="center", fontsize=11)
    if floor := evaluation.get(TARGET_HALVES, "wasserstein_to_target"):
        name = f"random halves of {labels[TARGET]} are this far apart"
        axes.axvspan(floor.low, floor.high, color=COLOURS[TARGET], alpha=0.25, lw=0, zorder=1, label=name)
        figure.legend(loc="outside lower right", fontsize=10, frameon=False)
    axes.set_yticks(range(len(rows)), [labels[m] for m in methods], fontsize=11)
    axes.set_xlim(0, right * 1.22)
    axes.set_xlabel(f"1-Wasserstein distance to {labels[TARGET]} (share of the grey scale; shorter is nearer)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def histogram_figure(evaluation: Evaluation, labels: Mapping[str, str]) -> Figure:
    """Mean histograms as in Fig. 8 of Lee et al., and the cumulative curves whose gap is the distance."""
    methods = [m for m in (RAW, HARMONIZED, MATCHED) if m in evaluation.histograms]
    figure = Figure(figsize=(3.9 * len(methods), 5.4), layout="constrained")
    grid = figure.subplots(2, len(methods), sharex=True, sharey="row", squeeze=False)
    target = evaluation.histograms[TARGET]
    for column, method in enumerate(methods):
        own = evaluation.histograms[method]
        _draw_histograms(grid[0, column], evaluation, method, labels)
        _draw_cumulative(grid[1, column], own, target, method)
        grid[0, column].set_title(f"{labels[method]} against {labels[TARGET]}", fontsize=11)
        grid[1, column].set_xlabel("Grey level (0 black, 1 white)")
    # Black collimation and clipped air pile up in the outermost bins and would flatten the rest.
    inner = max(coarse_histogram(evaluation.histograms[m])[1:-1].max() for m in (*methods, TARGET))
    grid[0, 0].set_ylim(0, 1.12 * max(inner, 1e-6))
    grid[0, 0].set_ylabel(f"Share of pixels per 1/{SHOWN_BINS}\nof the grey scale")
    grid[1, 0].set_ylabel("Share of pixels\nup to this grey level")
    return figure


def coarse_histogram(histogram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Histogram `(bins,)` in `SHOWN_BINS` columns."""
    coarse: NDArray[np.float64] = histogram.reshape(SHOWN_BINS, -1).sum(axis=1)
    return coarse


def _draw_histograms(axes: Axes, evaluation: Evaluation, method: str, labels: Mapping[str, str]) -> None:
    centres = (np.arange(SHOWN_BINS) + 0.5) / SHOWN_BINS
    target = coarse_histogram(evaluation.histograms[TARGET])
    axes.fill_between(centres, target, color=COLOURS[TARGET], alpha=0.22, lw=0)
    axes.plot(centres, target, color=COLOURS[TARGET], lw=1.6, label=labels[TARGET])
    if method != RAW:
        raw = coarse_histogram(evaluation.histograms[RAW])
        axes.plot(centres, raw, color=COLOURS[RAW], lw=1.1, ls=":", label=labels[RAW])
    own = coarse_histogram(evaluation.histograms[method])
    axes.plot(centres, own, color=COLOURS[method], lw=2.0, ls="-", label=labels[method])
    axes.legend(fontsize=9, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_cumulative(axes: Axes, own: NDArray[np.float64], target: NDArray[np.float64], method: str) -> None:
    levels = np.arange(1, len(own) + 1) / len(own)
    first, second = np.cumsum(own), np.cumsum(target)
    axes.fill_between(levels, first, second, color="#999999", alpha=0.45, lw=0)
    axes.plot(levels, second, color=COLOURS[TARGET], lw=1.6)
    axes.plot(levels, first, color=COLOURS[method], lw=2.0)
    area = np.abs(first - second).mean()
    axes.text(0.97, 0.06, f"grey area = distance\n{area:.3f}", transform=axes.transAxes, ha="right", fontsize=11)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.spines[["top", "right"]].set_visible(False)


def similarity_figure(evaluation: Evaluation, labels: Mapping[str, str]) -> Figure:
    """Every image's SSIM to its input (Table 1 of Lee et al.) and, where it exists, to the paired truth."""
    shown = [
        (measure, title)
        for measure, title in (
            ("ssim_to_input", "SSIM to the input"),
            ("ssim_to_truth", "SSIM to the paired truth"),
        )
        if evaluation.per_image[measure].notna().any()
    ]
    figure = Figure(figsize=(5.6 * len(shown), 3.4), layout="constrained")
    for axes, (measure, title) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        table = evaluation.per_image.dropna(subset=[measure])
        methods = [m for m in METHODS if (table["method"] == m).any()]
        values = [table.loc[table["method"] == m, measure].to_numpy() for m in methods]
        axes.boxplot(values, showfliers=False, widths=0.5, medianprops={"color": "black", "lw": 1.6})
        for position, (method, points) in enumerate(zip(methods, values, strict=True), start=1):
            # Fixed side steps by rank keep the points apart and the figure the same in every run.
            steps = 0.28 * (np.arange(len(points)) * 0.618 % 1 - 0.5)
            axes.scatter(position + steps, points, s=14, color=COLOURS[method], alpha=0.75, lw=0, zorder=3)
        names = [
            f"{labels[m]}\n{v.mean():.3f}" + (f" ± {v.std(ddof=1):.3f}" if len(v) > 1 else "")
            for m, v in zip(methods, values, strict=True)
        ]
        axes.set_xticks(range(1, len(methods) + 1), names, fontsize=10)
        axes.set_title(f"{title} (1 = equal)", fontsize=11)
        axes.grid(axis="y", color="#dddddd", lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
