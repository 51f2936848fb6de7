"""Honest changes keep their class's promise, and every damage is where and what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.safety import simulated_changes as changes

RAMP = np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**31))
def test_random_curve_keeps_its_slopes(seed):
    slopes = np.diff(changes.random_curve(RAMP, np.random.default_rng(seed)).ravel().astype(float)) * 4095
    assert slopes.min() >= 0.25 - 1e-2
    assert slopes.max() <= 4 + 1e-2


def test_curve_on_the_way_to_the_filter_leaves_room_at_the_ends():
    output = changes.random_curve_and_filter(
        RAMP, np.random.default_rng(0), gain_range=(0.999, 1.001), second_slope_range=(0.999, 1.001)
    )
    assert output.min() > 0.08
    assert output.max() < 0.92


def test_shading_keeps_the_order_of_neighbours_in_grey_but_is_no_curve():
    columns = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    output = changes.random_shading(columns, np.random.default_rng(0))
    assert np.ptp(output, axis=0).max() > 0.005


def disc(before, after):
    where = np.argwhere(before != after)
    return where.mean(axis=0) / before.shape, len(where)


@pytest.mark.parametrize("name", ["painted nodule", "erased region", "local inversion"])
@pytest.mark.parametrize("seed", range(3))
def test_damage_lies_in_a_lung_and_nowhere_else(name, seed):
    image = np.random.default_rng(9).random((200, 240)).astype(np.float32) * 0.5 + 0.2
    damaged = changes.DAMAGES[name](image, np.random.default_rng(seed))
    (column, row), size = disc(image, damaged)
    assert 0.2 < min(column, 1 - column) < 0.4
    assert 0.27 < row < 0.63
    assert size < np.pi * (0.1 * 200) ** 2


def test_damages_do_what_they_say():
    image, generator = (
        np.random.default_rng(9).random((100, 100)).astype(np.float32) * 0.5 + 0.25,
        np.random.default_rng(0),
    )
    assert (changes.painted_nodule(image, generator) - image).max() == pytest.approx(0.1, abs=5e-3)
    inverted = changes.local_inversion(image, generator)
    inside = inverted != image
    assert np.corrcoef(image[inside], inverted[inside])[0, 1] == pytest.approx(-1, abs=1e-4)
    erased = changes.erased_region(image, generator)
    assert erased[erased != image].std() < 0.2 * image.std()
    pattern = changes.checkerboard(image, generator) - image
    np.testing.assert_allclose(np.abs(pattern), changes.CHECKER_AMPLITUDE, atol=1e-6)
    np.testing.assert_allclose(pattern[1:], -pattern[:-1], atol=1e-6)
