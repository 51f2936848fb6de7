"""One zero-phase radial gain for all images of a site (with a curve before it: guarantee class G2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError

__all__ = ["SiteSpectralFilter", "radial_frequency"]


class SiteSpectralFilter(nn.Module):
    """Multiply every Fourier coefficient of an image by a real, positive gain that depends on its frequency only.

    Detail is amplified or damped within bounds and never moved or created. Frequencies are physical: cycles per mm
    if the images have a pixel spacing, else cycles per shorter side of the image; a filter fitted at one resolution
    holds at every other. Images are mirrored at their edges before the transform, so that opposite edges do not mix.
    The mean of the mirrored image stays, that of the image itself nearly.

    The gain is 1 until ``set_gain``, and between the knots linear in the logarithm of the frequency. Beyond them it
    stays 1: what was not measured is left alone.

    Args:
        num_knots: frequencies at which the gain is known.
        gain_range: smallest and largest gain, ``0 < smallest <= 1 <= largest``.
        margin: mirrored border, as share of the shorter side.

    Raises:
        InputError: an option outside the above.

    Attributes:
        frequencies: knots, increasing, ``(K,)``.
        gain: at the knots, ``(K,)``.
        per_millimetre: whether frequencies are cycles per mm; else cycles per shorter side.
    """

    guarantee_class = "G2"

    def __init__(self, num_knots: int = 41, gain_range: Sequence[float] = (0.5, 2.0), margin: float = 0.0625) -> None:
        super().__init__()
        smallest, largest = (float(gain) for gain in gain_range)
        if not 0 < smallest <= 1 <= largest:
            raise InputError(f"gain_range is ({smallest:g}, {largest:g}); expected 0 < smallest <= 1 <= largest.")
        if num_knots < 2 or margin < 0:
            raise InputError(f"num_knots is {num_knots}, margin {margin}; expected 2 or more, and at least 0.")
        self.gain_range = (smallest, largest)
        self.margin = margin
        self.frequencies: Tensor
        self.gain: Tensor
        self.per_millimetre: Tensor
        self.register_buffer("frequencies", 4.0 * 2.0 ** torch.linspace(0, 10, num_knots))
        self.register_buffer("gain", torch.ones(num_knots))
        self.register_buffer("per_millimetre", torch.tensor(False))

    def set_gain(self, frequencies: ArrayLike, gain: ArrayLike, per_millimetre: bool) -> None:
        """Replace the gain.

        Args:
            frequencies: strictly increasing, above 0, ``(K,)``, cycles per mm or per shorter side.
            gain: at these frequencies, ``(K,)``.
            per_millimetre: which of the two units.

        Raises:
            InputError: another shape, not increasing, or a gain outside the bounds.
        """
        knots, values = (np.asarray(given, dtype=np.float64) for given in (frequencies, gain))
        if knots.shape != values.shape or knots.shape != tuple(self.gain.shape):
            raise InputError(f"{knots.shape} frequencies and {values.shape} gains; expected {tuple(self.gain.shape)}.")
        if not (knots[0] > 0 and (np.diff(knots) > 0).all()):
            raise InputError("The filter's frequencies do not increase from above 0.")
        smallest, largest = self.gain_range
        if not (smallest <= values.min() and values.max() <= largest):
            raise InputError(
                f"The filter's gains lie in [{values.min():g}, {values.max():g}]; expected [{smallest:g}, {largest:g}]."
            )
        self.frequencies.copy_(torch.from_numpy(knots))
        self.gain.copy_(torch.from_numpy(values))
        self.per_millimetre.fill_(per_millimetre)

    def forward(self, image: Tensor, spacing: list[float] | None = None) -> Tensor:
        """Filter.

        Args:
            image: ``(B, C, H, W[, D])``, any unit, float.
            spacing: mm per pixel along each spatial axis; not used if the gain is per shorter side.

        Returns:
            The same shape, not clipped.

        Raises:
            InputError: the gain is per mm and no spacing is given.
        """
        size = image.shape[2:]
        margins = [min(round(self.margin * min(size)), length - 1) for length in size]
        pad = [amount for margin in reversed(margins) for amount in (margin, margin)]
        padded = F.pad(image, pad, mode="reflect") if any(margins) else image
        axes = list(range(2, image.ndim))
        response = self.response(padded.shape[2:], self.pixel_size(size, spacing))
        filtered = torch.fft.irfftn(torch.fft.rfftn(padded, dim=axes).mul_(response), s=padded.shape[2:], dim=axes)
        for axis, (margin, length) in enumerate(zip(margins, size, strict=True), start=2):
            filtered = filtered.narrow(axis, margin, length)
        return torch.as_tensor(filtered, dtype=image.dtype)

    def pixel_size(self, size: Sequence[int], spacing: Sequence[float] | None) -> list[float]:
        """Length of a pixel along each axis in the filter's own unit: mm, or shorter sides."""
        if not bool(self.per_millimetre):
            return [1.0 / min(size)] * len(size)
        if spacing is None:
            raise InputError(
                "The site's filter is in cycles per mm and the image has no pixel spacing; "
                "fit it on images without spacing, or use the site's curve alone."
            )
        return [float(step) for step in spacing]

    def response(self, size: Sequence[int], pixel_size: Sequence[float]) -> Tensor:
        """Gain of each coefficient of ``torch.fft.rfftn`` of an image of this size."""
        frequency = radial_frequency(size, pixel_size, self.gain.device)
        place = torch.bucketize(frequency, self.frequencies)
        above = place.clamp(1, len(self.frequencies) - 1)
        knots = self.frequencies.log2()
        along = (frequency.log2() - knots[above - 1]) / (knots[above] - knots[above - 1])
        gain = torch.lerp(self.gain[above - 1], self.gain[above], along)
        measured = (frequency >= self.frequencies[0]) & (frequency <= self.frequencies[-1])
        return torch.where(measured, gain, torch.ones_like(gain))


def radial_frequency(size: Sequence[int], pixel_size: Sequence[float], device: torch.device | None = None) -> Tensor:
    """Length of the frequency vector of every coefficient of ``torch.fft.rfftn``.

    Args:
        size: spatial size of the image.
        pixel_size: length of a pixel along each axis; its unit gives that of the result (mm: cycles per mm).
        device: where to put the result.

    Returns:
        Float32; the last axis has ``size[-1] // 2 + 1`` values, the others as many as the image.
    """
    squares = torch.zeros((), device=device)
    for axis, (length, step) in enumerate(zip(size, pixel_size, strict=True)):
        transform = torch.fft.rfftfreq if axis == len(size) - 1 else torch.fft.fftfreq
        squares = squares[..., None] + transform(length, d=step, device=device).square()
    return squares.sqrt_()
