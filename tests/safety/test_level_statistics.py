"""Statistics by level against those of all pixels at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.metrics import increasing_curve, level_index
from monai_harmonize.safety import image_pair
from monai_harmonize.safety.image_pair import ImagePair
from monai_harmonize.safety.level_statistics import CurveResidual, LevelStatistics

SHAPE, LEVELS = (24, 20), 64


@pytest.fixture(autouse=True, scope="module")
def small_slabs():
    """Several slabs in a small image."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_pair, "SLAB", 100)
        yield


def images(seed):
    generator = np.random.default_rng(seed)
    source = generator.integers(0, LEVELS, SHAPE) / (LEVELS - 1)
    output = 1.3 * source**2 - 0.1 + 0.1 * generator.standard_normal(SHAPE)
    return source.astype(np.float32), output.astype(np.float32)


@given(st.integers(0, 2**31))
def test_all_pixels_at_once_give_the_same(seed):
    source, output = images(seed)
    stored = output.clip(0, 1)
    pair = ImagePair(source, output, (0, 1))
    levels = LevelStatistics(pair, LEVELS, SHAPE)
    index = level_index(source, LEVELS)
    np.testing.assert_array_equal(levels.counts, np.bincount(index.ravel(), minlength=LEVELS))
    curve = increasing_curve(index, stored, LEVELS)
    np.testing.assert_allclose(levels.curve, curve, atol=1e-7)
    half = 0.5 / (LEVELS - 1)
    assert levels.clipped == np.count_nonzero((output < -half) & (source > 0) | (output > 1 + half) & (source < 1)) > 0
    np.testing.assert_array_equal(levels.source, source)
    np.testing.assert_array_equal(levels.harmonized, stored)
    residual = CurveResidual(pair, levels, SHAPE)
    left = stored - curve[index]
    assert residual.rms == pytest.approx(float(np.sqrt(np.mean(left**2))), rel=1e-5)
    assert residual.largest == pytest.approx(float(np.abs(left).max()), rel=1e-5)
    assert residual.spread == pytest.approx(float(stored.astype(float).std()), rel=1e-5)
    assert residual.percentile(0.9) == pytest.approx(float(np.quantile(np.abs(left), 0.9)), abs=2e-3)
    np.testing.assert_allclose(residual.reduced, left, atol=1e-6)
    knots, values = np.array([0, 0.3, 1]), np.array([0.1, 0.2, 0.9])
    declared = np.interp(index / (LEVELS - 1), knots, values)
    expected = float(np.sqrt(np.mean((stored - declared) ** 2)))
    assert residual.rms_from(knots, values) == pytest.approx(expected, rel=1e-5)


def test_a_constant_output_has_no_spread():
    source, _ = images(0)
    pair = ImagePair(source, np.full(SHAPE, 0.3, np.float32), (0, 1))
    residual = CurveResidual(pair, LevelStatistics(pair, LEVELS, SHAPE), SHAPE)
    assert residual.spread == pytest.approx(0, abs=1e-7)
    assert residual.rms == pytest.approx(0, abs=1e-7)
