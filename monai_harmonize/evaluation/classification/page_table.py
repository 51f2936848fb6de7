"""Tables of areas as HTML, for the study's page and for a section of another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from monai_harmonize.evaluation.classification.paper import PAPER_OWN_SD
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW
from monai_harmonize.evaluation.page_table import Cell, cell, estimate_cell, number, page_table

__all__ = ["area_table", "p_value", "similarity_page_table"]


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
            estimate_cell(row, "auc", "{:.3f}", row["auc_sd"]),
            _p_cell(row),
            estimate_cell(row, "recovered", "{:.0%}"),
        ]
        cells += [estimate_cell(row, name, "{:.2f}") for name in ("sensitivity", "specificity") if rated]
        cells += [cell(number(row["ece"], "{:.3f}")), cell(f"{row['images']} / {row['positives']}")]
        if study:
            cells += _study_cells(row)
        inverted = study and bool(row["inverted"]) and pd.notna(row["inverted"])
        rows.append({"name": row["title"], "style": "bad" if inverted else "", "cells": cells})
    return page_table(columns, rows)


def similarity_page_table(table: pd.DataFrame) -> Markup:
    """Rows of Table 1."""
    columns = ["Images", "SSIM to the input", "Residual", "Edges kept", "Inverted", "SSIM, paper"]
    rows = []
    for _, row in table.iterrows():
        paper = number(row["paper_ssim"], "{:.3f}")
        spread = [f"± {row['paper_ssim_sd']:.4f}"] if pd.notna(row["paper_ssim"]) else []
        cells = [
            estimate_cell(row, "ssim", "{:.3f}", row["ssim_sd"]),
            cell(f"{row['residual_rms']:.1%}"),
            cell(f"{row['edges_kept']:.1%}"),
            _inverted(row["inverted"], row["images"]),
            cell(paper, spread, "paper"),
        ]
        rows.append({"name": row["title"], "style": "bad" if row["inverted"] else "", "cells": cells})
    return page_table(columns, rows)


def p_value(value: float) -> str:
    """Three decimals, or what it is below."""
    if np.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _p_cell(row: Any) -> Cell:
    if np.isnan(row["p_raw"]):
        return cell("–")
    return cell(p_value(row["p_raw"]), [f"Holm {p_value(row['p_raw_holm'])}"])


def _inverted(count: Any, images: Any) -> Cell:
    if pd.isna(count):
        return cell("–")
    return cell(f"{int(count)} of {int(images)}", style="bad" if count else "")


def _study_cells(row: Any) -> list[Cell]:
    own_or_raw = row["method"] in (OWN, RAW)
    spread = [f"± {PAPER_OWN_SD}"] if row["method"] == OWN and not pd.isna(row["paper_auc"]) else []
    return [
        cell("–" if own_or_raw else ("yes" if row["transductive"] else "no")),
        cell(row["guarantee_class"] or "–"),
        _inverted(row["inverted"], row["pictures"]),
        cell(number(row["paper_auc"], "{:.2f}"), spread, "paper"),
    ]
