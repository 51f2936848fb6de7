"""What happened to the structure of an image: similarity, what no tone curve explains, edges that turned.

A harmonizer may change grey levels. It must not add or remove anatomy. The best increasing curve from input
to output takes all of the allowed change; what is left over is structure that the output gained or lost.
All images are arrays of one shape, two or three spatial axes, grey levels on [0, 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from sklearn.isotonic import isotonic_regression

from monai_harmonize.metrics.structural_similarity import batch_structural_similarity

__all__ = [
    "gradient_agreement",
    "increasing_curve",
    "isotonic_curve",
    "level_index",
    "monotone_fit",
    "monotone_residual",
    "structural_similarity",
]

SSIM_WINDOW = 11


def _checked(image: NDArray[Any], reference: NDArray[Any]) -> None:
    if image.shape != reference.shape:
        raise ValueError(f"images differ in shape: {image.shape} and {reference.shape}")
    if not (np.isfinite(image).all() and np.isfinite(reference).all()):
        raise ValueError("an image holds NaN or infinity")


def structural_similarity(image: NDArray[Any], reference: NDArray[Any]) -> float:
    """Mean structural similarity index (Wang et al., IEEE TIP 2004) on the fixed data range 1.

    Gaussian window of 11 pixels, sigma 1.5, whole windows only, as MONAI's `SSIMMetric`. The range is never
    taken from the images, so values of different images and methods compare.

    Args:
        image: two or three axes, grey levels on [0, 1].
        reference: same shape and scale.

    Returns:
        At most 1; 1 for equal images.

    Raises:
        ValueError: shapes differ, an axis is shorter than the window, or a value is not finite.
    """
    _checked(image, reference)
    if min(image.shape) < SSIM_WINDOW:
        raise ValueError(f"an image of shape {image.shape} is smaller than the {SSIM_WINDOW} pixel window of SSIM")
    first, second = (torch.from_numpy(np.ascontiguousarray(a, np.float32))[None, None] for a in (image, reference))
    return float(batch_structural_similarity(first, second, data_range=1.0, win_size=SSIM_WINDOW))


def level_index(image: NDArray[Any], levels: int) -> NDArray[np.intp]:
    """Nearest of `levels` evenly spaced grey levels on [0, 1] of every pixel, 0 to `levels` - 1; values beyond clip."""
    index: NDArray[np.intp] = np.rint(np.clip(image, 0, 1) * np.float32(levels - 1)).astype(np.intp)
    return index


def increasing_curve(index: NDArray[np.intp], output: NDArray[Any], levels: int) -> NDArray[np.float64]:
    """Best increasing curve of an output on its input's grey level in least squares, one value per level.

    Isotonic regression of the mean output per level, weighted by its pixels, which is that of all pixels (Barlow et
    al., Statistical Inference under Order Restrictions, 1972). No pixel is sorted.

    Args:
        index: `level_index` of the input.
        output: same shape, any unit.
        levels: how many there are.

    Returns:
        Shape `(levels,)`, not decreasing; linear over levels that no pixel has, constant beyond them.
    """
    counts = np.bincount(index.ravel(), minlength=levels)
    return isotonic_curve(counts, np.bincount(index.ravel(), weights=output.ravel(), minlength=levels))


def isotonic_curve(counts: NDArray[np.int64], sums: NDArray[Any]) -> NDArray[np.float64]:
    """`increasing_curve` from the number of pixels of every level and the sum of their output, each `(levels,)`."""
    used = np.flatnonzero(counts)
    fitted = isotonic_regression(sums[used] / counts[used], sample_weight=counts[used].astype(np.float64))
    curve: NDArray[np.float64] = np.interp(np.arange(len(counts)), used, fitted)
    return curve


def monotone_fit(image: NDArray[Any], reference: NDArray[Any], *, levels: int = 65536) -> NDArray[np.float32]:
    """Best increasing function of `reference` for `image` in least squares, applied to `reference`.

    The reference's grey levels are first rounded to `levels` evenly spaced ones, which changes nothing for a file
    of that depth.

    Args:
        image: output of a harmonizer, grey levels on [0, 1].
        reference: its input, same shape and scale.
        levels: steps on [0, 1].

    Returns:
        Same shape as `image`: what a tone curve alone could have made of the input.

    Raises:
        ValueError: shapes differ or a value is not finite.
    """
    _checked(image, reference)
    index = level_index(reference, levels)
    fitted: NDArray[np.float32] = increasing_curve(index, image, levels).astype(np.float32)[index]
    return fitted


def monotone_residual(image: NDArray[Any], reference: NDArray[Any], *, levels: int = 65536) -> NDArray[np.float32]:
    """Image minus its `monotone_fit`: positive where the output is brighter than any tone curve explains.

    Its root mean square is the size of the change in structure, in units of the grey scale; 0 for every
    output of an increasing curve, up to the width of a level. An inverted output has a large residual as
    well. Arguments and errors are those of `monotone_fit`.
    """
    residual: NDArray[np.float32] = image.astype(np.float32) - monotone_fit(image, reference, levels=levels)
    return residual


def gradient_agreement(
    image: NDArray[Any], reference: NDArray[Any], *, sigma: float = 1.0, strongest: float = 0.25
) -> float:
    """Share of the reference's edge pixels whose gradient in the image keeps its side (within 90 degrees).

    Args:
        image: output of a harmonizer.
        reference: its input, same shape.
        sigma: width in pixels of the Gaussian derivative.
        strongest: edge pixels are this share of pixels, those with the steepest reference gradient.

    Returns:
        1 if every edge is kept, near 0.5 for unrelated images, 0 for an inverted one. An edge that vanished
        counts as lost.

    Raises:
        ValueError: shapes differ, a value is not finite, or the reference is constant.
    """
    _checked(image, reference)
    if np.ptp(reference) == 0:
        raise ValueError(f"the reference is constant ({reference.flat[0]}): it has no edge to compare")
    orders = np.eye(image.ndim, dtype=int)
    of_image, of_reference = (
        np.stack([gaussian_filter(a.astype(np.float64), sigma, order=order) for order in orders])
        for a in (image, reference)
    )
    steepness = np.linalg.norm(of_reference, axis=0)
    # The second bound keeps rounding noise of wide flat borders out.
    edges = steepness >= max(np.quantile(steepness, 1 - strongest), 1e-3 * steepness.max())
    return float(((of_image * of_reference).sum(axis=0)[edges] > 0).mean())
