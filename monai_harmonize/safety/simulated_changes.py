"""Changes of an image of which is known whether they are honest: what thresholds are calibrated and tested with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from monai_harmonize.networks.site_spectral_filter import SiteSpectralFilter

__all__ = [
    "DAMAGES",
    "checkerboard",
    "erased_region",
    "local_inversion",
    "painted_nodule",
    "random_curve",
    "random_curve_and_filter",
    "random_shading",
]

Image = NDArray[np.float32]

# Share of the shorter side; on a chest of 350 mm these are a nodule of 20 mm and a region of 55 mm across.
NODULE_RADIUS, REGION_RADIUS = 0.03, 0.08
NODULE_AMPLITUDE, CHECKER_AMPLITUDE = 0.1, 0.03


def random_curve(image: Image, generator: Generator, *, slope_range: tuple[float, float] = (0.25, 4.0)) -> Image:
    """Increasing piecewise-linear curve of 12 segments with log-uniform slopes within bounds (G0).

    Args:
        image: grey levels on [0, 1], any shape.
        generator: source of randomness.
        slope_range: bounds of the slopes, below and above 1.
    """
    slopes = np.exp(generator.uniform(np.log(slope_range[0]), np.log(slope_range[1]), size=12))
    for _ in range(50):  # the curve stays on [0, 1]: mean slope at most 1
        slopes = np.clip(slopes / max(slopes.mean(), 1.0), *slope_range)
    rise = np.concatenate([[0.0], np.cumsum(slopes) / len(slopes)])
    start = generator.uniform(0, max(1 - rise[-1], 0))
    curved: Image = np.interp(image, np.linspace(0, 1, 13), start + rise).clip(0, 1).astype(np.float32)
    return curved


def random_curve_and_filter(
    image: Image,
    generator: Generator,
    *,
    slope_range: tuple[float, float] = (0.4, 2.5),
    gain_range: tuple[float, float] = (0.5, 2.0),
    second_slope_range: tuple[float, float] = (0.7, 1.4),
) -> Image:
    """``random_curve``, a zero-phase radial gain, smooth in the logarithm of the frequency, and a second curve (G2).

    The gain is 1 up to 2 cycles per side, whose contrast is the curve's, and random within bounds beyond. The first
    curve leaves a tenth of the scale at both ends, so that sharpened edges hardly clip.
    """
    spectral = SiteSpectralFilter(gain_range=gain_range)
    frequencies = spectral.frequencies.numpy().astype(np.float64)
    corners = generator.uniform(np.log(gain_range[0]), np.log(gain_range[1]), size=5)
    corners[0] = 0.0
    place = np.linspace(1, np.log2(min(image.shape)), 5)
    gain = np.exp(np.interp(np.log2(frequencies), place, corners)).clip(*gain_range)
    spectral.set_gain(frequencies, gain, per_millimetre=False)
    first = torch.from_numpy(0.1 + 0.8 * random_curve(image, generator, slope_range=slope_range))
    filtered = spectral(first[None, None])[0, 0].numpy()
    return random_curve(filtered, generator, slope_range=second_slope_range)


def random_shading(image: Image, generator: Generator, *, share: float = 0.3) -> Image:
    """Two random curves mixed by a field that varies over a quarter of the image (G1).

    Args:
        image: grey levels on [0, 1].
        generator: source of randomness.
        share: how far the mixture may go to the second curve.
    """
    field = gaussian_filter(generator.standard_normal(image.shape), min(image.shape) / 4)
    weight = share * (field - field.min()) / np.ptp(field)
    first, second = (random_curve(image, generator) for _ in range(2))
    mixed: Image = (first + weight * (second - first)).astype(np.float32)
    return mixed


def painted_nodule(image: Image, generator: Generator, *, amplitude: float = NODULE_AMPLITUDE) -> Image:
    """A bright disc with a soft edge where a lung is."""
    disc = gaussian_filter(_lung_disc(image.shape, generator, NODULE_RADIUS).astype(np.float32), 1)
    painted: Image = np.clip(image + amplitude * disc, 0, 1)
    return painted


def erased_region(image: Image, generator: Generator) -> Image:
    """A disc in a lung loses everything finer than its radius."""
    inside = _lung_disc(image.shape, generator, REGION_RADIUS)
    smooth = gaussian_filter(image, REGION_RADIUS * min(image.shape))
    return np.where(inside, smooth, image)


def local_inversion(image: Image, generator: Generator) -> Image:
    """In a disc in a lung what was bright becomes dark, about the disc's mean."""
    inside = _lung_disc(image.shape, generator, REGION_RADIUS)
    inverted: Image = np.where(inside, 2 * image[inside].mean() - image, image).clip(0, 1)
    return inverted


def checkerboard(image: Image, generator: Generator, *, amplitude: float = CHECKER_AMPLITUDE) -> Image:
    """The pattern of transposed convolutions, period 2 pixels, over the whole image."""
    columns, rows = np.indices(image.shape)
    sign = 1 - 2 * ((columns + rows + generator.integers(2)) % 2)
    return (image + amplitude * sign).clip(0, 1).astype(np.float32)


DAMAGES: dict[str, Callable[[Image, Generator], Image]] = {
    "painted nodule": painted_nodule,
    "erased region": erased_region,
    "local inversion": local_inversion,
    "checkerboard": checkerboard,
}


def _lung_disc(shape: tuple[int, ...], generator: Generator, radius: float) -> NDArray[np.bool_]:
    """Disc whose centre lies where a frontal chest radiograph shows a lung, left or right."""
    columns, rows = np.ogrid[: shape[0], : shape[1]]
    across = generator.uniform(0.24, 0.36)
    column = shape[0] * (across if generator.integers(2) else 1 - across)
    row = shape[1] * generator.uniform(0.3, 0.6)
    inside: NDArray[np.bool_] = (columns - column) ** 2 + (rows - row) ** 2 <= (radius * min(shape)) ** 2
    return inside
