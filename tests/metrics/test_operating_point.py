"""The threshold, what it does, and what a probability is worth; closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import (
    OperatingPoint,
    OperatingThresholdMetric,
    best_threshold,
    expected_calibration_error,
    operating_point,
)

cases = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=30).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def test_the_threshold_lies_half_way_to_the_next_lower_score() -> None:
    labels, scores = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.4, 0.5, 0.8, 0.9]
    assert best_threshold(labels, scores) == pytest.approx(0.3)
    assert operating_point(labels, scores, 0.3) == OperatingPoint(1.0, pytest.approx(2 / 3))
    assert operating_point(labels, scores, 0.5) == OperatingPoint(pytest.approx(2 / 3), pytest.approx(2 / 3))
    # A score that is always wrong: all are called ill, at the lowest score.
    assert best_threshold([1, 0], [0.0, 1.0]) == 0.0


@given(cases)
def test_no_threshold_is_better(rows: list[tuple[int, int]]) -> None:
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    chosen = operating_point(labels, scores, best_threshold(labels, scores))
    for threshold in np.arange(-0.5, 21):
        other = operating_point(labels, scores, threshold)
        assert chosen.sensitivity + chosen.specificity >= other.sensitivity + other.specificity - 1e-12


def test_a_missing_class_has_no_rate() -> None:
    point = operating_point([1, 1], [0.2, 0.7], 0.5)
    assert point.sensitivity == 0.5
    assert np.isnan(point.specificity)


def test_the_metric_collects_batches() -> None:
    metric = OperatingThresholdMetric()
    metric(torch.tensor([[0.1], [0.9]]), torch.tensor([[0.0], [1.0]]))
    metric([torch.tensor([0.3])], [torch.tensor([0.0])])
    assert float(metric.aggregate()) == pytest.approx(0.6)
    metric.reset()
    metric(torch.tensor([[0.1]]), torch.tensor([[0.0]]))
    assert torch.isnan(metric.aggregate())


def test_a_score_that_is_no_number_is_on_no_side() -> None:
    for measure in (best_threshold, lambda labels, scores: operating_point(labels, scores, 0.5)):
        with pytest.raises(InputError, match="1 of 2 scores are NaN"):
            measure([0, 1], [0.2, float("nan")])
    metric = OperatingThresholdMetric()
    metric(torch.tensor([[0.2], [float("nan")]]), torch.tensor([[0.0], [1.0]]))
    assert torch.isnan(metric.aggregate())


def test_calibration_error_in_closed_form() -> None:
    labels, probabilities = [0, 1, 1, 1], [0.2, 0.2, 0.9, 0.9]
    # Two bins of two images: |0.2 - 0.5| and |0.9 - 1|.
    for equal in ("width", "mass"):
        assert expected_calibration_error(labels, probabilities, equal=equal) == pytest.approx(0.2)
    assert expected_calibration_error(labels, probabilities, bins=1) == pytest.approx(0.55 - 0.75 + 0.4)
    assert expected_calibration_error([0, 1], [0.0, 1.0]) == 0
    assert expected_calibration_error([1, 0], [0.0, 1.0]) == 1


def test_bins_of_equal_mass_tell_apart_what_one_bin_mixes() -> None:
    labels, probabilities = [1, 1, 0, 0], [0.50, 0.51, 0.52, 0.53]
    assert expected_calibration_error(labels, probabilities, bins=2) == pytest.approx(0.015)
    assert expected_calibration_error(labels, probabilities, bins=2, equal="mass") == pytest.approx(0.51)


@given(st.integers(1, 20), st.sampled_from(["width", "mass"]), st.integers(0, 2**31))
def test_a_calibrated_score_has_none_and_no_error_exceeds_one(bins: int, equal: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    share = random.integers(0, 5, 40) / 4
    labels = np.concatenate([np.arange(4) < 4 * value for value in share]).astype(int)
    assert expected_calibration_error(labels, share.repeat(4), bins, equal) == pytest.approx(0, abs=1e-12)
    assert 0 <= expected_calibration_error(labels, random.random(160), bins, equal) <= 1


def test_errors() -> None:
    for wrong in ({"bins": 0}, {"equal": "height"}):
        with pytest.raises(InputError, match="bins and equal are"):
            expected_calibration_error([0], [0.5], **wrong)
    for probabilities in ([], [1.5], [float("nan")]):
        with pytest.raises(InputError, match=r"expected equal|outside \[0, 1\]"):
            expected_calibration_error([0] * len(probabilities), probabilities)
