"""Mean radial power spectrum of a site, at whatever resolution its images come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.networks.site_spectral_filter import radial_frequency

__all__ = ["BINS_PER_OCTAVE", "RadialSpectrum", "octave_frequencies"]

BINS_PER_OCTAVE = 6


def octave_frequencies(bins: int, lowest: float) -> NDArray[np.float64]:
    """Geometric frequency grid ``lowest * 2 ** (i / BINS_PER_OCTAVE)``, shape ``(bins,)``."""
    frequencies: NDArray[np.float64] = lowest * 2.0 ** (np.arange(bins) / BINS_PER_OCTAVE)
    return frequencies


class RadialSpectrum:
    """Mean power spectral density by radial frequency over any number of images, in constant memory.

    Every image is freed of its mean, tapered by a Hann window and transformed; the squared coefficients are averaged
    within bins of a sixth of an octave, then over the images that reach the bin. Images of different resolution
    therefore add up: each speaks for the frequencies that it holds.

    Args:
        bins: number of bins.
        lowest: centre of the first bin, in cycles per unit of ``spacing``.

    Attributes:
        images: how many images were added.
    """

    def __init__(self, bins: int, lowest: float) -> None:
        self.frequencies = octave_frequencies(bins, lowest)
        self.images = 0
        self._power = np.zeros(bins)
        self._seen = np.zeros(bins, dtype=np.int64)

    def add(self, image: Tensor, spacing: Sequence[float]) -> None:
        """Add one image.

        Args:
            image: spatial axes only, 2 or 3, any unit.
            spacing: length of a pixel along each axis.

        Raises:
            ValueError: a value is NaN or infinite.
        """
        image = image.detach().as_subclass(Tensor).float()
        if not bool(torch.isfinite(image).all()):
            raise ValueError(f"an image of shape {tuple(image.shape)} holds NaN or infinity")
        windows = [torch.hann_window(length, periodic=False, device=image.device) for length in image.shape]
        tapered = image - image.mean()
        for axis, window in enumerate(windows):
            tapered = tapered * window.view([-1 if other == axis else 1 for other in range(image.ndim)])
        energy = float(np.prod([float(window.square().sum()) for window in windows]))
        if energy == 0:  # too small to have a spectrum
            return
        density = torch.fft.rfftn(tapered).abs().square_() * (float(np.prod(spacing)) / energy)
        frequency = radial_frequency(image.shape, spacing, image.device)
        bins = len(self.frequencies)
        place = torch.log2(frequency / self.frequencies[0]).mul_(BINS_PER_OCTAVE).round_()
        inside = (frequency > 0) & (place >= 0) & (place < bins) & (frequency <= 0.5 / max(spacing))
        place = place[inside].long()
        count = torch.bincount(place, minlength=bins).cpu().numpy()
        power = torch.bincount(place, weights=density[inside].double(), minlength=bins).cpu().numpy()
        found = count > 0
        self._power[found] += power[found] / count[found]
        self._seen += found
        self.images += 1

    @property
    def density(self) -> NDArray[np.float64]:
        """Mean power spectral density per bin, ``(bins,)``; NaN where no image reaches."""
        return np.where(self._seen > 0, self._power / np.maximum(self._seen, 1), np.nan)
