"""The statistics of a watch, on numbers whose answer is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from monai_harmonize.engines.watch.alarm import BEGINS, ENDS, Alarm, Limit
from monai_harmonize.engines.watch.gradients import summarized
from monai_harmonize.engines.watch.measures import (
    dependence,
    depth_ratio,
    falls,
    grey_level_gap,
    no_better_than_grey,
    rise,
    separation,
    spread,
    swing,
)
from monai_harmonize.engines.watch.pictures import small

random = np.random.default_rng(0)
finite = st.floats(-100, 100)


def test_spread_is_the_deviation_over_images_not_over_pixels() -> None:
    assert spread(np.stack([np.arange(9.0)] * 5)) == 0
    assert spread(np.array([[1.0, 5.0], [-1.0, 5.0]])) == pytest.approx(math.sqrt(0.5))


def test_dependence_of_another_contrast_of_noise_and_of_nothing() -> None:
    inputs = random.normal(size=(30, 8, 8))
    assert dependence(3 - 2 * inputs, inputs) == pytest.approx(1)
    assert abs(dependence(random.normal(size=(30, 8, 8)), inputs)) < 0.2
    assert dependence(np.ones((30, 8, 8)), inputs) == 0
    assert dependence(inputs, np.ones((30, 8, 8))) == 1


@given(st.floats(-5, 5))
def test_gap_of_shifted_grey_levels_is_the_shift_in_deviations(shift: float) -> None:
    real = np.array([-1.0, 1.0, 3.0, 5.0])
    assert grey_level_gap(real + shift, real) == pytest.approx(abs(shift) / math.sqrt(5))


def test_gap_to_images_without_contrast() -> None:
    assert grey_level_gap(np.zeros(3), np.zeros(4)) == 0
    assert grey_level_gap(np.ones(3), np.zeros(4)) == math.inf


@given(st.lists(finite, min_size=1, max_size=20), st.lists(finite, min_size=1, max_size=20))
def test_separation_is_the_area_under_the_curve(real: list[float], generated: list[float]) -> None:
    expected = roc_auc_score([1] * len(real) + [0] * len(generated), real + generated)
    assert separation(np.array(real), np.array(generated)) == pytest.approx(expected)


def test_depth_ratio_of_a_chain_that_loses_a_factor_per_layer() -> None:
    # First three of nine layers: medians at the second and the eighth.
    assert depth_ratio(4.0 ** np.arange(9)) == pytest.approx(4.0**-6)
    assert depth_ratio(np.array([math.nan, 1.0, 2.0, 3.0, math.nan, 4.0])) == pytest.approx(1 / 4)
    assert math.isnan(depth_ratio(np.ones(3)))
    assert math.isnan(depth_ratio(np.zeros(6)))


def test_rise_of_a_line_of_noise_and_of_a_small_loss() -> None:
    assert rise(np.array([1.0, 1.5, 2.0, 2.5, 3.0])) == pytest.approx(1)
    assert rise(np.array([3.0, 2.5, 2.0, 1.5, 1.0])) == 0
    assert rise(np.array([1.0, 3.0, 1.0, 3.0, 1.0])) == 0
    assert rise(np.array([1.0, 1.5, 2.0, 2.5, 3.0]), least=4) == pytest.approx(0.5)
    assert rise(np.zeros(5)) == 0


def test_swing_without_and_with_progress() -> None:
    assert swing(np.array([1.0, 3.0, 1.0, 3.0])) == pytest.approx(1)
    assert swing(np.array([4.0, 12.0, 1.0, 3.0])) == 0
    assert swing(np.ones(6)) == 0
    assert swing(np.array([1.0, 3.0, 1.0, 3.0]), least=8) == pytest.approx(0.25)


def test_a_history_falls_by_a_tenth_of_the_median_before() -> None:
    assert falls(np.array([2.0, 1.0, 3.0, 1.79]))
    assert not falls(np.array([2.0, 1.0, 3.0, 1.81]))
    assert falls(np.array([1.0, 5.0]))


def test_error_of_a_grey_image_is_one() -> None:
    image = random.uniform(-1, 1, (16, 16))
    deviation = np.abs(image - image.mean()).mean()
    assert no_better_than_grey(deviation, deviation) == 1
    assert math.isnan(no_better_than_grey(0.1, 0.0))


def test_an_alarm_needs_to_last_and_to_be_well_over() -> None:
    alarm = Alarm(Limit(0.5, 0.0), 2)
    # Recovery begins a fifth of the way back, at 0.4; NaN is no measurement.
    values = [0.5, 0.4, 0.6, math.nan, 0.5, 0.9, 0.45, 0.45, 0.4, 0.41, 0.3, 0.2, 0.1]
    told = [alarm.review(value) for value in values]
    assert told == [None] * 4 + [BEGINS] + [None] * 6 + [ENDS, None]


@given(st.floats(1e-6, 1e6), st.booleans())
def test_a_value_beyond_the_threshold_has_never_recovered(value: float, above: bool) -> None:
    for limit in (Limit(10.0, 1.0), Limit(10.0, 1.0, True)) if above else (Limit(0.1, 1.0), Limit(0.1, 1.0, True)):
        assert not (limit.beyond(value) and limit.recovered(value))
        assert limit.recovered(limit.healthy)


def test_recovery_of_a_ratio_is_a_fifth_of_the_orders_of_magnitude() -> None:
    limit = Limit(1e-5, 1.0, logarithmic=True)
    assert limit.recovered(1.0001e-4)
    assert not limit.recovered(0.9999e-4)


def test_gradients_are_summarized_over_looks_and_layers() -> None:
    # Three looks at four layers; the third had no gradient, and one look is broken.
    norms = np.array([[3.0, 4.0, -1.0, 0.0], [3.0, 4.0, -1.0, 0.0], [np.inf, 4.0, -1.0, 0.0]])
    looks = np.stack([norms, np.full_like(norms, 2.0)], axis=1)
    seen = summarized(looks, np.ones(4), left_out=0.25)
    assert seen.relative == pytest.approx(5 / math.sqrt(12))
    assert seen.not_finite == pytest.approx(1 - 0.75 * 2 / 3)
    assert math.isnan(seen.depth)
    assert summarized(np.full((2, 2, 3), np.inf), np.ones(3), 0.0).not_finite == 1


def test_layers_that_a_network_grows_later_are_no_broken_gradients() -> None:
    # Of six layers the last two have gradients in the second half of the looks only; then one is no number.
    norms = np.array([[1.0, 1.0, 2.0, 2.0, -1.0, -1.0]] * 2 + [[1.0, 1.0, 2.0, 2.0, 4.0, 4.0]] * 2)
    looks = np.stack([norms, np.full_like(norms, 2.0)], axis=1)
    seen = summarized(looks, np.ones(6), left_out=0.0)
    assert seen.not_finite == 0
    assert seen.depth == pytest.approx(1 / 4)
    sizes = [math.sqrt((2 + 8) / (4 * 4)), math.sqrt((2 + 8 + 32) / (6 * 4))]
    assert seen.relative == pytest.approx(np.mean(sizes))
    looks[3, 0, 5] = np.nan
    assert summarized(looks, np.ones(6), left_out=0.0).not_finite == 1 / 4


def test_gradients_per_weight_do_not_depend_on_the_size_of_a_layer() -> None:
    sizes = np.array([1.0, 100.0, 10_000.0, 1.0, 100.0, 10_000.0])
    looks = np.stack([np.sqrt(sizes), np.ones(6)])[None]
    assert summarized(looks, sizes, 0.0).depth == pytest.approx(1)


@pytest.mark.parametrize("shape", [(3, 1, 128, 96), (3, 2, 16, 16), (3, 1, 20, 24, 7)])
def test_small_versions_keep_the_mean_and_take_the_middle_slice(shape: tuple[int, ...]) -> None:
    images = torch.rand(*shape)
    images[..., 0, 0] = 0
    plane = images[..., shape[-1] // 2] if len(shape) == 5 else images
    version = small(images)
    assert version.shape == (3, 64, 64)
    torch.testing.assert_close(version.mean((1, 2)), plane.mean((1, 2, 3)), atol=5e-3, rtol=0)
