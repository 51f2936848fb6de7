"""One self-contained HTML page that tells a person what a harmonizer did."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from monai_harmonize.evaluation.figures import (
    METHODS,
    distance_figure,
    histogram_figure,
    method_labels,
    similarity_figure,
)
from monai_harmonize.evaluation.images import HARMONIZED, MATCHED, RAW, TRUTH, Load, load_item
from monai_harmonize.evaluation.page_parts import GUARANTEES, embedded
from monai_harmonize.evaluation.panel import panel_figure
from monai_harmonize.evaluation.protocol import Evaluation, Measurement
from monai_harmonize.evaluation.report_template import REPORT_TEMPLATE
from monai_harmonize.evaluation.verdict import Verdict

__all__ = ["render_report"]

# Columns of the main table: group, heading, measure, format.
COLUMNS = (
    ("1. differs from {a}", "W1 to {a}", "wasserstein_to_source", "{:.3f}"),
    ("1. differs from {a}", "JS to {a}", "jensen_shannon_to_source", "{:.3f}"),
    ("2. looks like {b}", "W1 to {b}", "wasserstein_to_target", "{:.3f}"),
    ("2. looks like {b}", "JS to {b}", "jensen_shannon_to_target", "{:.3f}"),
    ("2. looks like {b}", "Remains", "remaining_share", "{:.0%}"),
    ("3. keeps the features", "SSIM to input", "ssim_to_input", "{:.3f}"),
    ("3. keeps the features", "Residual", "residual_rms", "{:.1%}"),
    ("3. keeps the features", "Edges kept", "gradient_agreement", "{:.1%}"),
    ("paired truth", "SSIM", "ssim_to_truth", "{:.3f}"),
    ("paired truth", "Mean error", "mae_to_truth", "{:.3f}"),
)
WORST_COLUMNS = (
    ("Residual", "residual_rms", "{:.1%}"),
    ("of output contrast", "residual_share", "{:.0%}"),
    ("SSIM to input", "ssim_to_input", "{:.3f}"),
    ("Edges kept", "gradient_agreement", "{:.1%}"),
    ("SSIM to truth", "ssim_to_truth", "{:.3f}"),
)


def render_report(
    evaluation: Evaluation,
    verdict: Verdict,
    *,
    source_site: str,
    target_site: str,
    guarantee_class: str,
    provenance: Mapping[str, str],
    resamples: int,
    load: Load = load_item,
    classification: Markup | None = None,
) -> str:
    """HTML text of the report.

    Args:
        evaluation: numbers and files; a few images are read again for the panel.
        verdict: words for them.
        source_site: name of site A.
        target_site: name of site B.
        guarantee_class: G0 to G4, what the harmonizer can do to anatomy.
        provenance: further lines on where the numbers come from.
        resamples: bootstrap resamples used.
        load: reader of a record.
        classification: section on a classifier's scores, see `classification_section`.

    Raises:
        ValueError: unknown guarantee class.
    """
    if guarantee_class not in GUARANTEES:
        raise ValueError(f"unknown guarantee class {guarantee_class!r}; expected one of {sorted(GUARANTEES)}")
    labels = method_labels(source_site, target_site)
    figures = {
        "panel": (panel_figure(evaluation, labels, load=load), _panel_caption(target_site)),
        "distance": (distance_figure(evaluation, labels), "Pooled over images. Whiskers: 95% intervals."),
        "histograms": (
            histogram_figure(evaluation, labels),
            "Mean histograms (top; the outermost columns may be cut) and cumulative curves (bottom).",
        ),
        "similarity": (
            similarity_figure(evaluation, labels),
            "One point per image; box: quartiles and median.",
        ),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    return environment.from_string(REPORT_TEMPLATE).render(
        source_site=source_site,
        target_site=target_site,
        verdict=verdict,
        tiles=_tiles(evaluation, source_site, target_site),
        guarantee_class=guarantee_class,
        guarantee=GUARANTEES[guarantee_class],
        figure=lambda name: embedded(*figures[name]),
        table=_table(evaluation, labels, source_site, target_site),
        worst=_worst(evaluation),
        missing=evaluation.pairing.missing,
        provenance=provenance,
        resamples=resamples,
        classification=classification,
    )


def _panel_caption(target_site: str) -> str:
    return (
        f"Rows run from the largest to the smallest residual. Grey images share one window. Histogram "
        f"matching imitates one random image of {target_site}. Residual: what the best increasing tone curve "
        f"cannot explain, orange where the output is brighter than the curve makes it, purple where "
        f"darker, in grey levels from 0 (black) to 1 (white); the strongest 5% go beyond the bar."
    )


def _tiles(evaluation: Evaluation, source_site: str, target_site: str) -> list[dict[str, str]]:
    def tile(name: str, measure: str, form: str, detail: str) -> dict[str, str]:
        found = evaluation.get(HARMONIZED, measure)
        return {"name": name, "value": form.format(found.estimate if found else math.nan), "detail": detail}

    def compared(measure: str, form: str = "{:.3f}") -> str:
        others = ((RAW, "raw"), (MATCHED, "histogram matching"))
        pairs = ((evaluation.get(method, measure), name) for method, name in others)
        return ", ".join(f"{name} {form.format(found.estimate)}" for found, name in pairs if found)

    tiles = [
        tile(
            f"Distance to {target_site} that remains",
            "remaining_share",
            "{:.0%}",
            f"{source_site} raw 100%, {compared('remaining_share', '{:.0%}')}",
        )
    ]
    if evaluation.get(HARMONIZED, "ssim_to_truth"):
        tiles.append(tile("SSIM to the paired truth", "ssim_to_truth", "{:.3f}", compared("ssim_to_truth")))
    tiles.append(tile("SSIM to the input", "ssim_to_input", "{:.3f}", compared("ssim_to_input")))
    truth = evaluation.get(TRUTH, "residual_rms")
    context = f"RMS; the paired truth itself {truth.estimate:.1%}" if truth else "RMS, share of the grey scale"
    return [*tiles, tile("Not explained by a tone curve", "residual_rms", "{:.1%}", context)]


def _table(evaluation: Evaluation, labels: Mapping[str, str], source_site: str, target_site: str) -> dict[str, Any]:
    present = [c for c in COLUMNS if any(evaluation.get(m, c[2]) for m in METHODS)]
    groups: list[dict[str, Any]] = []
    for group, *_ in present:
        name = group.format(a=source_site, b=target_site)
        if not groups or groups[-1]["name"] != name:
            groups.append({"name": name, "span": 0})
        groups[-1]["span"] += 1
    rows = [
        {
            "name": labels[method],
            "own": method == HARMONIZED,
            "cells": [_cell(evaluation.get(method, measure), form) for _, _, measure, form in present],
        }
        for method in METHODS
        if (evaluation.per_image["method"] == method).any()
    ]
    columns = [heading.format(a=source_site, b=target_site) for _, heading, *_ in present]
    return {"groups": groups, "columns": columns, "rows": rows}


def _cell(found: Measurement | None, form: str) -> dict[str, Any]:
    if found is None:
        return {"value": "–", "details": []}
    spread = [] if math.isnan(found.sd) else [f"± {form.format(found.sd)}"]
    interval = [] if math.isnan(found.low) else [f"{form.format(found.low)}–{form.format(found.high)}"]
    return {"value": form.format(found.estimate), "details": spread + interval}


def _worst(evaluation: Evaluation, count: int = 5) -> dict[str, Any]:
    table = evaluation.per_image[evaluation.per_image["method"] == HARMONIZED]
    table = table.nlargest(count, "residual_rms")
    present = [c for c in WORST_COLUMNS if table[c[1]].notna().any()]
    rows = [
        {"name": row["image"], "cells": [_number(row[measure], form) for _, measure, form in present]}
        for _, row in table.iterrows()
    ]
    return {"columns": [heading for heading, *_ in present], "rows": rows}


def _number(value: float, form: str) -> str:
    return "–" if pd.isna(value) else form.format(value)
