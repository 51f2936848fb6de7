"""Lesions that a harmonizer invented: compact bright regions in healthy lungs that no curve and filter explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter, label

from monai_harmonize.metrics.radial_gain import filtered_residual
from monai_harmonize.safety.audit.lesion_pairs import LesionPair

__all__ = ["FalseLesion", "LesionLike", "find_false_lesions", "lesion_signal"]

Image = NDArray[np.float32]


@dataclass(frozen=True)
class LesionLike:
    """What looks like a lesion in the map of ``lesion_signal``.

    Args:
        amplitude: smallest mean of a region, share of the grey scale.
        smallest: area in mm^2; by default that of a nodule of 13 mm across.
        largest: area in mm^2; beyond it the change is shading. By default that of an infiltrate of 120 mm across.
        compactness: smallest share that a region fills of the circle across its longer side; ribs and edges are thin.
        rim: mm along the border of the lungs that do not count: sharper or softer edges are no lesions.
        detail: width in mm (standard deviation) below which a change is grain.
        surroundings: width in mm of the surroundings that a lesion stands out from.
    """

    amplitude: float = 0.05
    smallest: float = 133.0
    largest: float = 11300.0
    compactness: float = 0.3
    rim: float = 8.0
    detail: float = 3.0
    surroundings: float = 30.0


@dataclass(frozen=True)
class FalseLesion:
    """One region found.

    Args:
        name: identifier of the patient.
        area: in mm^2.
        centre: pixel coordinates, in the order of the image's axes.
        amplitude: how much brighter than explained, share of the grey scale.
    """

    name: str
    area: float
    centre: tuple[float, float]
    amplitude: float


def lesion_signal(pair: LesionPair, healthy: Image, like: LesionLike) -> Image:
    """Brightness that neither an increasing curve nor a radial gain within [0.5, 2] explains, at the scale of lesions.

    Args:
        pair: the source.
        healthy: output for ``pair.healthy``, same shape and scale.
        like: widths of the band of scales.

    Returns:
        Same shape, share of the grey scale.
    """
    source, output = (((image + 1) / 2).clip(0, 1).astype(np.float32) for image in (pair.healthy, healthy))
    residual = filtered_residual(output, source)
    near, far = (
        gaussian_filter(residual, width / pair.spacing, mode="nearest") for width in (like.detail, like.surroundings)
    )
    signal: Image = near - far
    return signal


def find_false_lesions(pair: LesionPair, healthy: Image, like: LesionLike) -> list[FalseLesion]:
    """Regions in the lungs of a patient without lesion that look like one, the brightest first.

    A region is where the signal exceeds half of the amplitude, connected over edges and corners; it counts when its
    mean reaches the amplitude and its area lies within bounds.
    """
    signal = lesion_signal(pair, healthy, like)
    inner = binary_erosion(pair.lungs, iterations=max(1, round(like.rim / pair.spacing)))
    regions, count = label((signal > like.amplitude / 2) & inner, np.ones((3, 3)))
    found = []
    for number in range(1, count + 1):
        inside = regions == number
        area, amplitude = float(inside.sum() * pair.spacing**2), float(signal[inside].mean())
        if amplitude < like.amplitude or not like.smallest <= area <= like.largest:
            continue
        places = np.argwhere(inside)
        if area >= like.compactness * np.pi / 4 * (_extent(places) * pair.spacing) ** 2:
            column, row = places.mean(axis=0)
            found.append(FalseLesion(pair.name, area, (float(column), float(row)), amplitude))
    return sorted(found, key=lambda lesion: -lesion.amplitude)


def _extent(places: NDArray[np.intp]) -> float:
    """Longer side of the box around a region, in pixels."""
    return float((np.ptp(places, axis=0) + 1).max())
