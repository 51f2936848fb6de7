import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from monai_harmonize.metrics.radial_gain import filtered_residual
from monai_harmonize.networks.site_spectral_filter import SiteSpectralFilter


def texture(shape=(120, 96), seed=0):
    noise = np.random.default_rng(seed).standard_normal(shape)
    image = sum(scale * gaussian_filter(noise, scale) for scale in (1, 3, 9))
    return (0.5 + 0.1 * image / image.std()).clip(0.05, 0.95).astype(np.float32)


def filtered(image, gain_at):
    spectral = SiteSpectralFilter()
    frequencies = spectral.frequencies.numpy().astype(np.float64)
    spectral.set_gain(frequencies, gain_at(np.log2(frequencies)), per_millimetre=False)
    return spectral(torch.from_numpy(image)[None, None])[0, 0].numpy()


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.mark.parametrize("shape", [(120, 96), (64, 64)])
@pytest.mark.parametrize("gains", [(1.0, 1.3, 1.8), (1.0, 0.9, 0.6), (1.0, 0.8, 1.3)])
def test_a_smooth_gain_within_bounds_is_explained(shape, gains):
    image = texture(shape)
    output = filtered(image, lambda octave: np.interp(octave, [2, 3.5, 5], gains))
    assert rms(filtered_residual(output, image)) < 0.15 * rms(output - image)
    assert rms(filtered_residual(output, image)) < 0.004


def test_a_curve_and_a_gain_are_explained_together():
    image = texture()
    output = filtered(image**1.5, lambda octave: np.interp(octave, [1, 5], [1.0, 1.6]))
    assert rms(filtered_residual(output, image)) < 0.1 * rms(output - image)


def test_a_gain_beyond_the_bounds_is_not():
    image = texture()
    output = filtered(image, lambda octave: np.interp(octave, [1, 5], [1.0, 2.0]))
    assert rms(filtered_residual(output, image, gain_range=(0.9, 1.1))) > 5 * rms(filtered_residual(output, image))


def test_what_is_painted_stays_in_the_residual():
    image = texture()
    output = image.copy()
    output[40:52, 30:42] += 0.2
    residual = filtered_residual(output, image)
    assert residual[42:50, 32:40].mean() > 0.1
    residual[36:56, 26:46] = 0
    assert rms(residual) < 0.02


def test_more_rounds_fit_better():
    image = texture()
    output = filtered(image**2, lambda octave: np.interp(octave, [0, 4], [0.7, 1.8]))
    assert rms(filtered_residual(output, image, rounds=4)) < rms(filtered_residual(output, image, rounds=0))


def test_errors():
    with pytest.raises(ValueError, match="differ in shape"):
        filtered_residual(texture(), texture()[1:])
    with pytest.raises(ValueError, match="too small"):
        filtered_residual(texture((40, 5)), texture((40, 5)))
