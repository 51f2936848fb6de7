"""Attenuation of soft tissue and bone for the spectrum of an X-ray tube.

Mass attenuation coefficients: J. H. Hubbell and S. M. Seltzer, NISTIR 5632 (soft tissue and cortical bone of
ICRU Report 44, aluminium). Spectrum: Kramers' law behind an aluminium filter, weighted by photon energy as an
energy-integrating detector does.
"""

import numpy as np
from numpy.typing import NDArray

ENERGY = np.array([30.0, 40.0, 50.0, 60.0, 80.0, 100.0])  # keV
SOFT_TISSUE = np.array([0.3790, 0.2688, 0.2264, 0.2048, 0.1823, 0.1693])  # cm^2/g
CORTICAL_BONE = np.array([1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855])
ALUMINIUM = np.array([1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704])
ALUMINIUM_DENSITY = 2.699  # g/cm^3
BIN_WIDTH = np.array([10.0, 10.0, 10.0, 15.0, 20.0, 20.0])  # keV


def tube_spectrum(kilovolt: float, filtration: float = 4.0) -> NDArray[np.float64]:
    """Share of the detected signal per energy bin (6,), summing to 1.

    Args:
        kilovolt: tube voltage in kV, 50 to 150.
        filtration: aluminium in mm.

    Raises:
        ValueError: for a voltage outside the table.
    """
    if not 50 <= kilovolt <= 150:
        raise ValueError(f"tube voltage must lie between 50 and 150 kV, got {kilovolt}")
    kramers = np.clip(kilovolt - ENERGY, 0, None) * BIN_WIDTH
    weights = kramers * np.exp(-ALUMINIUM * ALUMINIUM_DENSITY * filtration / 10)
    return np.asarray(weights / weights.sum())


def transmission(
    soft: NDArray[np.float64], bone: NDArray[np.float64], kilovolt: float, filtration: float = 4.0
) -> NDArray[np.float64]:
    """Fraction of the signal that passes (Beer-Lambert, summed over the spectrum).

    Args:
        soft: soft tissue in g/cm^2, any shape.
        bone: cortical bone in g/cm^2, same shape.
        kilovolt: tube voltage in kV.
        filtration: aluminium in mm.
    """
    passed = np.zeros_like(soft)
    for weight, mu_soft, mu_bone in zip(tube_spectrum(kilovolt, filtration), SOFT_TISSUE, CORTICAL_BONE, strict=True):
        passed += weight * np.exp(-(mu_soft * soft + mu_bone * bone))
    return passed
