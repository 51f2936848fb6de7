"""Best bounded radial gain between two images: what a zero-phase filter alone could have done."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.metrics.radial_spectrum import BINS_PER_OCTAVE
from monai_harmonize.metrics.structure import increasing_curve, level_index
from monai_harmonize.networks.site_spectral_filter import radial_frequency

__all__ = ["filtered_residual"]

LEVELS = 4096
# The mirrored border of `SiteSpectralFilter`, as share of the shorter side.
MARGIN = 0.0625


def filtered_residual(
    image: NDArray[Any], curved: NDArray[Any], *, gain_range: tuple[float, float] = (0.5, 2.0)
) -> NDArray[np.float32]:
    """What neither an increasing curve nor one zero-phase radial gain within bounds explains.

    Fits in turn, twice, the gain per sixth of an octave (least squares, clipped) and the increasing curve of the
    output with that gain undone.

    Args:
        image: output of a harmonizer, grey levels on [0, 1], two or three spatial axes.
        curved: its input after the best increasing curve without a filter, same shape and scale.
        gain_range: smallest and largest gain, `0 < smallest <= 1 <= largest`.

    Returns:
        Same shape: output minus the fit.

    Raises:
        ValueError: shapes differ.
    """
    if image.shape != curved.shape:
        raise ValueError(f"images differ in shape: {image.shape} and {curved.shape}")
    before, output = (torch.from_numpy(np.ascontiguousarray(array, np.float32)) for array in (curved, image))
    margin = round(MARGIN * min(image.shape))
    frequency = radial_frequency([n + 2 * min(margin, n - 1) for n in image.shape], [1.0 / min(image.shape)] * before.ndim)
    wanted = _spectrum(output, margin)
    gain = _gain(_spectrum(before, margin), wanted, frequency, gain_range)
    undone = _image(wanted / gain, before, margin).numpy()
    index = level_index(curved, LEVELS)
    refitted = torch.from_numpy(increasing_curve(index, undone, LEVELS).astype(np.float32)[index])
    spectrum = _spectrum(refitted, margin)
    gain = _gain(spectrum, wanted, frequency, gain_range)
    residual: NDArray[np.float32] = (output - _image(spectrum * gain, before, margin)).numpy()
    return residual


def _gain(given: Tensor, wanted: Tensor, frequency: Tensor, gain_range: tuple[float, float]) -> Tensor:
    """Best gain of every coefficient, by its frequency alone; 1 for the mean."""
    place = (torch.log2(frequency.clamp(min=1.0)) * BINS_PER_OCTAVE).round_().long() + 1
    place[frequency == 0] = 0
    product = torch.bincount(place.flatten(), (given.conj() * wanted).real.double().flatten())
    power = torch.bincount(place.flatten(), given.abs().square().double().flatten())
    gain = torch.where(power > 0, product / power.clamp(min=1e-30), 1.0).clamp(*gain_range)
    gain[0] = 1.0
    return gain.float()[place]


def _spectrum(image: Tensor, margin: int) -> Tensor:
    pad = [amount for n in reversed(image.shape) for amount in (min(margin, n - 1),) * 2]
    return torch.fft.rfftn(F.pad(image[None, None], pad, mode="reflect")[0, 0])


def _image(spectrum: Tensor, like: Tensor, margin: int) -> Tensor:
    margins = [min(margin, n - 1) for n in like.shape]
    padded = torch.fft.irfftn(spectrum, s=[n + 2 * m for n, m in zip(like.shape, margins, strict=True)])
    return padded[tuple(slice(m, m + n) for n, m in zip(like.shape, margins, strict=True))].contiguous()
