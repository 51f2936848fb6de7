"""The radial gain that carries one site's sharpness onto another's, from mean power spectra."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.radial_spectrum import BINS_PER_OCTAVE, RadialSpectrum
from monai_harmonize.networks.site_spectral_filter import SiteSpectralFilter
from monai_harmonize.objectives.site_fit import SiteFit

__all__ = ["SpectralFilterFit"]

# Slower than four cycles per image are shape and shading, which belong to the patient and to the tone curve. A
# radiograph is some 400 mm wide.
LOWEST_PER_SIDE = 4.0
LOWEST_PER_MILLIMETRE = LOWEST_PER_SIDE / 400.0
# Over which the gain sets in.
RISE_IN_OCTAVES = 1.0


class SpectralFilterFit(SiteFit):
    """Fit a ``SiteSpectralFilter`` so that the source site's mean power spectrum becomes the target's.

    The gain is the root of the ratio of the two spectra, smoothed along the logarithm of frequency and clipped to the
    filter's range. It sets in over the octave above four cycles per image. Frequencies that either site does not
    reach keep a gain of 1. The unit is cycles per mm if every image of both sites has a pixel spacing, else cycles
    per shorter side.

    Args:
        spectral_filter: gets the gain.
        smoothing: width (sigma) of the Gaussian along frequency, in octaves.
        refine: the source images come through the filter already, and what they lack is put on top of its gain.
        before: see ``SiteFit``; the tone curve belongs here, since tone changes the spectrum.
    """

    def __init__(
        self,
        spectral_filter: SiteSpectralFilter,
        smoothing: float = 0.125,
        refine: bool = False,
        before: Callable[[Tensor, list[float] | None], Tensor] | None = None,
    ) -> None:
        super().__init__(before)
        self.filter = spectral_filter
        self.smoothing = smoothing
        self.refine = refine
        self.start()

    def start(self) -> None:
        """Forget all images."""
        bins = len(self.filter.gain)
        self.spacing_known = True
        # Whether all images have a spacing is known at the end only, so both units are noted.
        self.spectra = {
            (of_target, per_millimetre): RadialSpectrum(
                bins, LOWEST_PER_MILLIMETRE if per_millimetre else LOWEST_PER_SIDE
            )
            for of_target in (False, True)
            for per_millimetre in (False, True)
        }

    def add(self, image: Tensor, spacing: list[float] | None, of_target: bool) -> None:
        """Note the spectrum of one image, the mean over its channels' images."""
        size = image.shape[2:]
        for plane in image.flatten(0, 1):
            self.spectra[of_target, False].add(plane, [1.0 / min(size)] * len(size))
            if spacing is not None:
                self.spectra[of_target, True].add(plane, spacing)
        self.spacing_known &= spacing is not None

    def solve(self) -> None:
        """Set the filter's gain.

        Raises:
            InputError: a site has no images that hold a spectrum.
        """
        source, target = (self.spectra[of_target, self.spacing_known] for of_target in (False, True))
        for name, spectrum in (("source", source), ("target", target)):
            if spectrum.images == 0:
                raise InputError(f"The {name} site has no images; check its name and the split in the manifest.")
        with np.errstate(divide="ignore", invalid="ignore"):
            lacking = 0.5 * np.log(target.density / source.density)
        gain = np.exp(self.smoothed(lacking))
        if self.refine:
            gain *= self.filter.gain.double().cpu().numpy()
        self.filter.set_gain(source.frequencies, gain.clip(*self.filter.gain_range), self.spacing_known)

    def smoothed(self, logarithm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the gain, smooth; 0 where it was not measured."""
        known = np.isfinite(logarithm)
        limit = np.log(np.array(self.filter.gain_range))
        # Clipped before too, so that one empty band does not spoil its neighbours.
        values = np.where(known, logarithm, 0.0).clip(*(2 * limit))
        width = self.smoothing * BINS_PER_OCTAVE
        weight = gaussian_filter1d(known.astype(np.float64), width, mode="constant")
        smooth = gaussian_filter1d(values, width, mode="constant") / np.maximum(weight, 1e-12)
        octave = np.arange(len(logarithm)) / BINS_PER_OCTAVE
        result: NDArray[np.float64] = np.where(known, smooth, 0.0) * (octave / RISE_IN_OCTAVES).clip(0.0, 1.0)
        return result
