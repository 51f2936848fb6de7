"""Beam hardening: what a scanner gets wrong that takes its polychromatic beam for a monochromatic one.

Behind dense bone the beam is harder, so that less is measured than the line integral of what lies there. Images then
cup and show dark bands between dense bones. Computed from the spectrum, by projection and backprojection.
"""

import numpy as np

from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.ct_tomography import backproject, project
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spectrum import transmission

__all__ = ["hardening_error"]

GRID = 64  # pixels per edge; the error is smooth
MOST_WATER, USUAL_WATER = 80.0, 25.0  # g/cm^2


def hardening_error(
    materials: Materials, bone_contrast: float, kilovolt: float, filtration: float, uncorrected: float
) -> Array:
    """HU (columns, rows, slices) that beam hardening adds to the image of a monochromatic beam.

    Args:
        materials: the patient.
        bone_contrast: HU that 1 g/cm^3 of bone adds in that image.
        kilovolt: tube voltage in kV.
        filtration: aluminium in mm.
        uncorrected: share of the correction for water that is left out, 0 to 1; images then cup.
    """
    spacing, shape = materials.spacing, materials.water.shape
    edge = max(size * step for size, step in zip(shape[:2], spacing[:2], strict=True)) / GRID
    down = [_averages(size, step / edge) for size, step in zip(shape[:2], spacing[:2], strict=True)]
    soft, mineral = (project(_both(down, values), edge) / 10 for values in (materials.water, materials.bone))
    measured = -np.log(transmission(soft, mineral, kilovolt, filtration))
    # The calibration: how much is measured behind water.
    water = np.linspace(0, MOST_WATER, 400)
    behind = -np.log(transmission(water, np.zeros_like(water), kilovolt, filtration))
    corrected = np.interp(measured, behind, water)
    plain = measured * USUAL_WATER / np.interp(USUAL_WATER, water, behind)
    error = (1 - uncorrected) * corrected + uncorrected * plain - (soft + bone_contrast / 1000 * mineral)
    up = [_interpolation(size, step / edge) for size, step in zip(shape[:2], spacing[:2], strict=True)]
    return 1000 * _both(up, backproject(10 * error, edge, GRID))


def _both(weights: list[Array], values: Array) -> Array:
    """Weights (new, old) applied to columns and rows."""
    return np.asarray(np.einsum("ai,ijk,bj->abk", weights[0], values, weights[1], optimize=True))


def _averages(size: int, step: float) -> Array:
    """Weights (GRID, size) by which pixels of the coarse grid, concentric, average those of width ``step`` in it."""
    new, old = np.arange(GRID) - (GRID - 1) / 2, (np.arange(size) - (size - 1) / 2) * step
    overlap = (1 + step) / 2 - np.abs(new[:, None] - old)
    return np.asarray(np.clip(overlap, 0, min(step, 1.0)))


def _interpolation(size: int, step: float) -> Array:
    """Weights (size, GRID) of linear interpolation back."""
    new, old = (np.arange(size) - (size - 1) / 2) * step, np.arange(GRID) - (GRID - 1) / 2
    weights = np.clip(1 - np.abs(new[:, None] - old), 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
