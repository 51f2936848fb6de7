"""What a table of probabilities says about a classifier."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from monai_harmonize.evaluation.classification.summary import (
    stratified_auc_interval,
    summarize_classification,
    write_classification,
)


def normal_scores(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Both classes normal, one deviation apart."""
    labels = np.arange(count) % 2
    return labels, np.random.default_rng(seed).normal(labels)


def test_the_interval_has_the_width_of_hanley_and_mcneil() -> None:
    """Standard error of an AUC A of n and m images: Hanley and McNeil 1982, equation 1."""
    labels, scores = normal_scores(400, 0)
    low, high = stratified_auc_interval(labels, scores, [str(place) for place in range(400)])
    area = roc_auc_score(labels, scores)
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + 199 * (first - area**2) + 199 * (second - area**2)) / 200**2
    assert low < area < high
    assert (high - low) / (2 * 1.96) == pytest.approx(variance**0.5, rel=0.15)


def test_images_of_one_patient_are_drawn_together() -> None:
    labels, scores = normal_scores(60, 1)
    single = stratified_auc_interval(labels, scores, [str(place) for place in range(60)])
    twice = np.concatenate([labels, labels]), np.concatenate([scores, scores])
    names = [str(place) for place in range(60)] * 2
    assert stratified_auc_interval(*twice, names) == pytest.approx(single, abs=0.02)
    apart = stratified_auc_interval(*twice, [str(place) for place in range(120)])
    assert apart[1] - apart[0] < 0.85 * (single[1] - single[0])


def test_separated_classes_and_mixed_patients() -> None:
    assert stratified_auc_interval([0, 1], [0.1, 0.9], ["a", "b"]) == (1, 1)
    low, high = stratified_auc_interval([0, 1, 0, 1], [0.1, 0.9, 0.5, 0.4], ["a", "a", "b", "b"])
    assert 0 <= low < high <= 1
    # Half of the resamples hold no negative image.
    low, high = stratified_auc_interval([1, 1, 0], [0.3, 0.6, 0.5], ["a", "b", "b"])
    assert 0 <= low <= 0.5 <= high <= 1


def test_files_hold_what_was_given(tmp_path) -> None:
    records = [
        {"image": f"/x/{name}.png", "file": f"{name}.png", "label": label}
        for name, label in zip("abcd", [0, 0, 1, 1], strict=True)
    ]
    records[0]["patient"] = "007"
    summary = write_classification(records, np.array([[0.1], [0.6], [0.5], [0.9]]), tmp_path, 0.55)
    table = pd.read_csv(tmp_path / "scores.csv", dtype={"patient": str})
    assert list(table) == ["image", "patient", "label", "probability"]
    assert table["patient"].tolist() == ["007", "b.png", "c.png", "d.png"]
    assert table["probability"].tolist() == [0.1, 0.6, 0.5, 0.9]
    written = json.loads((tmp_path / "summary.json").read_text())
    assert (written["auc"], written["sensitivity"], written["specificity"]) == (0.75, 0.5, 0.5)
    assert (written["threshold"], written["images"], written["positives"]) == (0.55, 4, 2)
    assert written["ece"] == pytest.approx((0.1 + 0.6 + 0.5 + 0.1) / 4)
    assert written["auc_low"] <= 0.75 <= written["auc_high"]
    assert summary == summarize_classification([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], ["007", *"bcd"], 0.55)
