"""Best bounded radial gain between two images: what a zero-phase filter alone could have done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.metrics.structure import increasing_curve, level_index
from monai_harmonize.networks.site_spectral_filter import radial_frequency

__all__ = ["SMALLEST", "filtered_residual"]

LEVELS = 4096
SMALLEST = 8
# A table of the gain: octaves of cycles per shorter side, and steps in each.
LOWEST, OCTAVES, STEPS = -2, 16, 256
# Longest side of the copy on which the slow waves are fitted, and their knots per octave.
COARSE, SLOW_PER_OCTAVE = 128, 3
# Bins in which fast waves are averaged.
FAST_PER_OCTAVE = 6
# The mirrored border of `SiteSpectralFilter`, as share of the shorter side.
MARGIN = 0.0625


def filtered_residual(
    image: NDArray[Any], reference: NDArray[Any], *, gain_range: tuple[float, float] = (0.5, 2.0), rounds: int = 4
) -> NDArray[np.float32]:
    """What an increasing curve, one zero-phase radial gain within bounds and a second curve do not explain.

    Fits in turn the gain by octave (least squares, clipped), the second curve, and the first one to the output with
    gain and second curve undone. The second curve ends on [0, 1], as the output does.

    Args:
        image: output of a harmonizer, grey levels on [0, 1], two or three spatial axes.
        reference: its input, same shape and scale, or any strictly increasing curve of it.
        gain_range: smallest and largest gain, `0 < smallest <= 1 <= largest`.
        rounds: how often curves and gain are fitted in turn.

    Returns:
        Same shape: output minus the fit.

    Raises:
        ValueError: shapes differ, or an axis is shorter than 8 pixels.
    """
    if min(image.shape) < SMALLEST:
        raise ValueError(f"an image of shape {image.shape} is too small for a filter; expected {SMALLEST} pixels")
    if image.shape != reference.shape:
        raise ValueError(f"images differ in shape: {image.shape} and {reference.shape}")
    output = torch.from_numpy(np.ascontiguousarray(image, np.float32))
    index, output_index = level_index(reference, LEVELS), level_index(image, LEVELS)
    small = [max(2, round(n * min(1.0, COARSE / max(image.shape)))) for n in image.shape]
    geometry = _Geometry(image.shape)
    before, after = _curved(index, image), output
    for _ in range(rounds):
        gain = _gain(before, after, small, gain_range)
        after = _curved(output_index, geometry.filtered(before, gain).numpy())
        before = _curved(index, geometry.filtered(after, 1 / gain).numpy())
    gain = _gain(before, after, small, gain_range)
    fit = geometry.filtered(before, gain).numpy()
    residual: NDArray[np.float32] = (output - _curved(level_index(fit, LEVELS), image)).numpy()
    return residual


class _Geometry:
    """Mirrored edges and frequencies of images of one shape, as `SiteSpectralFilter` has them."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.margins = [min(round(MARGIN * min(shape)), n - 1) for n in shape]
        padded = [n + 2 * margin for n, margin in zip(shape, self.margins, strict=True)]
        self.padded_size = int(np.prod(padded))
        self.octave = _octaves(padded, min(shape))
        self.step = ((self.octave - LOWEST) * STEPS).round_().long().clamp_(max=OCTAVES * STEPS - 1)

    def spectrum(self, image: Tensor) -> Tensor:
        pad = [amount for margin in reversed(self.margins) for amount in (margin, margin)]
        spectrum: Tensor = torch.fft.rfftn(F.pad(image[None, None], pad, mode="reflect")[0, 0])
        return spectrum

    def image(self, spectrum: Tensor, shape: Sequence[int]) -> Tensor:
        padded = [n + 2 * margin for n, margin in zip(shape, self.margins, strict=True)]
        whole: Tensor = torch.fft.irfftn(spectrum, s=padded)
        return whole[tuple(slice(m, m + n) for n, m in zip(shape, self.margins, strict=True))].contiguous()

    def filtered(self, image: Tensor, gain: Tensor) -> Tensor:
        """Multiply by a table of gains; 1 for the mean, which is the curve's."""
        response = gain[self.step]
        response.view(-1)[0] = 1.0
        return self.image(self.spectrum(image) * response, image.shape)


