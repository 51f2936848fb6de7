"""Dice of single images to a table, with its mean, interval and worst decile."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.evaluation.resampling import bootstrap_weights, percentile_interval

__all__ = ["ScoreSummary", "summarize_scores", "worst_decile", "write_scores"]

logger = logging.getLogger(__name__)

RESAMPLES = 2000


@dataclass(frozen=True)
class ScoreSummary:
    """Scores of a set of images.

    Attributes:
        images: number of images with a score.
        mean: over these images.
        low: lower end of the 95 % bootstrap interval of the mean, patients resampled; NaN for one patient.
        high: upper end.
        worst_decile: mean over the worst tenth of the images.
        tenth_percentile: score that nine tenths of the images reach; of a distance, do not exceed.
        worst: score of the worst image.
    """

    images: int
    mean: float
    low: float
    high: float
    worst_decile: float
    tenth_percentile: float
    worst: float


def worst_decile(scores: ArrayLike) -> list[int]:
    """Places of the worst tenth of scores, worst first, at least one; NaN is no score."""
    values = np.asarray(scores, dtype=np.float64)
    order = [int(place) for place in np.argsort(values, kind="stable") if not math.isnan(values[place])]
    return order[: math.ceil(len(order) / 10)]


def summarize_scores(
    scores: ArrayLike, groups: Sequence[str], *, lower_is_better: bool = False, seed: int = 0
) -> ScoreSummary:
    """Mean with a percentile bootstrap interval over patients, and the worst images.

    Args:
        scores: one per image; NaN (an empty label) is left out.
        groups: patient of each image.
        lower_is_better: the scores are distances.
        seed: seed of the bootstrap.

    Raises:
        ValueError: no image has a score.
    """
    values = np.asarray(scores, dtype=np.float64)
    known = ~np.isnan(values)
    if not known.any():
        raise ValueError(f"none of {values.size} images has a score; are their labels empty?")
    kept, patients = values[known], [group for group, use in zip(groups, known, strict=True) if use]
    weights = bootstrap_weights(patients, RESAMPLES, np.random.default_rng(seed))
    low, high = percentile_interval(weights @ kept, float(kept.mean()))
    sign = -1 if lower_is_better else 1
    order = worst_decile(sign * kept)
    tenth = sign * float(np.quantile(sign * kept, 0.1))
    return ScoreSummary(
        len(kept), float(kept.mean()), low, high, float(kept[order].mean()), tenth, float(kept[order[0]])
    )


def write_scores(
    records: Sequence[Mapping[str, Any]],
    scores: ArrayLike,
    output_dir: str | PathLike[str],
    *,
    name: str = "dice",
    seed: int = 0,
) -> ScoreSummary:
    """Write ``<name>.csv``, the worst image first, and ``<name>_summary.csv``, and log the summary.

    Args:
        records: manifest records in the order of the scores; ``patient`` groups images, where known.
        scores: one per record, any shape with that many elements.
        output_dir: folder of the tables; made if missing.
        name: name of the score.
        seed: seed of the bootstrap.
    """
    values = np.asarray(scores, dtype=np.float64).reshape(len(records))
    summary = summarize_scores(values, [str(record.get("patient", record["image"])) for record in records], seed=seed)
    if summary.images < len(records):
        logger.warning("%d of %d images have an empty label and no score.", len(records) - summary.images, len(records))
    table = pd.DataFrame({"image": [record.get("file", record["image"]) for record in records], name: values})
    table["worst_decile"] = table.index.isin(worst_decile(values))
    tables = {name: table.sort_values(name, kind="stable"), f"{name}_summary": pd.DataFrame([asdict(summary)])}
    for stem, content in tables.items():
        with atomic_path(Path(output_dir) / f"{stem}.csv") as temporary:
            content.to_csv(temporary, index=False, float_format="%.5f")
    logger.info(
        "%s of %d images: mean %.4f (95 %% interval %.4f to %.4f), worst decile %.4f, worst image %.4f.",
        name, summary.images, summary.mean, summary.low, summary.high, summary.worst_decile, summary.worst,
    )  # fmt: skip
    return summary
