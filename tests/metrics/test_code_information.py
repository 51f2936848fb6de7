"""Mutual information of codes and what is seen, against closed forms."""

import math

import numpy as np
import pytest
import torch

from monai_harmonize.data import InputError
from monai_harmonize.metrics.code_information import code_information
from monai_harmonize.metrics.visible_factors import VISIBLE_FACTORS, visible_factors


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_of_normal_numbers_the_closed_form_is_found(correlation: float) -> None:
    random = np.random.default_rng(0)
    code, other = random.normal(size=(2, 1000))
    seen = correlation * code + math.sqrt(1 - correlation**2) * other
    found = code_information(code, seen, permutations=19)
    truth = -math.log(1 - correlation**2) / 2
    assert found.nats == pytest.approx(truth, abs=0.06)
    assert max(0, found.nats - 0.15) < found.low <= truth <= found.high < found.nats + 0.15 or not correlation
    assert 0 <= found.chance < 0.09
    assert (found.p_value == 1 / 20) == (correlation > 0)


def test_intervals_hold_the_truth_and_are_not_much_wider_than_the_estimates_scatter() -> None:
    truth, found = -math.log(1 - 0.7**2) / 2, []
    for seed in range(20):
        code, other = np.random.default_rng(seed).normal(size=(2, 200))
        found.append(code_information(code, 0.7 * code + math.sqrt(0.51) * other, permutations=1, seed=seed))
    assert sum(each.low <= truth <= each.high for each in found) >= 18
    width = np.mean([each.high - each.low for each in found])
    assert 2 * 1.96 < width / np.std([each.nats for each in found], ddof=1) < 4 * 1.96


def test_more_images_are_surer() -> None:
    code, other = np.random.default_rng(1).normal(size=(2, 1600))
    few, many = (code_information(code[:count], (code + other)[:count]) for count in (100, 1600))
    assert few.high - few.low > 2 * (many.high - many.low)


def test_a_category_that_is_seen_tells_the_logarithm_of_its_values() -> None:
    random = np.random.default_rng(0)
    code = random.integers(3, size=600)
    seen = code + random.uniform(-0.2, 0.2, 600)
    found = code_information(code, seen, categorical=True, permutations=19)
    assert found.nats == pytest.approx(math.log(3), abs=0.02)
    assert found.chance < 0.1
    unseen = code_information(code, random.permutation(seen), categorical=True, permutations=19)
    assert unseen.nats < 0.1


def test_the_same_seed_finds_the_same() -> None:
    code, seen = np.random.default_rng(0).normal(size=(2, 50))
    assert code_information(code, seen, seed=3) == code_information(code, seen, seed=3)
    assert code_information(code, seen, seed=3).chance != code_information(code, seen, seed=4).chance


@pytest.mark.parametrize(
    ("codes", "seen", "permutations", "told"),
    [
        (np.zeros(7), np.zeros(7), 9, "8 images or more"),
        (np.zeros(9), np.zeros(8), 9, r"codes of shape \(9,\), a factor of shape \(8,\)"),
        (np.zeros(8), np.zeros(8), 0, "0 permutations"),
        (np.full(8, np.nan), np.zeros(8), 9, "NaN"),
    ],
)
def test_errors(codes, seen, permutations: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        code_information(codes, seen, permutations=permutations)


def test_factors_of_a_bright_rectangle_in_closed_form() -> None:
    image = torch.full((1, 1, 20, 10), -1.0)
    image[0, 0, 4:8, 5:10] = 1
    found = {name: value.item() for name, value in visible_factors(image).items()}
    assert tuple(found) == VISIBLE_FACTORS
    share = 20 / 200
    # Of n pixels side by side the variance is (n^2 - 1) / 12.
    expected = {
        "mean_level": 2 * share - 1,
        "contrast": 2 * math.sqrt(share * (1 - share)),
        "centre_x": 6 / 20,
        "centre_y": 7.5 / 10,
        "spread_x": math.sqrt(15 / 12) / 20,
        "spread_y": math.sqrt(24 / 12) / 10,
    }
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_black_image_has_its_centre_in_the_middle() -> None:
    found = visible_factors(torch.full((2, 1, 8, 8), -1.0))
    assert found["centre_x"].tolist() == pytest.approx([0.5, 0.5])
    assert found["contrast"].tolist() == [0, 0]
