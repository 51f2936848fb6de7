"""Counts of grey levels, by table and by sorting, against numpy."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import level_counts as module
from monai_harmonize.metrics.level_counts import LARGEST, level_counts

TYPES = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64, np.float32, np.float64]


def random_image(dtype: type, shape: tuple[int, ...] = (7, 40, 50)) -> np.ndarray:
    random = np.random.default_rng(0)
    if np.dtype(dtype).kind == "f":
        return random.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -int(LARGEST)), min(limits.max, int(LARGEST))
    return random.integers(low, high, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", TYPES)
def test_levels_and_counts_are_those_of_numpy(dtype: type) -> None:
    image = random_image(dtype)
    levels, counts = np.unique(image, return_counts=True)
    found = level_counts(image)
    np.testing.assert_array_equal(found.levels, levels.astype(np.float64))
    np.testing.assert_array_equal(found.counts, counts)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32])
def test_more_pixels_than_one_piece_hold(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 999)
    image = random_image(np.int16).astype(dtype)
    levels, counts = np.unique(image, return_counts=True)
    found = level_counts(image)
    np.testing.assert_array_equal(found.levels, levels)
    np.testing.assert_array_equal(found.counts, counts)


def test_a_fraction_or_a_wide_number_in_the_last_piece_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 10)
    for last in (0.5, 70000.0, -40000.0):
        image = np.append(np.arange(25.0), last)
        np.testing.assert_array_equal(level_counts(image).levels, np.sort(image))


def test_whole_numbers_are_not_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(np, "unique")
    for dtype in (np.int16, np.uint16, np.float32):
        assert level_counts(np.arange(-5, 5).astype(dtype)).counts.sum() == 10
    with pytest.raises(AttributeError):
        level_counts(np.array([0.5]))


def test_what_is_not_finite_and_what_lies_outside_the_mask_does_not_count() -> None:
    image = np.array([[1.0, np.nan, 2.0], [np.inf, 2.0, 9.0]])
    found = level_counts(image)
    np.testing.assert_array_equal(found.levels, [1, 2, 9])
    np.testing.assert_array_equal(found.counts, [1, 2, 1])
    inside = level_counts(image, np.array([[True, True, True], [True, False, False]]))
    np.testing.assert_array_equal(inside.levels, [1, 2])
    np.testing.assert_array_equal(inside.counts, [1, 1])
    assert not level_counts(image, np.zeros((2, 3), bool)).has_tone
    with pytest.raises(ValueError, match=r"mask of shape \(3,\)"):
        level_counts(image, np.ones(3, bool))


@given(
    hnp.arrays(np.int16, st.integers(1, 60), elements=st.integers(-20, 20)),
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
)
def test_percentiles_mean_and_deviation_are_those_of_numpy(image: np.ndarray, percentiles: list[float]) -> None:
    found = level_counts(image)
    np.testing.assert_allclose(found.percentiles(percentiles), np.percentile(image, percentiles), atol=1e-9)
    np.testing.assert_allclose([found.mean, found.deviation], [image.mean(), image.std()], atol=1e-9)


@given(hnp.arrays(np.int16, st.integers(1, 60), elements=st.integers(-20, 20)), st.floats(0.001, 1))
def test_a_quantile_is_the_lowest_level_that_holds_the_share(image: np.ndarray, share: float) -> None:
    level = level_counts(image).quantiles(share)
    assert level in image
    assert (image <= level).mean() >= share - 1e-9
    assert (image < level).mean() < share


def test_memory_order_is_a_view_of_any_dense_array() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    for one in (array, array.transpose(2, 0, 1), np.asfortranarray(array)):
        assert np.shares_memory(module.in_memory_order(one), one)


@pytest.mark.parametrize(
    ("extreme", "dtype", "told"),
    [
        (np.iinfo(np.int64).min, np.int64, "-9.22337e+18"),
        (np.iinfo(np.int64).max, np.int64, "9.22337e+18"),
        (np.iinfo(np.uint64).max, np.uint64, "1.84467e+19"),
        (1e300, np.float64, "1e+300"),
        (-1.7e308, np.float64, "-1.7e+308"),
        (3e38, np.float32, "3e+38"),
    ],
)
def test_levels_beyond_all_images_are_named(extreme: float, dtype: type, told: str) -> None:
    image = np.array([0, 1, extreme], dtype)
    with pytest.raises(InputError, match=rf"a grey level is {re.escape(told)}; expected at most 1e\+15 in size"):
        level_counts(image)
    assert level_counts(image, np.array([True, True, False])).levels.tolist() == [0, 1]


def test_levels_apart_by_less_than_rounding_are_no_tone() -> None:
    assert level_counts(np.array([0.0, 1e-29])).has_tone
    assert not level_counts(np.array([0.0, 1e-31])).has_tone
    assert level_counts(np.array([LARGEST - 1, LARGEST])).has_tone
