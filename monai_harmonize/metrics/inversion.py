"""Whether a harmonizer turned light into dark: the known failure of unpaired translation, whole or in places.

Distributions match as well after an inversion as before, so nothing that an adversarial loss sees forbids it. Two signs
give it away on a single image, both invariant to any increasing tone curve: the rank correlation of output and input
inside the body, and the share of the input's edges that changed their side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, gaussian_filter
from scipy.stats import rankdata
from skimage.filters import threshold_otsu

__all__ = ["GLOBAL", "NONE", "PARTIAL", "Inversion", "measure_inversion", "radiograph_body"]

NONE, PARTIAL, GLOBAL = "none", "partial", "global"
# Shares of flipped edges above which an inversion is called partial and global.
PARTIAL_FLIPS, GLOBAL_FLIPS = 0.3, 0.5
# A body smaller than this share of the image is no body but a marker or an artefact.
SMALLEST_BODY = 0.2
# Width of the gradient in parts of the shorter side: edges of organs, not of noise.
EDGE_WIDTH = 0.008
STRONGEST = 0.25


@dataclass(frozen=True)
class Inversion:
    """What was found.

    Args:
        rank_correlation: Spearman's, of output and input inside the body; 1 for every increasing curve, -1 for a
            falling one.
        flipped_edges: share of the input's strongest edges whose gradient points more than 90 degrees away.
    """

    rank_correlation: float
    flipped_edges: float

    @property
    def kind(self) -> str:
        """``"global"`` if ranks anticorrelate or most edges flip, ``"partial"`` over 30 % of them, else ``"none"``."""
        if self.rank_correlation < 0 or self.flipped_edges > GLOBAL_FLIPS:
            return GLOBAL
        return PARTIAL if self.flipped_edges > PARTIAL_FLIPS else NONE


def measure_inversion(image: NDArray[Any], reference: NDArray[Any]) -> Inversion:
    """Compare an output with its input.

    Args:
        image: output of a harmonizer, two axes, any scale.
        reference: its input, same shape, dense structures bright.

    Raises:
        ValueError: shapes differ, a value is not finite or the reference is constant.
    """
    if image.shape != reference.shape:
        raise ValueError(f"images differ in shape: {image.shape} and {reference.shape}")
    if not (np.isfinite(image).all() and np.isfinite(reference).all()):
        raise ValueError("an image holds NaN or infinity")
    if np.ptp(reference) == 0:
        raise ValueError(f"the reference is constant ({reference.flat[0]}): it has no edge to compare")
    body = radiograph_body(reference)
    sigma = max(1.0, EDGE_WIDTH * min(reference.shape))
    before, after = (_gradient(array, sigma) for array in (reference, image))
    steepness = np.where(body, np.linalg.norm(before, axis=0), 0.0)
    edges = steepness >= max(float(np.quantile(steepness[body], 1 - STRONGEST)), 1e-3 * float(steepness.max()))
    flipped = float(((before * after).sum(axis=0)[edges] < 0).mean())
    return Inversion(_rank_correlation(image[body], reference[body]), flipped)


def radiograph_body(reference: NDArray[Any]) -> NDArray[np.bool_]:
    """What is brighter than Otsu's threshold and the dark lungs that it encloses; all where that is little.

    Args:
        reference: two axes, dense structures bright, not constant.
    """
    body: NDArray[np.bool_] = binary_fill_holes(reference > threshold_otsu(reference))
    return body if body.mean() >= SMALLEST_BODY else np.ones(reference.shape, dtype=bool)


def _gradient(array: NDArray[Any], sigma: float) -> NDArray[np.float64]:
    orders = np.eye(array.ndim, dtype=int)
    return np.stack([gaussian_filter(array.astype(np.float64), sigma, order=order) for order in orders])


def _rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Spearman's correlation; 0 where one of the two is constant."""
    ranks = np.stack([rankdata(values) for values in (first, second)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(ranks, axis=1)
    return float(ranks[0] @ ranks[1] / (norms[0] * norms[1])) if norms.all() else 0.0
