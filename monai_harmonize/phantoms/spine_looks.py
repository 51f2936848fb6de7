"""Looks of CT: what six scanners and archives make of the same patient, and how strongly."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fftfreq, irfft2, rfft2, rfftfreq
from scipy.ndimage import gaussian_filter

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.beam_hardening import hardening_error
from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.ct_scanners import FILTRATION, HIGHEST, IODINE, contrast
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spectrum import CORTICAL_BONE

__all__ = ["LOOKS", "Export", "Look", "at_strength", "look_at"]

LOWEST = -1024  # HU
REACH = 2.5  # mm: standard deviation of what a sharp kernel subtracts


@dataclass(frozen=True)
class Export:
    """Grey levels of an 8-bit picture, taken for HU by whoever imported it.

    Attributes:
        shown: HU drawn black and white.
        gamma: exponent of the display; below 1 the middle greys are brighter.
        read: HU as which black and white were read back.
    """

    shown: tuple[float, float]
    gamma: float
    read: tuple[float, float]

    def __call__(self, image: Array) -> Array:
        """Apply to HU of any shape."""
        share = np.clip((image - self.shown[0]) / (self.shown[1] - self.shown[0]), 0, 1) ** self.gamma
        return np.asarray(self.read[0] + (self.read[1] - self.read[0]) * np.rint(255 * share) / 255)


@dataclass(frozen=True)
class Look:
    """How a scanner and its archive turn materials into stored Hounsfield units.

    Attributes:
        name: identifier, the ``site`` of manifests.
        kilovolt: tube voltage in kV; a lower one raises bone and iodine, soft tissue hardly.
        blur: standard deviation of the reconstruction kernel's point spread in mm, in the transverse plane.
        overshoot: how much the kernel exaggerates edges; 0 for a soft one.
        noise: standard deviation in HU, whose texture the kernel makes.
        hardening: factor on the error that beam hardening makes behind bone; 1 is what the spectrum gives for what
            lies in the field, more shows the dark bands of large patients.
        uncorrected: share of the correction for water that is left out; images cup.
        exported: share of the export in the stored values, 0 to 1.
        export: grey levels of the export.
    """

    name: str
    kilovolt: float = 120.0
    blur: float = 0.9
    overshoot: float = 0.2
    noise: float = 12.0
    hardening: float = 1.0
    uncorrected: float = 0.0
    exported: float = 0.0
    export: Export = Export((-300, 1200), 0.5, (-600, 1600))


REFERENCE = Look("reference")
LOOKS: dict[str, Look] = {
    look.name: look
    for look in (
        REFERENCE,
        # A bone kernel at low dose: crisp edges with bright rims, fine strong noise.
        Look("sharp", blur=0.35, overshoot=1.6, noise=55),
        # A soft-tissue kernel with strong smoothing.
        Look("soft", blur=3.2, overshoot=0.0, noise=5),
        # For slim patients and angiography: bone and iodine shine.
        Look("low_voltage", kilovolt=75, noise=26),
        # No correction of the beam at all.
        Look("hardened", kilovolt=100, noise=16, hardening=8.0, uncorrected=1.0),
        # Pictures from a web archive: other window, other display curve.
        Look("exported", exported=1.0),
    )
}


def at_strength(look: Look, strength: float) -> Look:
    """A look between the reference (0) and itself (1), or beyond it.

    Args:
        look: one of ``LOOKS`` or of your own.
        strength: 0 to 3; all numbers of the look move in proportion, within what physics allows.

    Raises:
        InputError: for another strength.
    """
    if not 0 <= strength <= 3:
        raise InputError(f"strength of the look {look.name!r} is {strength}; expected 0 (reference) to 3")

    def between(attribute: str, low: float, high: float) -> float:
        start, end = getattr(REFERENCE, attribute), getattr(look, attribute)
        return float(np.clip(start + strength * (end - start), low, high))

    return replace(
        look,
        kilovolt=between("kilovolt", 60, 150),
        blur=between("blur", 0.2, math.inf),
        overshoot=between("overshoot", 0, math.inf),
        noise=between("noise", 1, math.inf),
        hardening=between("hardening", 0, math.inf),
        uncorrected=between("uncorrected", 0, 1),
        exported=between("exported", 0, 1),
    )


def _kernel(image: Array, look: Look, pixel: tuple[float, float]) -> Array:
    """An image as the kernel shows it, in the transverse plane."""

    def blurred(values: Array, width: float) -> Array:
        return np.asarray(gaussian_filter(values, (width / pixel[0], width / pixel[1], 0), mode="nearest", truncate=3))

    shown = blurred(image, look.blur)
    return shown + look.overshoot * (shown - blurred(shown, REACH)) if look.overshoot else shown


def _noise(shape: tuple[int, ...], look: Look, pixel: tuple[float, float], seed: int) -> Array:
    """Noise of standard deviation 1: ramp of the reconstruction times the kernel in the transverse plane.

    Its power rises with frequency until the kernel damps it, as in filtered backprojection.
    """
    white = np.random.default_rng([seed, 27]).standard_normal(shape)
    u, v = fftfreq(shape[0], pixel[0])[:, None], rfftfreq(shape[1], pixel[1])[None]
    squared = u**2 + v**2
    edge = 1 + look.overshoot * (1 - np.exp(-2 * (np.pi * REACH) ** 2 * squared))
    gain = squared**0.25 * np.exp(-2 * (np.pi * look.blur) ** 2 * squared) * edge
    spectrum = rfft2(np.moveaxis(white, -1, 0)) * gain
    noise = np.moveaxis(irfft2(spectrum, s=shape[:2]), 0, -1)
    return np.asarray(noise / noise.std())


def look_at(materials: Materials, look: Look, seed: int) -> NDArray[np.int16]:
    """What a look stores of a patient.

    Args:
        materials: the patient.
        look: one of ``LOOKS``, or at another strength.
        seed: seed of the noise.

    Returns:
        HU (columns, rows, slices), int16, within [-1024, 3071].
    """
    bone, iodine = (contrast(coefficients, look.kilovolt) for coefficients in (CORTICAL_BONE, IODINE))
    image = 1000 * (materials.water - 1) + bone * materials.bone + iodine * materials.iodine
    if look.hardening or look.uncorrected:
        kept = hardening_error(materials, bone, look.kilovolt, FILTRATION, 0.0)
        image += look.hardening * kept
        if look.uncorrected:
            image += hardening_error(materials, bone, look.kilovolt, FILTRATION, look.uncorrected) - kept
    pixel = materials.spacing[:2]
    image = _kernel(image, look, pixel) + look.noise * _noise(image.shape, look, pixel, seed)
    image = np.clip(image, LOWEST, HIGHEST)
    if look.exported:
        image = (1 - look.exported) * image + look.exported * look.export(image)
    stored: NDArray[np.int16] = np.rint(image).astype(np.int16)
    return stored
