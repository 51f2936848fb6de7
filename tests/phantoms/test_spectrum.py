"""Attenuation of the tube's spectrum."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.phantoms.spectrum import ENERGY, transmission, tube_spectrum


def bone_contrast(kilovolt: float) -> float:
    """Attenuation that 1 g/cm^2 of bone adds behind 15 g/cm^2 of tissue."""
    soft = np.full(2, 15.0)
    passed = transmission(soft, np.array([0.0, 1.0]), kilovolt)
    return float(np.log(passed[0] / passed[1]))


@given(st.floats(50, 150))
@settings(deadline=None)
def test_spectrum_is_a_distribution_below_the_voltage(kilovolt: float) -> None:
    weights = tube_spectrum(kilovolt)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert (weights[kilovolt <= ENERGY] == 0).all()


def test_higher_voltage_lowers_bone_contrast() -> None:
    contrasts = [bone_contrast(kilovolt) for kilovolt in (60, 80, 100, 125, 150)]
    assert all(before > after for before, after in pairwise(contrasts))
    assert contrasts[0] > 1.3 * contrasts[-1]


def test_filter_hardens_the_beam() -> None:
    assert tube_spectrum(100, 10.0) @ ENERGY > tube_spectrum(100, 1.0) @ ENERGY


def test_nothing_attenuates_nothing() -> None:
    np.testing.assert_allclose(transmission(np.zeros(3), np.zeros(3), 90), 1)


def test_beer_lambert_bounds() -> None:
    # Water of 20 cm passes between exp(-mu d) of the softest and the hardest photons of a 125 kV beam.
    passed = float(transmission(np.array([20.0]), np.zeros(1), 125)[0])
    assert np.exp(-0.379 * 20) < passed < np.exp(-0.1693 * 20)


@pytest.mark.parametrize("kilovolt", [20, 200, float("nan")])
def test_voltage_outside_the_table_is_refused(kilovolt: float) -> None:
    with pytest.raises(ValueError, match="between 50 and 150"):
        tube_spectrum(kilovolt)
