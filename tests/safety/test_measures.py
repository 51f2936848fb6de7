"""Numbers of a certificate against what is known in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.safety.measures import BLOB_LEVEL, measure
from monai_harmonize.safety.simulated_changes import checkerboard, random_curve, random_curve_and_filter


def film(shape=(96, 80), levels=256, seed=0):
    """Waves and a little noise, 0.1 to 0.9, on the levels of a file."""
    generator = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(0, 7, n) for n in shape), indexing="ij")
    image = 0.5 + 0.35 * np.sin(sum((k + 1) * axis for k, axis in enumerate(axes)) / 2)
    image += 0.05 * generator.standard_normal(shape)
    return (np.rint(image.clip(0.1, 0.9) * (levels - 1)) / (levels - 1)).astype(np.float32)


def test_identity():
    found = measure(film(), film(), stored_levels=256)
    numbers = found.measures
    assert numbers.residual_rms == pytest.approx(0, abs=1e-7)
    assert numbers.residual_max == pytest.approx(0, abs=1e-6)
    assert numbers.merged_levels == numbers.merged_pixels == numbers.widest_merge == numbers.clipped_pixels == 0
    assert numbers.gradient_agreement == numbers.ssim == pytest.approx(1, abs=1e-6)
    assert numbers.nmi == pytest.approx(2, abs=1e-6)
    assert numbers.rank_correlation == pytest.approx(1)
    for gain in ("minimum", "p01", "median", "p99"):
        assert getattr(numbers, f"contrast_gain_{gain}") == pytest.approx(1, abs=1e-4)
    assert found.blob is found.filtered_blob is None
    np.testing.assert_allclose(found.curve, found.levels, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([256, 4096, 65536]))
def test_any_increasing_curve_is_found_and_leaves_nothing(seed, levels):
    source = film(levels=levels, seed=seed)
    output = random_curve(source, np.random.default_rng(seed))
    found = measure(source, output, stored_levels=levels)
    assert found.measures.residual_rms < 1e-6
    assert found.measures.residual_max < 1e-5
    assert found.measures.contrast_gain_minimum >= 0.25 - 1e-3
    assert found.blob is None
    np.testing.assert_allclose(np.interp(source.astype(float), found.levels, found.curve), output, atol=1e-5)


def test_inversion_keeps_no_edge_and_explains_nothing():
    source = film()
    numbers = measure(source, 1 - source, stored_levels=256).measures
    assert numbers.gradient_agreement == 0
    assert numbers.rank_correlation == pytest.approx(-1, abs=1e-4)
    assert numbers.residual_rms == pytest.approx(float(source.std()), rel=1e-3)
    assert numbers.residual_relative == pytest.approx(1, rel=1e-3)
    assert numbers.contrast_gain_median == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_blob_of_known_size_place_and_amplitude(sign):
    source = film((160, 128))
    output = source.copy()
    output[40:50, 30:50] += sign * 0.08
    found = measure(source, output, stored_levels=256, spacing=(0.5, 2.0))
    blob = found.blob
    assert blob.pixels == pytest.approx(200, abs=2)
    assert blob.area == pytest.approx(200, abs=2)  # 0.5 mm * 2 mm
    assert blob.centre == pytest.approx((44.5, 39.5), abs=0.2)
    assert blob.amplitude == pytest.approx(sign * 0.08, rel=0.05)
    assert found.measures.blob_share == pytest.approx(200 / source.size, rel=0.02)
    assert found.measures.residual_p999 == pytest.approx(0.08, rel=0.05)


def test_blob_of_a_large_image_is_told_in_native_pixels():
    source = film((1024, 2048))
    output = source.copy()
    output[512:640, 1024:1152] += 0.1
    found = measure(source, output, stored_levels=256, spacing=(0.1, 0.1))
    assert found.source.size <= 512**2
    assert found.blob.pixels == pytest.approx(128**2, rel=0.05)
    assert found.blob.area == pytest.approx(163.84, rel=0.05)
    assert found.blob.centre == pytest.approx((575.5, 1087.5), abs=2)


def test_faint_residual_is_no_blob():
    source = film()
    output = source.copy()
    output[20:40, 20:40] += BLOB_LEVEL / 2
    assert measure(source, output, stored_levels=256).blob is None


def test_merged_levels_of_a_known_table():
    """Levels 0, 1, 2, 3, 5 of 8 become 0, 0, 1, 4, 4: four of five merge, over 1 + 2 + 4 + 5 of 15 pixels."""
    levels, counts = np.array([0, 1, 2, 3, 5]), [1, 2, 3, 4, 5]
    source = np.repeat(levels, counts).reshape(3, 5) / 7
    output = np.repeat([0, 0, 1, 4, 4], counts).reshape(3, 5) / 7
    numbers = measure(source.astype(np.float32), output.astype(np.float32), stored_levels=8).measures
    assert numbers.merged_levels == pytest.approx(4 / 5)
    assert numbers.merged_pixels == pytest.approx(12 / 15)
    assert numbers.widest_merge == pytest.approx(2 / 7)


def test_depth_decides_what_merges():
    source = film(levels=4096)
    numbers = {n: measure(source, 0.25 * source, stored_levels=n).measures.merged_levels for n in (4096, 65536)}
    assert numbers[4096] > 0.99
    assert numbers[65536] == 0


def test_clipped_pixels_are_those_that_were_not_at_the_end_before():
    source = film()
    source[:10] = 0  # a border that was black before
    share = float((source >= 0.75).mean())
    assert measure(source, source + 0.25, stored_levels=256).measures.clipped_pixels == pytest.approx(share, abs=5e-3)
    assert measure(source, source, stored_levels=256).measures.clipped_pixels == 0


def test_declared_curve_that_was_not_applied():
    source = film()
    knots, values = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.7, 1.0])
    honest = np.interp(source, knots, values).astype(np.float32)
    kept = measure(source, honest, stored_levels=256, declared_curve=(knots, values)).measures
    broken = measure(source, honest + 0.01, stored_levels=256, declared_curve=(knots, values)).measures
    assert kept.declared_curve_rms == pytest.approx(0, abs=1e-6)
    assert broken.declared_curve_rms == pytest.approx(0.01, rel=1e-3)
    assert broken.residual_rms < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_filter_explains_what_a_curve_cannot(seed):
    source = film((200, 160), seed=seed)
    output = random_curve_and_filter(source, np.random.default_rng(seed))
    numbers = measure(source, output, stored_levels=256).measures
    assert numbers.filtered_residual_rms < 0.35 * numbers.residual_rms


@pytest.mark.parametrize("seed", range(5))
def test_a_mild_filter_between_curves_is_explained_to_a_level(seed):
    source, near_1 = film((200, 160), seed=seed), (0.999, 1.001)
    options = {"gain_range": (0.625, 1.6), "second_slope_range": near_1}
    output = random_curve_and_filter(source, np.random.default_rng(seed), **options)
    numbers = measure(source, output, stored_levels=256).measures
    assert numbers.filtered_residual_rms < 0.5 * numbers.residual_rms
    assert numbers.filtered_residual_rms < 0.004


def test_filter_does_not_explain_a_checkerboard():
    source = film((200, 160))
    numbers = measure(source, checkerboard(source, np.random.default_rng(0)), stored_levels=256).measures
    assert numbers.filtered_residual_rms == pytest.approx(0.03, rel=0.05)
    assert numbers.residual_rms == pytest.approx(0.03, rel=0.05)


def test_volume():
    source = film((40, 36, 20))
    output = np.sqrt(source)
    output[10:20, 10:20, 5:15] += 0.1
    found = measure(source, output, stored_levels=256, spacing=(1.0, 1.0, 3.0))
    assert found.blob.pixels == pytest.approx(1000, rel=0.02)
    assert found.blob.area == pytest.approx(3000, rel=0.02)
    assert found.blob.centre == pytest.approx((14.5, 14.5, 9.5), abs=0.3)


def test_stack_of_few_slices_keeps_the_window_of_ssim():
    source = film((700, 600, 12))
    found = measure(source, source, stored_levels=256)
    assert found.source.shape[2] == 11
    assert found.measures.ssim == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 2), (3, 40), (9, 10)])
def test_tiny_images(shape):
    source = film(shape)
    numbers = measure(source, 1 - source, stored_levels=256).measures
    assert numbers.ssim is None
    assert np.isfinite(numbers.filtered_residual_rms)


def test_constant_image():
    flat = np.full((32, 32), 0.5, np.float32)
    numbers = measure(flat, flat, stored_levels=256).measures
    assert numbers.gradient_agreement is numbers.contrast_gain_minimum is numbers.nmi is None
    assert numbers.residual_rms == 0
    assert numbers.residual_relative is None
