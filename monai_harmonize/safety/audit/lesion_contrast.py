"""Does a lesion stay as visible as it was? Contrast-to-noise ratio before and after, on pairs with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.structure import increasing_curve, level_index
from monai_harmonize.safety.audit.lesion_pairs import LesionPair

__all__ = ["VISIBLE", "LesionContrast", "measure_lesion"]

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

# The ring starts and ends so many mm beyond the lesion, at least one and two pixels.
RING = (4.0, 16.0)
# What is wider (standard deviation in mm) is anatomy's slope, not noise.
SLOW = 8.0
# A lesion fainter than this share of the noise cannot be said to vanish.
VISIBLE = 0.5
# Noise below half an 8-bit level is rounding.
QUIET = 1 / 510
LEVELS = 4096


@dataclass(frozen=True)
class LesionContrast:
    """One lesion before and after.

    Contrast is how much brighter the lesion made its pixels than the ring around them, by comparison with the same
    patient without it; noise is the standard deviation of that patient's ring without its slow waves: grain, vessels
    and edges of ribs, among which a reader finds the lesion.

    Args:
        name: identifier of the patient.
        before: contrast-to-noise ratio in the source.
        after: in the output.
        by_curve: in the source after the one increasing curve that comes nearest to what the harmonizer did.
        contrast_before: contrast in the source, share of the grey scale.
        contrast_after: in the output.
        contrast_by_curve: after that curve.
    """

    name: str
    before: float
    after: float
    by_curve: float
    contrast_before: float
    contrast_after: float
    contrast_by_curve: float

    @property
    def ratio(self) -> float:
        """Share of the visibility that is left; negative for a lesion that turned."""
        return self.after / self.before

    @property
    def against_curve(self) -> float:
        """Share of the visibility that the curve would have left."""
        return self.after / self.by_curve if self.by_curve > 0 else float("inf")

    def deleted(self, share: float) -> bool:
        """Whether less is left than ``share`` of what there was and of what the curve leaves.

        Both the ratio to the noise and the contrast itself must have fallen: a lesion that drowns in added noise is
        told by ``ratio``, it was not taken out.
        """
        less_visible = self.after < share * min(self.before, self.by_curve)
        return less_visible and self.contrast_after < share * min(self.contrast_before, self.contrast_by_curve)


def measure_lesion(pair: LesionPair, ill: Image, healthy: Image) -> LesionContrast | None:
    """Compare the lesion of a pair with what is left of it in the outputs.

    Args:
        pair: the sources.
        ill: output for ``pair.ill``, same shape and scale.
        healthy: output for ``pair.healthy``.

    Returns:
        ``None`` where the lesion, its ring in the lungs or its visibility in the source is too small to judge.

    Raises:
        InputError: an output has another shape, or holds NaN or infinity.
    """
    for output in (ill, healthy):
        if output.shape != pair.ill.shape or not np.isfinite(output).all():
            raise InputError(
                f"patient {pair.name}: an output of shape {output.shape}; expected {pair.ill.shape}, finite"
            )
    ring = _ring(pair)
    if not pair.lesion.any() or not ring.any():
        return None
    sources = _unit(pair.ill), _unit(pair.healthy)
    outputs = _unit(ill), _unit(healthy)
    curve = increasing_curve(level_index(sources[1], LEVELS), outputs[1], LEVELS).astype(np.float32)
    ill_curved, healthy_curved = (curve[level_index(image, LEVELS)] for image in sources)
    before, contrast = _visibility(sources[0], sources[1], pair, ring)
    after, left = _visibility(outputs[0], outputs[1], pair, ring)
    by_curve, curve_left = _visibility(ill_curved, healthy_curved, pair, ring)
    if before < VISIBLE:
        return None
    return LesionContrast(pair.name, before, after, by_curve, contrast, left, curve_left)


def _unit(image: Image) -> Image:
    unit: Image = ((image + 1) / 2).clip(0, 1).astype(np.float32)
    return unit


def _ring(pair: LesionPair) -> Mask:
    """Lung around the lesion, without it."""
    distance = distance_transform_edt(~pair.lesion)
    start, end = (max(reach / pair.spacing, floor) for reach, floor in zip(RING, (1.0, 2.0), strict=True))
    ring: Mask = (distance > start) & (distance <= end) & pair.lungs
    return ring


def _visibility(ill: Image, healthy: Image, pair: LesionPair, ring: Mask) -> tuple[float, float]:
    """Contrast-to-noise ratio and contrast."""
    added = ill - healthy
    contrast = float(added[pair.lesion].mean() - added[ring].mean())
    noise = healthy - gaussian_filter(healthy, SLOW / pair.spacing, mode="nearest")
    return contrast / max(float(noise[ring].std()), QUIET), contrast
