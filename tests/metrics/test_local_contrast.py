import numpy as np
import pytest

from monai_harmonize.metrics.local_contrast import local_contrast_gain

NOISE = np.random.default_rng(0).random((50, 37))


@pytest.mark.parametrize("gain", [0.25, 1.0, -2.0, 0.0])
def test_gain_of_a_line_is_its_slope(gain: float) -> None:
    np.testing.assert_allclose(local_contrast_gain(gain * NOISE + 0.3, NOISE), gain, atol=1e-12)


def test_only_whole_windows_that_show_something_count() -> None:
    assert local_contrast_gain(NOISE, NOISE).shape == (6,)  # 3 x 2 windows of 16 pixels
    half = np.where(np.arange(50)[:, None] < 32, NOISE, 0.5)
    assert local_contrast_gain(half, half).shape == (4,)
    assert local_contrast_gain(0.01 * NOISE, 0.01 * NOISE).size == 0
    assert local_contrast_gain(0.01 * NOISE, 0.01 * NOISE, contrast=0.001).size == 6
    assert local_contrast_gain(NOISE, NOISE, window=10).shape == (15,)


def test_each_window_speaks_for_its_own_place() -> None:
    output = NOISE.copy()
    output[16:32, 16:32] *= -1
    np.testing.assert_allclose(local_contrast_gain(output, NOISE), [1, 1, 1, -1, 1, 1], atol=1e-12)


def test_small_images_and_volumes() -> None:
    assert local_contrast_gain(NOISE[:5, :7], NOISE[:5, :7]).shape == (1,)
    volume = np.random.default_rng(1).random((16, 32, 20))
    np.testing.assert_allclose(local_contrast_gain(3 * volume, volume), [3, 3])


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        local_contrast_gain(NOISE, NOISE[1:])
