"""CT of a patient at a scanner: tube voltage, calibration, beam hardening, kernel and noise in Hounsfield units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spectrum import CORTICAL_BONE, SOFT_TISSUE, tube_spectrum

# Mass attenuation of iodine at the energies of `spectrum`, cm^2/g (NISTIR 5632; the K edge lies at 33 keV).
IODINE = np.array([8.561, 22.10, 12.32, 7.579, 3.510, 1.942])
FILTRATION = 7.0  # mm of aluminium
PATIENT = 20.0  # g/cm^2 of soft tissue, which harden the beam
HIGHEST = 3071  # HU, what 12 bits hold from -1024


@dataclass(frozen=True)
class Scanner:
    """How a hospital's scanner turns materials into stored Hounsfield units.

    Attributes:
        name: identifier of the site.
        kilovolt: tube voltage in kV; a lower one raises the contrast of bone and iodine.
        scale: factor on the contrast to water, 1 for a calibrated scanner.
        offset: HU of water, 0 for a calibrated scanner.
        cupping: HU by which the body's middle lies below its edge, what beam hardening correction leaves.
        blur: standard deviation of the reconstruction kernel's point spread in voxels, in plane.
        noise: standard deviation in HU.
        lowest: smallest HU stored.
        padding: value outside the circular field of view; None where the square is filled.
    """

    name: str
    kilovolt: float
    scale: float
    offset: float
    cupping: float
    blur: float
    noise: float
    lowest: int
    padding: int | None


SCANNERS: dict[str, Scanner] = {
    scanner.name: scanner
    for scanner in (
        # An older scanner: low voltage, sharp kernel, noisy; the corners of the image are no part of it.
        Scanner("site_a", 80, 0.98, -8, 10, 0.35, 22, -1024, -2000),
        # Calibrated, soft kernel.
        Scanner("site_b", 120, 1.0, 0, 4, 0.7, 9, -1024, None),
        Scanner("site_c", 140, 1.015, 5, 6, 0.5, 13, -2048, None),
    )
}


def contrast(coefficients: NDArray[np.float64], kilovolt: float) -> float:
    """HU that 1 g/cm^3 of a material adds, from its mass attenuation at the energies of `spectrum`."""
    weights = tube_spectrum(kilovolt, FILTRATION) * np.exp(-SOFT_TISSUE * PATIENT)
    return float(1000 * (weights @ coefficients) / (weights @ SOFT_TISSUE))


def hounsfield(materials: Materials, scanner: Scanner) -> Array:
    """HU (columns, rows, slices) without blur and noise."""
    bone, iodine = (contrast(coefficients, scanner.kilovolt) for coefficients in (CORTICAL_BONE, IODINE))
    ideal = 1000 * (materials.water - 1) + bone * materials.bone + iodine * materials.iodine
    columns, rows, _ = ideal.shape
    x, y = (np.linspace(-1, 1, size) for size in (columns, rows))
    radius = np.minimum(x[:, None] ** 2 + y[None] ** 2, 1)[:, :, None]
    cupped = scanner.cupping * (0.5 - radius) * materials.body
    return np.asarray(scanner.scale * ideal + scanner.offset * (materials.water > 0) - cupped)


def scan(materials: Materials, scanner: Scanner, seed: int) -> NDArray[np.int16]:
    """What a scanner stores of a patient.

    Args:
        materials: the patient.
        scanner: where.
        seed: seed of the noise.

    Returns:
        HU (columns, rows, slices), int16, within [``lowest``, 3071] but for ``padding``.
    """
    width = (scanner.blur, scanner.blur, 0)
    image = gaussian_filter(hounsfield(materials, scanner), width)
    noise = gaussian_filter(np.random.default_rng([seed, 9]).standard_normal(image.shape), width)
    image += scanner.noise * noise / noise.std()
    stored: NDArray[np.int16] = np.clip(np.rint(image), scanner.lowest, HIGHEST).astype(np.int16)
    if scanner.padding is not None:
        x, y = (np.linspace(-1, 1, size) for size in stored.shape[:2])
        stored[x[:, None] ** 2 + y[None] ** 2 > 1] = scanner.padding
    return stored
