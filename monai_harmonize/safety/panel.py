"""One picture per certificate: both images, what no curve explains, the curve, and the verdict with its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.safety.certificate import Certificate
from monai_harmonize.safety.drawing import show_image
from monai_harmonize.safety.measures import Blob, Measurement
from monai_harmonize.safety.thresholds import Bar

__all__ = ["RESIDUAL_SCALE", "certificate_figure", "write_panel"]

# Blobs of so much of an image get a circle: smaller ones are nothing, larger ones are seen without.
ENCIRCLED = (1e-4, 0.05)
# Fixed, so that panels of different images and methods compare: a tenth of the grey scale.
RESIDUAL_SCALE = 0.1
# Okabe and Ito; the word beside the colour says the same.
COLOURS = {"pass": "#009E73", "warn": "#E69F00", "fail": "#D55E00"}
CURVE, IDENTITY, DECLARED = "#0072B2", "#999999", "#D55E00"
REASONS = 2


def certificate_figure(certificate: Certificate, measurement: Measurement, bars: Mapping[str, Bar]) -> Figure:
    """Draw a certificate; of a volume its middle slice along the last axis.

    Args:
        certificate: the numbers.
        measurement: the arrays behind them, see ``certify_measured``.
        bars: thresholds of its guarantee class.
    """
    filtered = "filtered_residual_rms" in bars
    residual, blob, title = measurement.residual, certificate.blob, "no increasing curve explains"
    if filtered:
        residual, blob = measurement.filtered_residual, certificate.filtered_blob
        title = "no curve and filter explain"
    images = [_plane(array) for array in (measurement.source, measurement.harmonized, residual)]
    figure = Figure(figsize=(13, 5.6))
    grid = figure.add_gridspec(1, 4, left=0.01, right=0.965, top=0.80, bottom=0.26, wspace=0.06)
    axes = [figure.add_subplot(grid[place]) for place in range(4)]
    source = "Source, turned" if certificate.provenance.polarity_corrected else "Source"
    for place, image, name in zip(axes, images, (source, "Harmonized"), strict=False):
        show_image(place, image, "gray", 0, 1)
        place.set_title(name, fontsize=11)
    drawn = show_image(axes[2], images[2], "PuOr_r", -RESIDUAL_SCALE, RESIDUAL_SCALE)
    axes[2].set_title(f"What {title}", fontsize=11)
    least, most = (share * np.prod(certificate.shape) for share in ENCIRCLED)
    if blob and len(certificate.shape) == 2 and least <= blob.pixels <= most:
        _encircle(axes[2], blob, certificate.shape, images[2].shape)
    _residual_bar(figure, axes[2], drawn)
    _draw_curve(axes[3], certificate)
    _headline(figure, certificate)
    _numbers(figure, certificate, bars)
    return figure


def write_panel(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)


def _plane(image: NDArray[Any]) -> NDArray[Any]:
    return image if image.ndim == 2 else image[..., image.shape[-1] // 2]


def _encircle(axes: Axes, blob: Blob, shape: tuple[int, ...], drawn: tuple[int, ...]) -> None:
    factors = [small / native for small, native in zip(drawn, shape, strict=True)]
    centre = [(place + 0.5) * factor - 0.5 for place, factor in zip(blob.centre, factors, strict=True)]
    # A circle of twice the blob's diameter shows where it is without covering it.
    width, height = (max(4 * np.sqrt(blob.pixels / np.pi) * factor, 12) for factor in factors)
    axes.add_patch(Ellipse((centre[0], centre[1]), width, height, fill=False, lw=1.5, ec="black"))


def _residual_bar(figure: Figure, axes: Axes, drawn: Any) -> None:
    # The cell's place, since a narrow image leaves no room for a bar below it.
    box = axes.get_position(original=True)
    bar = figure.colorbar(
        drawn,
        cax=figure.add_axes((box.x0 + 0.02, 0.235, box.width - 0.04, 0.02)),
        orientation="horizontal",
        extend="both",
    )
    bar.set_ticks([-RESIDUAL_SCALE, 0, RESIDUAL_SCALE], labels=[f"−{RESIDUAL_SCALE:g}", "0", f"+{RESIDUAL_SCALE:g}"])
    bar.set_label("removed, darker  ←   →  added, brighter", fontsize=9)


def _draw_curve(axes: Axes, certificate: Certificate) -> None:
    axes.plot([0, 1], [0, 1], ls=":", color=IDENTITY, lw=1, label="unchanged")
    if certificate.declared_curve:
        declared = certificate.declared_curve
        axes.plot(declared.source_levels, declared.target_levels, color=DECLARED, lw=3, alpha=0.4, label="declared")
    axes.plot(certificate.curve.source_levels, certificate.curve.target_levels, color=CURVE, lw=1.8, label="found")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", anchor="N", xlabel="source grey level")
    axes.yaxis.tick_right()
    axes.set_title("Best increasing curve", fontsize=11)
    axes.legend(fontsize=9, frameon=False, loc="upper left")


def _headline(figure: Figure, certificate: Certificate) -> None:
    known = (certificate.provenance.file, certificate.provenance.bundle, certificate.provenance.version)
    name = "  ·  ".join([f"guarantee class {certificate.guarantee_class}", *(text for text in known if text)])
    colour = COLOURS[certificate.verdict]
    figure.text(
        0.015,
        0.955,
        certificate.verdict.upper(),
        fontsize=17,
        weight="bold",
        color="white",
        va="center",
        bbox={"facecolor": colour, "edgecolor": colour, "pad": 5},
    )
    figure.text(0.09, 0.955, name, fontsize=12, va="center", parse_math=False)
    reasons = certificate.reasons or ("every measure keeps its bar",)
    more = f"   (+{len(reasons) - REASONS} more)" if len(reasons) > REASONS else ""
    figure.text(0.015, 0.893, "   |   ".join(reasons[:REASONS]) + more, fontsize=9.5, va="center", parse_math=False)


def _numbers(figure: Figure, certificate: Certificate, bars: Mapping[str, Bar]) -> None:
    """The judged measures in columns, each with its bars, coloured by its own verdict."""
    rows = [(name, bar, getattr(certificate.measures, name)) for name, bar in bars.items()]
    shown = [row for row in rows if row[2] is not None]
    per_column = -(-len(shown) // 3)
    for place, (name, bar, value) in enumerate(shown):
        column, row = divmod(place, per_column)
        verdict = bar.verdict(value)
        good = verdict == "pass"
        sign = "≤" if bar.kind == "at_most" else "≥"
        left, height = 0.015 + 0.33 * column, 0.135 - 0.038 * row
        style: dict[str, Any] = {"fontsize": 9, "va": "center", "color": "black" if good else COLOURS[verdict]}
        figure.text(left, height, name.replace("_", " "), **style)
        figure.text(left + 0.16, height, f"{value:.4g}", ha="right", weight="normal" if good else "bold", **style)
        fails = "" if bar.fail is None else f", fails beyond {bar.fail:.3g}"
        limits = f"{sign} {bar.warn:.3g}{fails}"
        figure.text(left + 0.168, height, limits, fontsize=8, va="center", color="#666666")
