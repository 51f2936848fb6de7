"""What is measured on one image and its harmonized version: all numbers of a certificate."""

from __future__ import annotations

from collections.abc import Sequence
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
    structural_similarity,
)
from monai_harmonize.safety.image_pair import ImagePair
from monai_harmonize.safety.level_statistics import CurveResidual, LevelStatistics

__all__ = ["BLOB_LEVEL", "Blob", "Measurement", "Measures", "measure"]

Image = NDArray[np.float32]

# Structural measures are taken on a copy reduced to at most so many pixels.
REDUCED_PIXELS = 512**2
# A residual larger than this share of the grey scale belongs to a blob.
BLOB_LEVEL = 0.02
# A residual that nowhere exceeds this is rounding.
EXPLAINED = 1e-3
THUMBNAIL = 32


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
    merged_levels: float | None
    merged_pixels: float | None
    widest_merge: float | None
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
    source: NDArray[Any],
    harmonized: NDArray[Any],
    *,
    grey_range: Sequence[float] = (0.0, 1.0),
    clip_source: bool = False,
    stored_levels: int = 65536,
    spacing: tuple[float, ...] | None = None,
    declared_curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    hidden_code_amplification: float | None = None,
) -> Measurement:
    """Measure one pair.

    Args:
        source: two or three spatial axes, within ``grey_range``.
        harmonized: same shape and scale; may leave the range, which counts as clipped.
        grey_range: the fixed scale, on which all numbers are shares.
        clip_source: see ``ImagePair``.
        stored_levels: how many grey levels a file of this depth can store on the scale.
        spacing: mm per pixel along each axis.
        declared_curve: knots and values of the curve that was applied, [0, 1].
        hidden_code_amplification: see ``hidden_code_test``.

    Raises:
        InputError: see ``ImagePair``.
    """
    pair = ImagePair(source, harmonized, grey_range, clip_source)
    small = _reduced_shape(pair.shape)
    levels = LevelStatistics(pair, stored_levels, small)
    residual = CurveResidual(pair, levels, small)
    explained = residual.largest < EXPLAINED
    # Where the curve explains all, nothing is left for a filter; in a tiny image there is none.
    needless = explained or min(small) < SMALLEST
    unexplained = residual.reduced if needless else filtered_residual(levels.harmonized, levels.source)
    scale = [n / m for n, m in zip(pair.shape, small, strict=True)]
    blob, filtered_blob = (_largest_blob(found, scale, spacing) for found in (residual.reduced, unexplained))
    measures = Measures(
        residual_rms=residual.rms,
        residual_relative=residual.rms / residual.spread if residual.spread > 0 else None,
        residual_p999=residual.percentile(0.999),
        residual_max=residual.largest,
        filtered_residual_rms=float(np.sqrt(np.mean(np.square(unexplained)))),
        filtered_residual_p999=float(np.quantile(np.abs(unexplained), 0.999)),
        blob_share=blob.pixels / pair.size if blob else 0.0,
        filtered_blob_share=filtered_blob.pixels / pair.size if filtered_blob else 0.0,
        declared_curve_rms=None if declared_curve is None else residual.rms_from(*declared_curve),
        clipped_pixels=levels.clipped / pair.size,
        hidden_code_amplification=hidden_code_amplification,
        **(_merged(levels) if explained else dict.fromkeys(("merged_levels", "merged_pixels", "widest_merge"))),
        **_structure(levels.source, levels.harmonized),
    )
    used, curve = levels.used, levels.curve
    return Measurement(
        measures,
        blob,
        filtered_blob,
        used / (stored_levels - 1),
        curve[used],
        residual.reduced,
        unexplained,
        levels.source,
        levels.harmonized,
    )


def _structure(source: Image, output: Image) -> dict[str, float | None]:
    gains = local_contrast_gain(output, source)
    quantiles = np.quantile(gains, [0, 0.01, 0.5, 0.99]).tolist() if gains.size else [None] * 4
    names = ("minimum", "p01", "median", "p99")
    flat = np.ptp(source) == 0
    constant = flat or np.ptp(output) == 0
    thumbnails = [_thumbnail(image).ravel() for image in (source, output)]
    return {
        **{f"contrast_gain_{name}": gain for name, gain in zip(names, quantiles, strict=True)},
        "gradient_agreement": None if flat else gradient_agreement(output, source),
        "nmi": None if constant else float(normalized_mutual_information(source, output)),
        "ssim": structural_similarity(output, source) if min(source.shape) >= SSIM_WINDOW else None,
        "rank_correlation": None if constant else float(spearmanr(*thumbnails).statistic),
    }


def _merged(levels: LevelStatistics) -> dict[str, float | None]:
    """Levels of the source that the output no longer tells apart; known only where it is a function of them."""
    steps = levels.stored_levels - 1
    stored = np.rint(levels.curve[levels.used] * steps)
    groups, sizes = np.unique(stored, return_inverse=True, return_counts=True)[1:]
    merged = sizes[groups] > 1
    ends = np.flatnonzero(np.diff(groups, append=groups[-1] + 1))
    starts = np.concatenate([[0], ends[:-1] + 1])
    counts = levels.counts[levels.used]
    return {
        "merged_levels": float(merged.mean()),
        "merged_pixels": float(counts[merged].sum() / counts.sum()),
        "widest_merge": float((levels.used[ends] - levels.used[starts]).max() / steps),
    }


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


def _reduced_shape(shape: tuple[int, ...]) -> list[int]:
    """At most ``REDUCED_PIXELS``; no axis shorter than the window of SSIM if it was not before."""
    factor = min(1.0, (REDUCED_PIXELS / prod(shape)) ** (1 / len(shape)))
    return [min(n, max(SSIM_WINDOW, int(n * factor + 1e-6))) for n in shape]


def _thumbnail(image: Image) -> Image:
    shape = [min(THUMBNAIL, n) for n in image.shape]
    whole = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    thumbnail: Image = F.interpolate(whole, shape, mode="area")[0, 0].numpy()
    return thumbnail
