"""Several scores of label maps to tables: a row per image, a row per label that an image has, and a summary."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.segmentation_scores import summarize_scores

__all__ = ["write_label_scores"]

logger = logging.getLogger(__name__)

# Stands for all labels of an image in the summary.
ALL = "all"


@dataclass(frozen=True)
class LabelScore:
    """One score of all images.

    Args:
        name: column of the tables.
        of_images: ``(N,)``, NaN where the image has none.
        of_labels: ``(N, L)``, NaN where a label does not count; ``None`` for a score of whole images.
        lower_is_better: as a distance.
    """

    name: str
    of_images: NDArray[np.float64]
    of_labels: NDArray[np.float64] | None
    lower_is_better: bool


def write_label_scores(
    records: Sequence[Mapping[str, Any]],
    details: Mapping[str, Tensor | Sequence[Sequence[float]]],
    output_dir: str | PathLike[str],
    labels: Sequence[str],
    *,
    lower_is_better: Collection[str] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Write ``images.csv``, ``labels.csv`` and ``summary.csv``, and log the means.

    A distance that is infinite, because prediction or truth lacks the label, would hide all others in a mean. It is
    left out there and counted in a score of its own, ``<name>_absent``: the number of such labels of an image, or the
    share of such images of a label. Read the two together.

    Args:
        records: manifest records in the order of the scores; ``patient`` groups images, where known.
        details: by name, scores of images such as ``metric_details`` of an evaluator, ``(N, 1)`` for whole images or
            ``(N, L)`` with one per label but the background, or ``(N, L + 1)`` with the background, which then counts
            in the mean of an image; NaN where a label does not count.
        output_dir: folder of the tables; made if missing.
        labels: names of the L labels but the background.
        lower_is_better: names of those scores that are distances.
        seed: seed of the bootstrap.

    Returns:
        The summary: a row for the mean over the labels of an image (label "all") and one per label that occurs, with
        the 95 % bootstrap interval over patients and the worst images.

    Raises:
        InputError: a score has another number of images or labels, or a distance is no score.
    """
    unknown = sorted(set(lower_is_better) - details.keys())
    if unknown:
        raise InputError(f"lower_is_better names {', '.join(unknown)}; expected names out of {', '.join(details)}.")
    scores: list[LabelScore] = []
    for name, values in details.items():
        table = torch.as_tensor(values, dtype=torch.float64).cpu().numpy()
        scores.extend(parts_of(name, table, len(records), len(labels), name in lower_is_better))
    patients = [str(record.get("patient", record["image"])) for record in records]
    files = [record.get("file", record["image"]) for record in records]
    images = pd.DataFrame({"image": files, "patient": patients, **{score.name: score.of_images for score in scores}})
    rows = {score.name: score.of_labels.reshape(-1) for score in scores if score.of_labels is not None}
    by_label = pd.DataFrame({"image": np.repeat(files, len(labels)), "label": [*labels] * len(files), **rows})
    by_label = by_label.dropna(how="all", subset=[*rows]) if rows else by_label.head(0)
    summary = pd.DataFrame([row for score in scores for row in summaries(score, labels, patients, seed)])
    for name, table in {"images": images, "labels": by_label, "summary": summary}.items():
        with atomic_path(Path(output_dir) / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.5f")
    for row in summary[summary["label"] == ALL].itertuples() if len(summary) else ():
        logger.info(
            "%s of %d images: mean %.4f (95 %% interval %.4f to %.4f), worst image %.4f.",
            row.score, row.images, row.mean, row.low, row.high, row.worst,
        )  # fmt: skip
    return summary


def parts_of(name: str, values: NDArray[np.float64], images: int, labels: int, lower: bool) -> Iterator[LabelScore]:
    """The score, and for a distance of labels how often it is infinite."""
    if values.ndim != 2 or len(values) != images or values.shape[1] not in {1, labels, labels + 1}:
        raise InputError(
            f"{name} has scores of shape {values.shape}; expected a row for each of {images} images, with 1, {labels} "
            f"or {labels + 1} scores."
        )
    of_labels = values[:, -labels:] if values.shape[1] >= labels else None
    infinite = np.isinf(values)
    finite = np.where(infinite, np.nan, values)
    # Unlike numpy's, pandas' mean of nothing is NaN without a warning.
    yield LabelScore(name, pd.DataFrame(finite).mean(axis=1).to_numpy(), of_labels, lower)
    if lower and of_labels is not None:
        absent = np.where(np.isnan(of_labels), np.nan, np.isinf(of_labels))
        yield LabelScore(f"{name}_absent", np.nansum(absent, axis=1), absent, True)


def summaries(score: LabelScore, labels: Sequence[str], patients: Sequence[str], seed: int) -> Iterator[dict[str, Any]]:
    """Rows of the summary: all labels, then each label that has a score."""
    of_labels = np.empty((len(patients), 0)) if score.of_labels is None else score.of_labels
    columns = {ALL: score.of_images, **dict(zip(labels, of_labels.T, strict=False))}
    for label, values in columns.items():
        finite = np.where(np.isinf(values), np.nan, values)
        if not np.isnan(finite).all():
            summary = summarize_scores(finite, patients, lower_is_better=score.lower_is_better, seed=seed)
            yield {"score": score.name, "label": label, **asdict(summary)}