def _octaves(size: Sequence[int], side: int) -> Tensor:
    """Logarithm of the frequency in cycles per shorter side of every coefficient."""
    return radial_frequency(size, [1.0 / side] * len(size)).clamp_(min=2.0**LOWEST).log2_()


def _gain(given: Tensor, wanted: Tensor, small: list[int], gain_range: tuple[float, float]) -> Tensor:
    """Best gain by frequency alone, a table over octaves.

    Slow waves, which edges disturb, by least squares of the filtered pixels on a small copy; fast ones from
    tapered spectra.
    """
    octaves, gains = _fast_gain(given, wanted)
    slow, slow_gains = _slow_gain(*(F.interpolate(i[None, None], small, mode="area")[0, 0] for i in (given, wanted)))
    fast = octaves > slow[-1] + 0.2
    knots, values = np.concatenate([slow, octaves[fast]]), np.concatenate([slow_gains, gains[fast]])
    table = np.interp(LOWEST + np.arange(OCTAVES * STEPS) / STEPS, knots, values.clip(*gain_range))
    return torch.from_numpy(table.astype(np.float32))


def _slow_gain(given: Tensor, wanted: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    geometry = _Geometry(given.shape)
    knots = np.arange(0, np.log2(min(given.shape)) - 2 + 1e-9, 1 / SLOW_PER_OCTAVE)
    octave = geometry.octave.numpy()
    spectrum = geometry.spectrum(given)
    waves = []
    for unit in np.eye(len(knots)):
        response = torch.from_numpy(np.interp(octave, knots, unit).astype(np.float32))
        response.view(-1)[0] = 0.0
        waves.append(geometry.image(spectrum * response, given.shape).flatten().double().numpy())
    # Beyond the last knot its gain goes on, which is near enough for what little is left there.
    basis = np.column_stack(waves)
    target = (wanted - spectrum.flatten()[0].real / geometry.padded_size).flatten().double().numpy()
    # The second term keeps an image without waves solvable.
    ridge = (1e-6 * np.trace(basis.T @ basis) / len(knots) + 1e-12) * np.eye(len(knots))
    gains = np.linalg.solve(basis.T @ basis + ridge, basis.T @ target + ridge @ np.ones(len(knots)))
    return knots, gains


def _fast_gain(given: Tensor, wanted: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    octave = _octaves(given.shape, min(given.shape)).flatten()
    place = ((octave - LOWEST) * FAST_PER_OCTAVE).round_().long()
    before, after = _tapered(given).flatten(), _tapered(wanted).flatten()
    power = before.abs().square_().double()
    product = (before.real * after.real).add_(before.imag * after.imag).double()
    energy, shared, centre = (torch.bincount(place, values).numpy() for values in (power, product, power * octave))
    used = energy > 0
    return centre[used] / energy[used], shared[used] / energy[used]


def _curved(index: NDArray[np.intp], image: NDArray[Any]) -> Tensor:
    """Best increasing curve of the reference for an image."""
    return torch.from_numpy(increasing_curve(index, image, LEVELS).astype(np.float32)[index])


def _tapered(image: Tensor) -> Tensor:
    """Spectrum under a Hann window, so that opposite edges do not leak into every frequency."""
    tapered = image - image.mean()
    for axis, length in enumerate(image.shape):
        shape = [-1 if other == axis else 1 for other in range(image.ndim)]
        tapered = tapered * torch.hann_window(length, periodic=False).view(shape)
    spectrum: Tensor = torch.fft.rfftn(tapered)
    return spectrum
