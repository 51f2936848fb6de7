"""Table 1 of Xu et al. and the comparison of extractors: what each network makes of the images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from monai_harmonize.evaluation.style.paired import PatientDraws, with_ends
from monai_harmonize.evaluation.style.paper import PAPER_CIS, PAPER_LPIPS, paper_row

__all__ = ["BACK", "SCORES", "TO", "style_table"]

# From the home look to another one, and from there to the home look.
TO, BACK = "to", "back"
# Columns of the scores by the way of which they are shown.
SCORES = {
    "lpips": TO,
    "cis": TO,
    "recognized": TO,
    "ssim_truth": TO,
    "mae_truth": TO,
    "mean_iou": BACK,
}


def style_table(
    scores: Mapping[tuple[str, str], pd.DataFrame],
    titles: Mapping[tuple[str, str], str],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> pd.DataFrame:
    """A row for each network.

    Args:
        scores: by method and extractor, a row per way (``to`` or ``back``), ``look`` and ``image`` with ``patient`` and
            the columns of ``SCORES``, NaN where there is no truth.
        titles: of the networks.
        seed: of the bootstrap; all networks share its resamples of patients.
        resamples: of the bootstrap.

    Returns:
        ``method``, ``extractor``, ``title``, the mean of every score over images and looks with its ends, ``images``,
        ``patients``, and ``paper_lpips`` and ``paper_cis`` of the paper's method.
    """
    everyone = pd.concat(scores.values())
    groups = {way: everyone.loc[everyone["way"] == way, "patient"].astype(str).tolist() for way in (TO, BACK)}
    draws = PatientDraws(groups, resamples, seed)
    rows: list[dict[str, Any]] = []
    for (method, extractor), table in scores.items():
        row: dict[str, Any] = {"method": method, "extractor": extractor, "title": titles[method, extractor]}
        for name, way in SCORES.items():
            found = table[table["way"] == way]
            row |= with_ends(name, draws.means(found["patient"].astype(str).tolist(), found[name].to_numpy()))
        answered = paper_row(method)
        row |= {
            "images": int(table["image"].nunique()),
            "patients": int(table["patient"].nunique()),
            "paper_lpips": PAPER_LPIPS.get(answered, np.nan),
            "paper_cis": PAPER_CIS.get(answered, np.nan),
        }
        rows.append(row)
    return pd.DataFrame(rows)
