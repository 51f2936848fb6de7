"""What is measured on one image and its harmonized version: all numbers of a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.stats import spearmanr
from skimage.metrics import normalized_mutual_information
from torch.nn import functional as F

from monai_harmonize.metrics.local_contrast import local_contrast_gain
from monai_harmonize.metrics.radial_gain import SMALLEST, filtered_residual
from monai_harmonize.metrics.structure import (
    SSIM_WINDOW,
    gradient_agreement,
    increasing_curve,
    level_index,
    structural_similarity,
)

__all__ = ["BLOB_LEVEL", "Blob", "Measurement", "Measures", "measure"]

Image = NDArray[np.float32]

# Structural measures are taken on a copy reduced to at most so many pixels.
REDUCED_PIXELS = 512**2
# A residual larger than this share of the grey scale belongs to a blob.
BLOB_LEVEL = 0.02
# A residual that nowhere exceeds this is rounding.
EXPLAINED = 1e-3
THUMBNAIL = 32
# Steps of a histogram of residuals; a percentile read from it is exact to one 16-bit level.
STEPS = 65536


@dataclass(frozen=True)
class Measures:
    """Numbers of a certificate; ``None`` where one does not apply. Units: docs/certificate.md.

    "Of the scale" means of the image's fixed grey range. Names that start with ``residual`` are of what no
    increasing curve explains, at native pixels; ``filtered_residual`` of what also no bounded radial gain explains,
    on the reduced copy, as are contrast, gradients, NMI and SSIM.
    """

    residual_rms: float
    residual_relative: float | None
    residual_p999: float
    residual_max: float
    filtered_residual_rms: float
    filtered_residual_p999: float
    blob_share: float
    filtered_blob_share: float
    declared_curve_rms: float | None
    merged_levels: float
    merged_pixels: float
    widest_merge: float
    clipped_pixels: float
    contrast_gain_minimum: float | None
    contrast_gain_p01: float | None
    contrast_gain_median: float | None
    contrast_gain_p99: float | None
    gradient_agreement: float | None
    nmi: float | None
    ssim: float | None
    rank_correlation: float | None
    hidden_code_amplification: float | None = None


@dataclass(frozen=True)
class Blob:
    """Largest connected region of one sign where the residual exceeds ``BLOB_LEVEL``.

    Args:
        pixels: area (volume) in native pixels.
        area: in mm^2 (mm^3), where the spacing is known.
        centre: native pixel coordinates, in the order of the image's axes.
        amplitude: mean residual, share of the scale; positive where the output is brighter than explained.
    """

    pixels: float
    area: float | None
    centre: tuple[float, ...]
    amplitude: float


@dataclass(frozen=True)
class Measurement:
    """All that was found on one pair of images, arrays included.

    Args:
        measures: the numbers.
        blob: largest blob of the curve's residual.
        filtered_blob: largest blob of the filtered residual.
        levels: used grey levels of the source on [0, 1], increasing.
        curve: best increasing curve at these levels.
        residual: curve's residual on the reduced copy.
        filtered_residual: on the reduced copy.
        source: reduced copy, [0, 1].
        harmonized: reduced copy, [0, 1].
    """

    measures: Measures
    blob: Blob | None
    filtered_blob: Blob | None
    levels: NDArray[np.float64]
    curve: NDArray[np.float64]
    residual: Image
    filtered_residual: Image
    source: Image
    harmonized: Image


def measure(
    source: Image,
    harmonized: Image,
    *,
    stored_levels: int = 65536,
    spacing: tuple[float, ...] | None = None,
    declared_curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    hidden_code_amplification: float | None = None,
) -> Measurement:
    """Measure one pair.

    Args:
        source: two or three spatial axes, finite, [0, 1] of the fixed scale, clipped.
        harmonized: same shape and scale; may leave [0, 1], which counts as clipped.
        stored_levels: how many grey levels a file of this depth can store on the scale.
        spacing: mm per pixel along each axis.
        declared_curve: knots and values of the curve that was applied, [0, 1].
        hidden_code_amplification: see ``hidden_code_test``.
    """
    clipped = np.count_nonzero((harmonized <= 0) & (source > 0)) + np.count_nonzero((harmonized >= 1) & (source < 1))
    output = np.clip(harmonized, 0, 1)
    index = level_index(source, stored_levels)
    counts = np.bincount(index.ravel(), minlength=stored_levels)
    curve = increasing_curve(index, output, stored_levels)
    residual = output - curve.astype(np.float32)[index]
    used = np.flatnonzero(counts)
    levels = used / (stored_levels - 1)
    groups, sizes = np.unique(np.rint(curve[used] * (stored_levels - 1)), return_inverse=True, return_counts=True)[1:]
    merged = sizes[groups] > 1
    small_source, small_output, small_residual = map(_reduced, (source, output, residual))
    # Where the curve explains all, nothing is left for a filter; in a tiny image there is none.
    explained = max(residual.max(), -residual.min()) < EXPLAINED or min(small_source.shape) < SMALLEST
    unexplained = small_residual if explained else filtered_residual(small_output, small_source)
    scale = [n / m for n, m in zip(source.shape, small_source.shape, strict=True)]
    blob, filtered_blob = (_largest_blob(found, scale, spacing) for found in (small_residual, unexplained))
    spread, rms = float(output.std()), _rms(residual)
    measures = Measures(
        residual_rms=rms,
        residual_relative=rms / spread if spread > 0 else None,
        residual_p999=_percentile(residual, 0.999),
        residual_max=float(max(residual.max(), -residual.min())),
        filtered_residual_rms=_rms(unexplained),
        filtered_residual_p999=_percentile(unexplained, 0.999),
        blob_share=blob.pixels / source.size if blob else 0.0,
        filtered_blob_share=filtered_blob.pixels / source.size if filtered_blob else 0.0,
        declared_curve_rms=_declared_rms(declared_curve, index, output, stored_levels),
        merged_levels=float(merged.mean()),
        merged_pixels=float(counts[used][merged].sum() / source.size),
        widest_merge=float(_widest(levels, groups)),
        clipped_pixels=int(clipped) / source.size,
        hidden_code_amplification=hidden_code_amplification,
        **_structure(small_source, small_output),
    )
    return Measurement(
        measures, blob, filtered_blob, levels, curve[used], small_residual, unexplained, small_source, small_output
    )


def _structure(source: Image, output: Image) -> dict[str, float | None]:
    gains = local_contrast_gain(output, source)
    quantiles = np.quantile(gains, [0, 0.01, 0.5, 0.99]).tolist() if gains.size else [None] * 4
    names = ("minimum", "p01", "median", "p99")
    flat = np.ptp(source) == 0
    constant = flat or np.ptp(output) == 0
    thumbnails = [_resized(image, [min(THUMBNAIL, n) for n in image.shape]).ravel() for image in (source, output)]
    return {
        **{f"contrast_gain_{name}": gain for name, gain in zip(names, quantiles, strict=True)},
        "gradient_agreement": None if flat else gradient_agreement(output, source),
        "nmi": None if constant else float(normalized_mutual_information(source, output)),
        "ssim": structural_similarity(output, source) if min(source.shape) >= SSIM_WINDOW else None,
        "rank_correlation": None if constant else float(spearmanr(*thumbnails).statistic),
    }


def _widest(levels: NDArray[np.float64], groups: NDArray[np.intp]) -> float:
    """Largest distance of two levels of one group; both increase."""
    ends = np.flatnonzero(np.diff(groups, append=groups[-1] + 1))
    starts = np.concatenate([[0], ends[:-1] + 1])
    return float((levels[ends] - levels[starts]).max())


def _declared_rms(
    curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    index: NDArray[np.intp],
    output: Image,
    stored_levels: int,
) -> float | None:
    if curve is None:
        return None
    declared = np.interp(np.linspace(0, 1, stored_levels), *curve).clip(0, 1).astype(np.float32)
    return _rms(output - declared[index])


def _largest_blob(residual: Image, scale: list[float], spacing: tuple[float, ...] | None) -> Blob | None:
    """Largest blob of a reduced residual; ``scale`` is native pixels per reduced pixel along each axis."""
    best: tuple[int, NDArray[np.bool_]] | None = None
    for sign in (1, -1):
        beyond = sign * residual > BLOB_LEVEL
        if not beyond.any():
            continue
        regions, _ = label(beyond, np.ones([3] * residual.ndim))
        sizes = np.bincount(regions.ravel())
        sizes[0] = 0
        if best is None or sizes.max() > best[0]:
            best = int(sizes.max()), regions == sizes.argmax()
    if best is None:
        return None
    size, inside = best
    pixels = size * prod(scale)
    # Centre of a reduced pixel in native pixel coordinates.
    centre = ((np.argwhere(inside).mean(axis=0) + 0.5) * scale - 0.5).tolist()
    area = None if spacing is None else pixels * prod(spacing)
    return Blob(pixels, area, tuple(centre), float(residual[inside].mean()))


def _reduced(image: Image) -> Image:
    """Area average to at most ``REDUCED_PIXELS``; no axis shorter than the window of SSIM if it was not before."""
    factor = min(1.0, (REDUCED_PIXELS / image.size) ** (1 / image.ndim))
    return _resized(image, [min(n, max(SSIM_WINDOW, int(n * factor + 1e-6))) for n in image.shape])


def _resized(image: Image, shape: list[int]) -> Image:
    if list(image.shape) == shape:
        return image
    whole = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None, None]
    resized: Image = F.interpolate(whole, shape, mode="area")[0, 0].numpy()
    return resized


def _rms(values: NDArray[Any]) -> float:
    flat = values.ravel()
    return float(np.sqrt(np.dot(flat, flat) / flat.size))


def _percentile(values: Image, share: float) -> float:
    """Of the absolute values, which lie on [0, 1], by a histogram: no pixel is sorted."""
    # All in the first bin, as after a curve: not worth a pass over a volume.
    if max(values.max(), -values.min()) * (STEPS - 1) < 0.5:
        return 0.0
    counts = np.bincount(level_index(np.abs(values), STEPS).ravel(), minlength=STEPS)
    return float(np.searchsorted(np.cumsum(counts), share * values.size) / (STEPS - 1))
