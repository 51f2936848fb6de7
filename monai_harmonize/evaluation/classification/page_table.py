"""Tables of areas as HTML, for the study's page and for a section of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from monai_harmonize.evaluation.classification.paper import PAPER_OWN_SD
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW

__all__ = ["area_table", "number", "p_value", "similarity_page_table"]

TABLE = """<div class="scroll"><table>
<thead><tr>{% for column in columns %}<th>{{ column }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}<tr{% if row.style %} class="{{ row.style }}"{% endif %}><td>{{ row.name }}</td>
{%- for cell in row.cells %}<td{% if cell.style %} class="{{ cell.style }}"{% endif %}>{{ cell.value }}
{%- for line in cell.details %}<small>{{ line }}</small>{% endfor %}</td>
{%- endfor %}</tr>
{% endfor %}</tbody>
</table></div>"""

Cell = dict[str, Any]


def area_table(table: pd.DataFrame, *, study: bool = True) -> Markup:
    """Rows of Table 2.

    Args:
        table: see `table_2`, or `area_rows` with a `title`.
        study: whether the columns that only a study has are shown.
    """
    rated = table["sensitivity"].notna().any()
    columns = ["Images", "AUC", "against raw, p", "Loss recovered"]
    columns += ["Sensitivity", "Specificity"] * bool(rated) + ["ECE", "Images / positive"]
    columns += ["Transductive", "Class", "Inverted", "AUC, paper"] * study
    rows = []
    for _, row in table.iterrows():
        cells = [
            _estimate(row, "auc", "{:.3f}", row["auc_sd"]),
            _p_cell(row),
            _estimate(row, "recovered", "{:.0%}"),
        ]
        cells += [_estimate(row, name, "{:.2f}") for name in ("sensitivity", "specificity") if rated]
        cells += [_cell(number(row["ece"], "{:.3f}")), _cell(f"{row['images']} / {row['positives']}")]
        if study:
            cells += _study_cells(row)
        inverted = study and bool(row["inverted"]) and pd.notna(row["inverted"])
        rows.append({"name": row["title"], "style": "bad" if inverted else "", "cells": cells})
    return _page(columns, rows)


def similarity_page_table(table: pd.DataFrame) -> Markup:
    """Rows of Table 1."""
    columns = ["Images", "SSIM to the input", "Residual", "Edges kept", "Inverted", "SSIM, paper"]
    rows = []
    for _, row in table.iterrows():
        paper = number(row["paper_ssim"], "{:.3f}")
        spread = [f"± {row['paper_ssim_sd']:.4f}"] if pd.notna(row["paper_ssim"]) else []
        cells = [
            _estimate(row, "ssim", "{:.3f}", row["ssim_sd"]),
            _cell(f"{row['residual_rms']:.1%}"),
            _cell(f"{row['edges_kept']:.1%}"),
            _inverted(row["inverted"], row["images"]),
            _cell(paper, spread, "paper"),
        ]
        rows.append({"name": row["title"], "style": "bad" if row["inverted"] else "", "cells": cells})
    return _page(columns, rows)


def number(value: Any, form: str) -> str:
    """Formatted, or a dash where there is none."""
    return "–" if pd.isna(value) else form.format(value)


def p_value(value: float) -> str:
    """Three decimals, or what it is below."""
    if np.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _page(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Markup:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return Markup(environment.from_string(TABLE).render(columns=columns, rows=rows))  # noqa: S704 - escaped by Jinja


def _cell(value: str, details: Sequence[str] = (), style: str = "") -> Cell:
    return {"value": value, "details": list(details), "style": style}


def _estimate(row: Any, name: str, form: str, sd: float = float("nan")) -> Cell:
    details = [] if np.isnan(sd) else [f"± {form.format(sd)}"]
    if pd.notna(row[f"{name}_low"]):
        details.append(f"{form.format(row[f'{name}_low'])} to {form.format(row[f'{name}_high'])}")
    return _cell(number(row[name], form), details)


def _p_cell(row: Any) -> Cell:
    if np.isnan(row["p_raw"]):
        return _cell("–")
    return _cell(p_value(row["p_raw"]), [f"Holm {p_value(row['p_raw_holm'])}"])


def _inverted(count: Any, images: Any) -> Cell:
    if pd.isna(count):
        return _cell("–")
    return _cell(f"{int(count)} of {int(images)}", style="bad" if count else "")


def _study_cells(row: Any) -> list[Cell]:
    own_or_raw = row["method"] in (OWN, RAW)
    spread = [f"± {PAPER_OWN_SD}"] if row["method"] == OWN and not pd.isna(row["paper_auc"]) else []
    return [
        _cell("–" if own_or_raw else ("yes" if row["transductive"] else "no")),
        _cell(row["guarantee_class"] or "–"),
        _inverted(row["inverted"], row["pictures"]),
        _cell(number(row["paper_auc"], "{:.2f}"), spread, "paper"),
    ]
