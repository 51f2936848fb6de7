import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import structural_similarity as skimage_ssim
from sklearn.isotonic import IsotonicRegression

from monai_harmonize.metrics import gradient_agreement, monotone_fit, monotone_residual, structural_similarity

Image = NDArray[np.float32]


def textured(seed: int = 0, shape: tuple[int, ...] = (64, 48), levels: int = 256) -> Image:
    noise = np.random.default_rng(seed).random(shape)
    axes = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    image = 0.6 * axes[0] + 0.3 * np.sin(9 * axes[1]) ** 2 + 0.1 * noise
    return (np.round(image * (levels - 1)) / (levels - 1)).astype(np.float32)


def rms(values: Image) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def test_ssim_equals_skimage_on_the_same_windows() -> None:
    first, second = textured(0), np.clip(textured(1) ** 1.5 + 0.05, 0, 1).astype(np.float32)
    _, full = skimage_ssim(
        first,
        second,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert structural_similarity(first, second) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-5)


def test_ssim_is_one_for_equal_and_lower_after_any_change() -> None:
    image = textured()
    assert structural_similarity(image, image) == pytest.approx(1)
    assert structural_similarity(image * 0.5, image) < 0.95


def test_ssim_uses_a_fixed_range() -> None:
    image = textured()
    faint, faint_blurred = 0.01 * image, 0.01 * image[::-1].copy()
    assert structural_similarity(faint, faint_blurred) > 0.9


def test_ssim_of_a_volume() -> None:
    volume = textured(shape=(16, 14, 12))
    assert structural_similarity(volume, volume) == pytest.approx(1)


def test_ssim_refuses_images_smaller_than_its_window() -> None:
    with pytest.raises(ValueError, match="11 pixel window"):
        structural_similarity(np.zeros((10, 40)), np.zeros((10, 40)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.floats(0, 5), min_size=4, max_size=12))
def test_no_increasing_curve_leaves_a_residual(seed: int, slopes: list[float]) -> None:
    image = textured(seed)
    curve = np.concatenate([[0], np.cumsum(slopes)]) / max(sum(slopes), 1e-9)
    output = np.interp(image, np.linspace(0, 1, len(curve)), curve).astype(np.float32)
    assert np.abs(monotone_residual(output, image)).max() < 1e-6


def test_fit_equals_isotonic_regression_on_all_pixels() -> None:
    image = textured(0)
    output = image**2 + 0.1 * textured(3)[::-1]
    full = IsotonicRegression(out_of_bounds="clip").fit(image.ravel(), output.ravel()).predict(image.ravel())
    np.testing.assert_allclose(monotone_fit(output, image), full.reshape(image.shape), atol=1e-6)


def test_16_bit_input_of_a_steep_curve_leaves_less_than_a_level() -> None:
    image = textured(0, (200, 200), levels=65536)
    output = np.clip(4 * image - 1, 0, 1).astype(np.float32)
    assert rms(monotone_residual(output, image)) < 1e-3


def test_residual_shows_an_added_disc_where_it_is_and_how_strong() -> None:
    image = textured(0, (96, 96))
    rows, columns = np.ogrid[:96, :96]
    disc = (rows - 60) ** 2 + (columns - 30) ** 2 < 64
    residual = monotone_residual((np.sqrt(image) + 0.2 * disc).astype(np.float32), image)
    assert residual[disc].mean() == pytest.approx(0.2, abs=0.02)
    assert np.abs(residual[~disc]).mean() < 0.02


def test_residual_of_an_inverted_output_is_its_whole_contrast() -> None:
    image = textured()
    assert rms(monotone_residual(1 - image, image)) == pytest.approx(float(image.std()), rel=1e-3)


def test_number_of_levels_matters() -> None:
    image = textured(levels=65536)
    assert rms(monotone_residual(image**3, image, levels=8)) > 10 * rms(monotone_residual(image**3, image))


def test_gradient_agreement_of_kept_turned_lost_and_foreign_edges() -> None:
    image = textured(0, (96, 96))
    assert gradient_agreement(image, image) == 1
    assert gradient_agreement(image**0.5, image) > 0.99
    assert gradient_agreement(1 - image, image) == 0
    assert gradient_agreement(np.full_like(image, 0.3), image) == 0
    noise = np.random.default_rng(5).random((2, 96, 96))
    assert gradient_agreement(noise[0], noise[1]) == pytest.approx(0.5, abs=0.1)


def test_gradient_agreement_looks_at_the_strongest_edges_only() -> None:
    weak = 1e-2 * np.random.default_rng(0).random((64, 64))
    step = np.where(np.arange(64) < 32, 0.0, 0.8)[:, None] + weak
    output = np.where(np.arange(64) < 32, 0.0, 0.8)[:, None] + weak[::-1, ::-1]
    assert gradient_agreement(output, step, strongest=0.05) == 1
    assert gradient_agreement(output, step, strongest=1.0) < 0.8


def test_gradient_agreement_ignores_the_rounding_noise_of_wide_borders() -> None:
    image = np.zeros((100, 100), np.float32)
    image[40:60, 40:60] = 0.5
    noisy_border = image + 1e-7 * np.random.default_rng(0).random((100, 100)).astype(np.float32)
    assert gradient_agreement(image, noisy_border) == 1


def test_errors_name_the_problem() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        monotone_fit(np.zeros((4, 4)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match="NaN"):
        monotone_residual(np.full((4, 4), np.nan), np.zeros((4, 4)))
    with pytest.raises(ValueError, match="constant"):
        gradient_agreement(textured(), np.full((64, 48), 0.5))
