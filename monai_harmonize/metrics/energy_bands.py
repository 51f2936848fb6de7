"""An image as a sum of frequency bands, and how strong each is within a region.

Philipsen, Maduskar, Hogeweg, Melendez, Sanchez, van Ginneken. Localized energy-based normalization of medical images:
application to chest radiography. IEEE Transactions on Medical Imaging 34:1965, 2015: differences of Gaussian blurs are
the bands, a band's energy is the standard deviation of its pixels within a region. The blurs are products in the
domain of the cosine transform, which continues an image by its mirror.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

__all__ = ["SIGMAS", "EnergyBands"]

# Widths of the blurs between bands, in 1/1024 of the longer side, so that the same anatomy falls into the same band at
# every image size.
SIGMAS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
SIDE = 1024.0

Image = NDArray[np.floating[Any]]


class EnergyBands:
    """Bands of one image, finest first, the low-pass residual last; each may be multiplied by a gain.

    Args:
        image: any dimension, finite; float32 or float64, in which it is computed.
        mask: region in which energies are measured, same shape; the whole image by default.
        sigmas: increasing; there is one band more than these.
    """

    def __init__(self, image: Image, mask: NDArray[np.bool_] | None = None, sigmas: Sequence[float] = SIGMAS) -> None:
        self.spectrum: Image = dctn(image, norm="ortho")
        self.mask = mask
        self.sigmas = tuple(float(sigma) * max(image.shape) / SIDE for sigma in sigmas)

    def energies(self) -> NDArray[np.float64]:
        """Standard deviation of every band and of the residual within the region, ``(len(sigmas) + 1,)``."""
        return np.array([self._energy(band) for band in self._bands()])

    def low_pass_mean(self) -> float:
        """Mean of the residual within the region."""
        if self.mask is None:
            return float(self.spectrum.flat[0]) / float(np.sqrt(self.spectrum.size))
        *_, residual = self._bands()
        return float(self._pixels(residual)[self.mask].mean(dtype=np.float64))

    def amplify(self, gains: Sequence[float] | NDArray[np.float64]) -> None:
        """Multiply every band and the residual by its gain; the bands of the new image overlap, as all bands do."""
        total = np.zeros_like(self.spectrum)
        for gain, band in zip(gains, self._bands(), strict=True):
            total += self.spectrum.dtype.type(gain) * band
        self.spectrum = total

    def image(self) -> Image:
        """The sum of all bands."""
        return self._pixels(self.spectrum)

    def _bands(self) -> Any:
        """Transforms of the bands and of the residual, one after the other."""
        before = self.spectrum
        for sigma in self.sigmas:
            blurred = self.spectrum * self._blur(sigma)
            yield before - blurred
            before = blurred
        yield before

    def _blur(self, sigma: float) -> Image:
        """Transfer function of a Gaussian blur."""
        shape = self.spectrum.shape
        transfer = np.ones([1] * len(shape), dtype=self.spectrum.dtype)
        for axis, length in enumerate(shape):
            frequency = np.pi * np.arange(length) / length
            along = np.exp(-0.5 * (sigma * frequency) ** 2).astype(self.spectrum.dtype)
            transfer = transfer * along.reshape([-1 if other == axis else 1 for other in range(len(shape))])
        return transfer

    def _energy(self, band: Image) -> float:
        if self.mask is None:
            # Parseval; the first coefficient is the mean.
            total = float(np.vdot(band, band)) - float(band.flat[0]) ** 2
            return float(np.sqrt(max(total, 0.0) / band.size))
        return float(self._pixels(band)[self.mask].std(dtype=np.float64))

    @staticmethod
    def _pixels(spectrum: Image) -> Image:
        image: Image = idctn(spectrum, norm="ortho")
        return image
