import numpy as np
import pytest

from monai_harmonize.metrics.calibration import expected_calibration_error


def test_zero_where_every_bin_keeps_its_word() -> None:
    probabilities = np.repeat([0.25, 0.75], 4)
    labels = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    assert expected_calibration_error(labels, probabilities) == 0


@pytest.mark.parametrize(
    ("labels", "probabilities", "expected"),
    [
        ([1, 1, 1, 1], [0.6] * 4, 0.4),
        ([0, 0], [1.0, 1.0], 1.0),
        # Two bins: |0.1 - 0.5| of 2 images of 3, |0.9 - 1| of the third.
        ([0, 1, 1], [0.1, 0.1, 0.9], (2 * 0.4 + 0.1) / 3),
    ],
)
def test_closed_forms(labels: list[int], probabilities: list[float], expected: float) -> None:
    assert expected_calibration_error(labels, probabilities) == pytest.approx(expected, abs=1e-12)


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    assert expected_calibration_error([0, 1], [1.0, 0.99]) == pytest.approx((1.0 - 0.01) / 2)


def test_one_bin_sees_only_the_mean() -> None:
    labels, probabilities = [0, 1], [0.9, 0.1]
    assert expected_calibration_error(labels, probabilities, bins=1) == pytest.approx(0)
    assert expected_calibration_error(labels, probabilities, bins=2) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("labels", "probabilities", "bins", "words"),
    [
        ([0, 1], [0.5], 15, "shape"),
        ([], [], 15, "shape"),
        ([0, 2], [0.5, 0.5], 15, "expected 0 and 1"),
        ([0, 1], [0.5, 1.2], 15, "outside"),
        ([0, 1], [0.5, float("nan")], 15, "outside"),
        ([0, 1], [0.5, 0.5], 0, "expected at least 1"),
    ],
)
def test_refuses(labels: list[int], probabilities: list[float], bins: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        expected_calibration_error(labels, probabilities, bins=bins)
