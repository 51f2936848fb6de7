"""Tables 1 and 2 of the paper, ours and theirs side by side."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from monai_harmonize.evaluation.classification.paper import PAPER_AUC, PAPER_SSIM, paper_row
from monai_harmonize.evaluation.classification.pictures import Pictures
from monai_harmonize.evaluation.classification.recovery import area_rows
from monai_harmonize.evaluation.classification.scores import ScoreSet
from monai_harmonize.evaluation.classification.study import Study
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW, Direction
from monai_harmonize.evaluation.resampling import bootstrap_weights, percentile_interval

__all__ = ["per_image_table", "similarity_table", "table_2"]


def similarity_table(study: Study, pictures: Pictures, *, seed: int = 0, resamples: int = 2000) -> pd.DataFrame:
    """Table 1: SSIM of each method's images to their inputs, and how many of them are inverted."""
    patients = [str(record.get("patient", name)) for name, record in pictures.sources.items()]
    weights = bootstrap_weights(patients, resamples, np.random.default_rng(seed))
    rows = []
    for method in study.methods:
        table = pictures.per_image[pictures.per_image["method"] == method.name].set_index("image")
        table = table.loc[list(pictures.sources)]
        values = table["ssim_to_input"].to_numpy()
        low, high = percentile_interval(weights @ values, float(values.mean()))
        mean, sd = PAPER_SSIM.get(_answered(study, pictures.direction, method.name), (math.nan, math.nan))
        rows.append(
            {
                **_of(pictures.direction),
                "method": method.name,
                "title": method.title,
                "ssim": float(values.mean()),
                "ssim_sd": float(values.std(ddof=1)) if len(values) > 1 else math.nan,
                "ssim_low": low,
                "ssim_high": high,
                "residual_rms": float(table["residual_rms"].mean()),
                "edges_kept": float(table["gradient_agreement"].mean()),
                "inverted": int(table["inverted"].sum()),
                "guarantee_class": stated_class(table["guarantee_class"], method.guarantee_class),
                "images": len(table),
                "paper_ssim": mean,
                "paper_ssim_sd": sd,
            }
        )
    return pd.DataFrame(rows)


def stated_class(classes: pd.Series, default: str) -> str:
    """Guarantee class of a method's certificates; an overlay may give another one than the bundle's metadata."""
    known = set(classes) - {""}
    return str(known.pop()) if len(known) == 1 else default


def table_2(
    study: Study, direction: Direction, scores: ScoreSet, similarity: pd.DataFrame, *, seed: int, resamples: int
) -> pd.DataFrame:
    """Table 2: areas of own, raw and each method's images with all that `area_rows` gives, and what the method is."""
    known = {method.name: method for method in study.methods}
    pictures = similarity.set_index("method")
    rows = []
    for row in area_rows(scores, seed=seed, resamples=resamples):
        name = str(row["method"])
        method = known.get(name)
        title = {OWN: f"Own images of {direction.target}", RAW: f"Raw images of {direction.source}"}.get(name, name)
        rows.append(
            {
                **_of(direction),
                "method": name,
                "title": method.title if method else title,
                **{key: value for key, value in row.items() if key != "method"},
                "transductive": method.transductive if method else None,
                "guarantee_class": str(pictures.loc[name, "guarantee_class"]) if method else "",
                "harmonizer_seeds": len(method.harmonizer_seeds) if method else None,
                "inverted": int(pictures.loc[name, "inverted"]) if method else None,
                "pictures": int(pictures.loc[name, "images"]) if method else None,
                "paper_auc": PAPER_AUC.get(_answered(study, direction, name), math.nan),
            }
        )
    return pd.DataFrame(rows)


def per_image_table(pictures: Pictures, scores: ScoreSet) -> pd.DataFrame:
    """Numbers of single images, and the mean probability of the seeds before and after; empty where names differ."""
    probabilities = pd.concat(
        [
            pd.DataFrame(
                {
                    "method": name,
                    "image": found.images,
                    "patient": found.patients,
                    "label": found.labels,
                    "probability_raw": scores.others[RAW].probabilities.mean(axis=0),
                    "probability": found.probabilities.mean(axis=0),
                }
            )
            for name, found in scores.others.items()
            if name != RAW
        ]
    )
    table = pictures.per_image.merge(probabilities, on=["method", "image"], how="left")
    for place, (name, value) in enumerate(_of(pictures.direction).items()):
        table.insert(place, name, value)
    return table


def _answered(study: Study, direction: Direction, name: str) -> str:
    """The paper's row that ours answers, in the first direction: the paper has one."""
    return (paper_row(name) if direction == study.directions[0] else None) or ""


def _of(direction: Direction) -> dict[str, str]:
    return {"source": direction.source, "target": direction.target}
