"""The tables of a style study as HTML, the paper's numbers in a column or row of their own."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from monai_harmonize.evaluation.page_table import Cell, cell, estimate_cell, number, page_table
from monai_harmonize.evaluation.style.paper import PAPER_SEGMENTATION
from monai_harmonize.evaluation.style.study_folder import RAW

__all__ = ["segmentation_page_table", "style_page_table"]


def style_page_table(table: pd.DataFrame, distance: str, *, paper: bool) -> Markup:
    """Rows of Table 1.

    Args:
        table: see ``style_table``.
        distance: what ``lpips`` is to be called.
        paper: whether the paper's numbers stand beside.
    """
    columns = ["Network", f"{distance} to the input", "CIS", "Look recognized", "SSIM to the truth"]
    columns += ["Mean error to the truth", "Mean IoU, brought home"]
    columns += ["LPIPS, paper", "CIS, paper"] if paper else []
    rows = []
    for _, row in table.iterrows():
        cells: list[Cell] = [
            estimate_cell(row, "lpips", "{:.3f}"),
            estimate_cell(row, "cis", "{:.3f}"),
            estimate_cell(row, "recognized", "{:.0%}"),
            estimate_cell(row, "ssim_truth", "{:.3f}"),
            estimate_cell(row, "mae_truth", "{:.3f}"),
            estimate_cell(row, "mean_iou", "{:.3f}"),
        ]
        if paper:
            cells += [cell(number(row[name], "{:.3f}"), style="paper") for name in ("paper_lpips", "paper_cis")]
        rows.append({"name": row["title"], "style": "own" if row["method"] == RAW else "", "cells": cells})
    return page_table(columns, rows)


def segmentation_page_table(table: pd.DataFrame, looks: Mapping[str, str]) -> Markup:
    """Rows of Table 2, look by look, then the paper's.

    Args:
        table: see ``segmentation_table``.
        looks: names of the looks as the page shows them, in their order.
    """
    columns = ["Network, look", "Pixel accuracy", "Mean IoU", "Loss of plain, points", "Against plain, points"]
    columns += ["Share of the loss regained", "Patients"]
    rows = []
    for look, shown in looks.items():
        for _, row in table[table["look"] == look].iterrows():
            points = pd.Series(row)
            for name in ("loss", "change"):
                for end in ("", "_low", "_high"):
                    points[name + end] = 100 * row[name + end]
            cells: list[Cell] = [
                estimate_cell(row, "pixel_accuracy", "{:.2%}"),
                estimate_cell(row, "mean_iou", "{:.1%}", row["mean_iou_sd"]),
                estimate_cell(points, "loss", "{:+.1f}"),
                estimate_cell(points, "change", "{:+.1f}"),
                estimate_cell(row, "regained", "{:.0%}"),
                cell(str(row["patients"])),
            ]
            rows.append({"name": f"{row['title']}, {shown}", "style": "", "cells": cells})
    for name, (accuracy, iou) in PAPER_SEGMENTATION.items():
        cells = [cell(f"{accuracy:.2f}%", style="paper"), cell(f"{iou:.2f}%", style="paper")]
        cells += [cell("–", style="paper")] * 4
        rows.append({"name": f"{name}, paper", "style": "", "cells": cells})
    return page_table(columns, rows)
