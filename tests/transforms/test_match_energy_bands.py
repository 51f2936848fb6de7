import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import SiteReference
from monai_harmonize.metrics.energy_bands import EnergyBands
from monai_harmonize.transforms import MatchEnergyBands

RANDOM = np.random.default_rng(0)
SHAPE = (160, 128)


def image(slope: float) -> np.ndarray:
    """Noise whose spectrum falls off with a power of frequency."""
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, SHAPE), indexing="ij"))
    frequency[0, 0] = frequency[0, 1]
    return np.fft.ifft2(np.fft.fft2(RANDOM.normal(size=SHAPE)) / frequency**slope).real[None]


SITE = [100 + 20 * image(1.0) for _ in range(3)]
REFERENCE = SiteReference.fit(SITE)
WANTED = np.asarray(REFERENCE.channels[0].energies)


@pytest.mark.parametrize("slope", [0.7, 1.3])
def test_every_band_gets_the_sites_energy(slope: float) -> None:
    source = image(slope)
    assert np.abs(EnergyBands(source[0]).energies() / WANTED - 1).max() > 0.5
    result = MatchEnergyBands(REFERENCE, gain_range=(1e-3, 1e3), iterations=50)(source)
    found = EnergyBands(result[0])
    np.testing.assert_allclose(found.energies(), WANTED, rtol=0.01)
    assert found.low_pass_mean() == pytest.approx(REFERENCE.channels[0].low_pass_mean, rel=1e-6)


def test_one_pass_leaves_more_than_the_iteration() -> None:
    def off(iterations: int) -> float:
        result = MatchEnergyBands(REFERENCE, gain_range=(1e-3, 1e3), iterations=iterations)(image(1.3))
        return float(np.abs(EnergyBands(result[0]).energies() / WANTED - 1).max())

    assert off(1) > 2 * off(50)


def test_within_a_mask() -> None:
    inside = np.zeros(SHAPE, bool)
    inside[30:110, 20:90] = True
    reference = SiteReference.fit(SITE, [inside] * 3)
    source = image(1.2)
    source[:, :, 100:] *= 5
    result = MatchEnergyBands(reference, gain_range=(1e-3, 1e3), iterations=50)(source, inside)
    found = EnergyBands(result[0], inside)
    np.testing.assert_allclose(found.energies(), reference.channels[0].energies, rtol=0.01)
    assert found.low_pass_mean() == pytest.approx(reference.channels[0].low_pass_mean, rel=1e-6)


def test_an_image_with_the_sites_energies_stays() -> None:
    own = SiteReference.fit([SITE[0]])
    np.testing.assert_allclose(MatchEnergyBands(own)(SITE[0]), SITE[0], atol=0.05)


def test_gains_stay_within_their_range() -> None:
    """A blurred image gets its detail back four times at most, whatever the site's is."""
    blurred = gaussian_filter(SITE[0], (0, 3, 3))
    before, after = (EnergyBands(one[0]).energies() for one in (blurred, MatchEnergyBands(REFERENCE)(blurred)))
    assert before[0] < 0.05 * WANTED[0]
    assert after[0] < 4.5 * before[0]
    with pytest.raises(InputError, match="expected a range around 1"):
        MatchEnergyBands(REFERENCE, gain_range=(2.0, 4.0))


def test_gain_and_offset_before_it_have_no_effect() -> None:
    source = image(1.1)
    free = MatchEnergyBands(REFERENCE, gain_range=(1e-3, 1e3), iterations=50)
    np.testing.assert_allclose(free(2 * source + 9), free(source), atol=0.5)
