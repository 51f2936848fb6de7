"""Frequency bands: they add up to the image, and their energies are what spatial filters give."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_harmonize.metrics.energy_bands import EnergyBands

SIGMAS = (32.0, 64.0, 128.0)


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return 5 + gaussian_filter(np.random.default_rng(0).normal(size=shape), 1)


@pytest.mark.parametrize("shape", [(64, 48), (20, 24, 32)])
def test_energies_are_those_of_differences_of_gaussians(shape: tuple[int, ...]) -> None:
    image = noise(shape)
    widths = [sigma * max(shape) / 1024 for sigma in SIGMAS]
    blurs = [image, *(gaussian_filter(image, width, mode="reflect", truncate=8) for width in widths)]
    bands = [fine - coarse for fine, coarse in pairwise(blurs)] + [blurs[-1]]
    found = EnergyBands(image, sigmas=SIGMAS)
    # A Gaussian sampled at pixels is nearly the continuous one from a width of one pixel on.
    np.testing.assert_allclose(found.energies(), [band.std() for band in bands], rtol=1e-3)
    assert found.low_pass_mean() == pytest.approx(image.mean(), rel=1e-9)


def test_the_sum_of_all_bands_is_the_image() -> None:
    image = noise((31, 40))
    np.testing.assert_allclose(EnergyBands(image).image(), image, atol=1e-12)
    bands = EnergyBands(image)
    bands.amplify(np.full(7, 3.0))
    np.testing.assert_allclose(bands.image(), 3 * image, atol=1e-11)


def test_a_mask_of_everything_measures_as_none() -> None:
    image = noise((64, 48))
    for measure in (EnergyBands.energies, EnergyBands.low_pass_mean):
        np.testing.assert_allclose(
            measure(EnergyBands(image, np.ones(image.shape, bool))), measure(EnergyBands(image)), rtol=1e-9
        )


def test_energies_are_measured_within_the_mask() -> None:
    image = noise((64, 64))
    image[:, 32:] *= 10
    inside = np.zeros(image.shape, bool)
    inside[:, :24] = True
    quiet, loud = EnergyBands(image, inside).energies(), EnergyBands(image, ~inside).energies()
    assert loud[3] > 5 * quiet[3]


def test_a_wave_lies_in_the_band_of_its_length_at_every_size() -> None:
    strongest = []
    for side in (128, 256):
        wave = np.cos(np.pi * 40 * (np.arange(side) + 0.5) / side)
        strongest.append(int(np.argmax(EnergyBands(np.tile(wave, (side, 1))).energies())))
    assert strongest[0] == strongest[1] == 4
