"""What the numbers of a study say, in sentences that a person can check against the tables."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from monai_harmonize.evaluation.classification.page_table import p_value
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW
from monai_harmonize.metrics.inversion import GLOBAL

__all__ = ["best", "finding", "inversions", "loss", "warnings"]

# Below this many images of a class, intervals by resampling are too narrow.
FEW_IMAGES = 30
# A p-value above it is no evidence.
LEVEL = 0.05


def loss(table: pd.DataFrame) -> str:
    """What the change of site costs the classifier."""
    rows = table.set_index("method")
    own, raw = rows.loc[OWN], rows.loc[RAW]
    interval = f" (95% interval {raw['loss_low']:.3f} to {raw['loss_high']:.3f})" if pd.notna(raw["loss_low"]) else ""
    text = f"AUC on its own site's images {own['auc']:.3f}, on the raw images of the other site {raw['auc']:.3f}"
    if pd.notna(raw["loss_low"]) and raw["loss_low"] <= 0:
        return f"{text}: a loss of {raw['loss']:.3f}{interval}. The data do not show that the change of site costs any."
    return f"{text}: the change of site costs {raw['loss']:.3f}{interval}."


def finding(row: pd.Series, raw: pd.Series, methods: int) -> str:
    """What one method of several does, and whether it is more than chance."""
    change = row["auc"] - raw["auc"]
    corrected = f", corrected for {methods} methods {_equals(row['p_raw_holm'])}" if methods > 1 else ""
    text = f"{row['title']}: AUC {row['auc']:.3f}, {change:+.3f} against raw (p {_equals(row['p_raw'])}{corrected})"
    if pd.notna(row["recovered"]):
        ends = f" ({row['recovered_low']:.0%} to {row['recovered_high']:.0%})" if pd.notna(row["recovered_low"]) else ""
        text += f"; {row['recovered']:.0%} of the loss recovered{ends}"
    if row["p_raw_holm"] > LEVEL:
        return f"{text}. Not more than chance."
    return f"{text}. {'Better' if change > 0 else 'Worse'} than raw."


def inversions(per_image: pd.DataFrame, titles: dict[str, str]) -> Iterator[str]:
    """A sentence for every method of a direction that turned light into dark, with the names of the images."""
    for method, table in per_image.groupby("method", sort=False):
        turned = table[table["inverted"]]
        if turned.empty:
            continue
        names = [f"{row.image}{'' if row.inversion == GLOBAL else ' (in places)'}" for row in turned.itertuples()]
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more, see per_image.csv" if len(names) > 10 else "")
        yield f"{titles[str(method)]} inverts {len(turned)} of {len(table)} image{'s' * (len(table) != 1)}: {shown}."


def warnings(table: pd.DataFrame, per_image: pd.DataFrame) -> Iterator[str]:
    """What a reader must know before believing a direction's numbers."""
    rows = table.set_index("method")
    raw = rows.loc[RAW]
    if (fewest := min(raw["positives"], raw["images"] - raw["positives"])) < FEW_IMAGES:
        yield f"The smaller class has only {fewest} images: intervals are rough and too narrow."
    if raw["patients"] < raw["images"]:
        yield f"{raw['images']} images are of {raw['patients']} patients; intervals and p-values count patients."
    if raw["seeds"] == 1:
        yield "One training of the classifier: what another would give is not known."
    seen = table.loc[table["transductive"].eq(True), "title"].tolist()
    if seen:
        yield f"Transductive, trained on the unlabelled test images as well: {', '.join(seen)}."
    failed = per_image[per_image["verdict"] == "fail"].groupby("method", sort=False).size()
    for method, count in failed.items():
        yield f"{rows.loc[method, 'title']}: {count} certificate{'s' * (count != 1)} failed."


def _equals(value: float) -> str:
    shown = p_value(value)
    return shown if shown.startswith("<") else f"= {shown}"


def best(table: pd.DataFrame, direction: str) -> str:
    """The headline of a direction: the method with the largest area, and whether it is more than chance."""
    rows = table.set_index("method")
    raw, own = rows.loc[RAW], rows.loc[OWN]
    methods = rows.drop(index=[OWN, RAW])
    if methods.empty:
        return f"{direction}: AUC {raw['auc']:.2f} raw, {own['auc']:.2f} on the classifier's own images."
    row = methods.loc[methods["auc"].idxmax()]
    text = f"{direction}: AUC {raw['auc']:.2f} raw, {row['auc']:.2f} with {row['title']}"
    if row["inverted"]:
        text += f", which inverts {int(row['inverted'])} of {int(row['pictures'])} images"
    text += f", {own['auc']:.2f} on own images"
    if row["p_raw_holm"] > LEVEL or row["auc"] <= raw["auc"]:
        return f"{text}; no method is shown to help."
    return f"{text}."
