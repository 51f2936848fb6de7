"""Mean power spectra: densities in closed form, at any resolution."""

import math

import numpy as np
import pytest
import torch

from monai_harmonize.metrics.radial_spectrum import BINS_PER_OCTAVE, RadialSpectrum, octave_frequencies


def noise(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("size", "spacing"), [((256, 200), (0.2, 0.3)), ((48, 40, 44), (1.0, 0.5, 2.0))])
def test_white_noise_has_its_variance_times_the_pixels_volume_at_every_frequency(size, spacing) -> None:
    spectrum = RadialSpectrum(12, 0.5 / max(spacing) / 4)
    for seed in range(4):
        spectrum.add(3.0 * noise(*size, seed=seed), spacing)
    known = np.isfinite(spectrum.density)
    assert known.sum() == 9
    # Taking the usual steepness out of a bin biases a flat spectrum by some percent.
    np.testing.assert_allclose(spectrum.density[known] / (9.0 * math.prod(spacing)), 1, atol=0.25)
    assert spectrum.density[known].mean() == pytest.approx(9.0 * math.prod(spacing), rel=0.12)


def test_a_sinusoid_stands_in_the_bin_of_its_frequency() -> None:
    place = torch.arange(256) * 0.25
    frequency = 0.5
    image = torch.cos(2 * math.pi * frequency * place)[:, None].expand(256, 256)
    spectrum = RadialSpectrum(31, 2.0**-4)
    spectrum.add(image, (0.25, 0.25))
    assert np.nanargmax(spectrum.density) == 3 * BINS_PER_OCTAVE
    np.testing.assert_allclose(spectrum.frequencies[3 * BINS_PER_OCTAVE], frequency)


def test_bins_are_a_quarter_of_an_octave_and_reach_no_further_than_the_image() -> None:
    np.testing.assert_allclose(octave_frequencies(9, 0.25)[[0, 4, 8]], [0.25, 0.5, 1.0])
    spectrum = RadialSpectrum(40, 2.0**-5)
    spectrum.add(noise(64, 64), (1.0, 1.0))
    known = np.flatnonzero(np.isfinite(spectrum.density))
    assert spectrum.frequencies[known[0]] >= 1 / 64 * 0.9
    # A bin takes what lies up to its neighbours.
    assert 0.5 <= spectrum.frequencies[known[-1]] < 0.5 * 2**0.25 * 1.001


def test_images_of_any_resolution_add_up() -> None:
    """Noise of a fixed physical scale, sampled twice as finely, has the same density where both reach."""
    coarse, fine, both = (RadialSpectrum(16, 0.05) for _ in range(3))
    for seed in range(6):
        scene = torch.nn.functional.interpolate(noise(1, 1, 64, 64, seed=seed), scale_factor=8, mode="bicubic")[0, 0]
        rasters = [torch.nn.functional.avg_pool2d(scene[None], step)[0] for step in (2, 1)]
        for spectrum, raster, spacing in ((coarse, rasters[0], 0.25), (fine, rasters[1], 0.125)):
            spectrum.add(raster, (spacing, spacing))
            both.add(raster, (spacing, spacing))
    np.testing.assert_allclose(coarse.density[:12], fine.density[:12], rtol=0.15)
    np.testing.assert_allclose(both.density, (coarse.density + fine.density) / 2)
    assert (coarse.images, fine.images, both.images) == (6, 6, 12)


def test_the_mean_does_not_count_and_the_scale_counts_squared() -> None:
    image = noise(64, 64)
    densities = []
    for changed in (image, image + 100, 3 * image):
        spectrum = RadialSpectrum(10, 0.1)
        spectrum.add(changed, (1.0, 1.0))
        densities.append(spectrum.density)
    np.testing.assert_allclose(densities[1], densities[0], rtol=0.01)
    np.testing.assert_allclose(densities[2], 9 * densities[0], rtol=1e-4)


def test_an_image_without_an_inside_tells_nothing() -> None:
    spectrum = RadialSpectrum(4, 0.1)
    spectrum.add(torch.ones(2, 2), (1.0, 1.0))
    assert spectrum.images == 0
    assert np.isnan(spectrum.density).all()


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 2\) holds NaN"):
        RadialSpectrum(4, 0.1).add(torch.tensor([[0.0, float("nan")]]), (1.0, 1.0))
