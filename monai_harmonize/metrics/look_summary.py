"""The look of one radiograph in thirteen numbers: tone, sharpness and noise, by which sites are told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import convolve

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.energy_bands import SIGMAS, EnergyBands

__all__ = ["ANALYSIS_SIZE", "FEATURES", "look_summary", "turned_summary"]

# Longer side at which looks compare: exports of one image at several sizes above it have one look.
ANALYSIS_SIZE = 256
SHARES = (0.05, 0.25, 0.50, 0.75, 0.95)
# Weaker bands and less noise count as this much, a third of a grey level of 8 bits: files round to these.
FAINTEST = 0.002
# Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding 64:300, 1996: the difference of two
# Laplacians, which neither flat nor evenly curved parts of an image excite.
NOISE_MASK = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
# Three pixels along each axis.
SMALLEST = 3

FEATURES = (
    *(f"level at {share:.0%}" for share in SHARES),
    *(f"energy below {sigma:g}/1024" for sigma in SIGMAS),
    "energy of the rest",
    "noise",
)


def look_summary(image: torch.Tensor | NDArray[Any]) -> NDArray[np.float64]:
    """Summarise an image that is reduced to ``ANALYSIS_SIZE``, see ``ShrinkTo``.

    Args:
        image: ``(C, W, H)`` in [-1, 1]; channels are averaged.

    Returns:
        ``(13,)``, named by ``FEATURES``: grey levels below which a share of the pixels lies; natural logarithms of the
        standard deviations of the frequency bands of ``EnergyBands``, finest first; that of the median absolute
        response to a noise mask.

    Raises:
        InputError: another number of axes, fewer than 3 pixels along one, or NaN or infinity.
    """
    array = np.asarray(torch.as_tensor(image).detach().as_subclass(torch.Tensor).cpu(), dtype=np.float64)
    if array.ndim != 3 or min(array.shape[1:]) < SMALLEST or not np.isfinite(array).all():
        raise InputError(
            f"an image of shape {array.shape}; expected a radiograph (channel, width, height) of at least {SMALLEST} "
            "pixels along each side, without NaN or infinity."
        )
    plane = array.mean(axis=0)
    noise = np.median(np.abs(convolve(plane, NOISE_MASK)[1:-1, 1:-1]))
    strengths = np.append(EnergyBands(plane).energies(), noise)
    return np.concatenate([np.quantile(plane, SHARES), np.log(strengths + FAINTEST)])


def turned_summary(summary: NDArray[np.float64]) -> NDArray[np.float64]:
    """Summary of an image with bright and dark swapped, or summaries ``(N, 13)`` of several."""
    tones = len(SHARES)
    return np.concatenate([-summary[..., tones - 1 :: -1], summary[..., tones:]], axis=-1)
