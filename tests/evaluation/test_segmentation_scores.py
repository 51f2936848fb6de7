"""Dice tables: mean, interval, worst decile."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.evaluation.segmentation_scores import summarize_scores, worst_decile, write_scores


def test_known_numbers() -> None:
    scores = np.arange(1, 21) / 20
    summary = summarize_scores(scores, [str(n) for n in range(20)])
    assert (summary.images, summary.worst) == (20, 0.05)
    assert summary.mean == pytest.approx(0.525)
    assert summary.worst_decile == pytest.approx(0.075)
    assert summary.tenth_percentile == pytest.approx(0.145)
    # Standard error of the mean: sd / sqrt(n), normal approximation.
    half = 1.96 * scores.std() / math.sqrt(20)
    assert summary.low == pytest.approx(0.525 - half, abs=0.02)
    assert summary.high == pytest.approx(0.525 + half, abs=0.02)


def test_of_distances_the_largest_are_the_worst() -> None:
    values, patients = np.arange(1, 21) / 20, [str(n) for n in range(20)]
    distances, scores = (summarize_scores(sign * values, patients, lower_is_better=sign > 0) for sign in (1, -1))
    assert distances.worst == 1
    assert distances.worst_decile == pytest.approx(0.975)
    assert distances.tenth_percentile == pytest.approx(0.905)
    assert (distances.mean, distances.low, distances.high) == pytest.approx((-scores.mean, -scores.high, -scores.low))


def test_images_of_one_patient_are_resampled_together() -> None:
    scores = np.repeat([0.5, 0.7, 0.9, 0.6], 8)
    alone = summarize_scores(scores, [str(n) for n in range(32)])
    grouped = summarize_scores(scores, [str(n // 8) for n in range(32)])
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.randoms())
def test_order_does_not_matter_and_the_parts_are_ordered(scores: list[float], random) -> None:
    summary = summarize_scores(scores, [str(n) for n in range(len(scores))])
    assert summary.worst <= summary.worst_decile <= summary.mean + 1e-12
    assert summary.worst <= summary.tenth_percentile
    shuffled = random.sample(scores, len(scores))
    again = summarize_scores(shuffled, [str(n) for n in range(len(scores))])
    assert again.worst_decile == pytest.approx(summary.worst_decile)
    assert len(worst_decile(scores)) == math.ceil(len(scores) / 10)


def test_empty_labels_are_left_out_and_told(tmp_path: Path, caplog) -> None:
    records = [{"image": f"/{n}.png", "file": f"{n}.png", "patient": str(n)} for n in range(4)]
    summary = write_scores(records, torch.tensor([[0.9], [math.nan], [0.4], [0.8]]), tmp_path)
    assert "1 of 4 images have an empty label" in caplog.text
    assert summary.images == 3
    table = pd.read_csv(tmp_path / "dice.csv")
    assert list(table["image"]) == ["2.png", "3.png", "0.png", "1.png"]
    assert list(table["worst_decile"]) == [True, False, False, False]
    (row,) = pd.read_csv(tmp_path / "dice_summary.csv").to_dict("records")
    assert row["mean"] == pytest.approx(0.7)
    assert row["worst_decile"] == pytest.approx(0.4)
    with pytest.raises(ValueError, match="none of 1 images has a score"):
        summarize_scores([math.nan], ["a"])


def test_scores_must_match_the_records(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="reshape"):
        write_scores([{"image": "a"}], [0.5, 0.6], tmp_path)
