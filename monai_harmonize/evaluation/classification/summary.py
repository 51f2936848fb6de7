"""Scores of a classifier on a set of images: a table of images, and what it says about the classifier."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.evaluation.resampling import percentile_interval, stratified_bootstrap_weights
from monai_harmonize.metrics import expected_calibration_error, operating_point, weighted_auc

__all__ = ["ClassificationSummary", "stratified_auc_interval", "summarize_classification", "write_classification"]

logger = logging.getLogger(__name__)

RESAMPLES = 2000


@dataclass(frozen=True)
class ClassificationSummary:
    """What the scores of a set of images say about a classifier.

    Attributes:
        auc: area under the ROC curve.
        auc_low: lower end of its 95 % bootstrap interval, see ``stratified_auc_interval``.
        auc_high: upper end.
        sensitivity: at the threshold.
        specificity: at the threshold.
        threshold: probability from which on an image is called ill, chosen before on other images.
        ece: expected calibration error, 15 bins of equal width.
        images: number of images.
        positives: number of images with label 1.
    """

    auc: float
    auc_low: float
    auc_high: float
    sensitivity: float
    specificity: float
    threshold: float
    ece: float
    images: int
    positives: int


def stratified_auc_interval(
    labels: ArrayLike, scores: ArrayLike, groups: Sequence[str], *, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of the AUC; patients with and without a positive image are resampled separately.

    Args:
        labels: 0 or 1, ``(N,)``, both present.
        scores: higher is more ill, ``(N,)``.
        groups: patient of each image; all images of a patient are drawn together.
        seed: seed of the bootstrap.

    Returns:
        Both ends; the AUC itself twice where no resample changes it, as with perfectly separated classes.
    """
    classes, values = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    estimate = float(roc_auc_score(classes, values))
    weights = stratified_bootstrap_weights(groups, classes, RESAMPLES, np.random.default_rng(seed))
    # Where negative images are those of ill patients only, a resample can lack them; it has no AUC.
    complete = weights[weights[:, classes == 0].sum(axis=1) > 0]
    resampled: NDArray[np.float64] = weighted_auc(classes, values, complete)
    if np.ptp(resampled) == 0:
        return estimate, estimate
    return percentile_interval(resampled, estimate)


def summarize_classification(
    labels: ArrayLike, probabilities: ArrayLike, groups: Sequence[str], threshold: float, *, seed: int = 0
) -> ClassificationSummary:
    """Summary of probabilities; arguments as ``stratified_auc_interval``, the threshold as ``operating_point``."""
    classes, values = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    low, high = stratified_auc_interval(classes, values, groups, seed=seed)
    rates = operating_point(classes, values, threshold)
    return ClassificationSummary(
        auc=float(roc_auc_score(classes, values)),
        auc_low=low,
        auc_high=high,
        sensitivity=rates.sensitivity,
        specificity=rates.specificity,
        threshold=threshold,
        ece=expected_calibration_error(classes, values),
        images=len(classes),
        positives=int(classes.sum()),
    )


def write_classification(
    records: Sequence[Mapping[str, Any]],
    probabilities: ArrayLike,
    output_dir: str | PathLike[str],
    threshold: float,
    *,
    seed: int = 0,
) -> ClassificationSummary:
    """Write ``scores.csv`` (image, patient, label, probability) and ``summary.json``, and log the summary.

    Args:
        records: manifest records with ``label`` in the order of the probabilities; an image without ``patient`` is a
            patient of its own.
        probabilities: of label 1, one per record, any shape with that many elements.
        output_dir: folder of the files; made if missing.
        threshold: see ``ClassificationSummary``.
        seed: seed of the bootstrap.
    """
    values = np.asarray(probabilities, dtype=np.float64).reshape(len(records))
    names = [str(record.get("file", record["image"])) for record in records]
    patients = [str(record.get("patient", name)) for record, name in zip(records, names, strict=True)]
    labels = [int(record["label"]) for record in records]
    table = pd.DataFrame({"image": names, "patient": patients, "label": labels, "probability": values})
    with atomic_path(Path(output_dir) / "scores.csv") as temporary:
        table.to_csv(temporary, index=False)
    summary = summarize_classification(labels, values, patients, threshold, seed=seed)
    with atomic_path(Path(output_dir) / "summary.json") as temporary:
        temporary.write_text(json.dumps(asdict(summary), indent=4) + "\n", encoding="utf-8")
    logger.info(
        "%d images, %d positive: AUC %.4f (95 %% interval %.4f to %.4f), sensitivity %.4f and specificity %.4f at "
        "threshold %.4f, expected calibration error %.4f.",
        summary.images, summary.positives, summary.auc, summary.auc_low, summary.auc_high, summary.sensitivity,
        summary.specificity, summary.threshold, summary.ece,
    )  # fmt: skip
    return summary
