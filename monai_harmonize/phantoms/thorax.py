"""Path lengths of soft tissue and bone through a patient: what a ray meets, whatever the X-ray machine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, gaussian_filter, zoom

from monai_harmonize.phantoms.anatomy import Lesion, ThoraxAnatomy
from monai_harmonize.phantoms.lungs import LungShape
from monai_harmonize.phantoms.skeleton import skeleton
from monai_harmonize.phantoms.soft_tissue import airway, body, displaced, mediastinum, stomach_gas
from monai_harmonize.phantoms.solids import Array, Grid, length, make_grid
from monai_harmonize.phantoms.tubes import project_tubes
from monai_harmonize.phantoms.vessels import pulmonary_vessels

BONE_DENSITY = 1.92  # g/cm^3, cortical bone of ICRU Report 44
LUNG_SHARE = 0.7  # of the pleural cavity on a pixel's ray, from which on the pixel counts as lung


@dataclass(frozen=True)
class PathLengths:
    """Materials along the ray of each pixel, arrays (rows, columns).

    Attributes:
        soft: soft tissue in g/cm^2.
        bone: cortical bone in g/cm^2.
        lung: aerated lung in mm.
        cavity: pleural cavity in mm: the lung's path if heart and diaphragm took no room from it.
        lesion: what the finding adds in g/cm^2.
        pixel: pixel edge in mm.
    """

    soft: Array
    bone: Array
    lung: Array
    cavity: Array
    lesion: Array
    pixel: float


def _texture(size: int, seed: int) -> Array:
    """Cloudy relative density of the lung (rows, columns) with mean about 1."""
    rng = np.random.default_rng([seed, 6])
    total = np.zeros((size, size))
    for cells, strength in ((8, 0.05), (24, 0.035), (64, 0.03), (128, 0.03)):
        coarse = gaussian_filter(rng.standard_normal((cells, cells)), 0.6, mode="wrap")
        fine = zoom(coarse, size / cells, order=1, mode="nearest", grid_mode=True)
        total += strength * fine[:size, :size] / coarse.std()
    return np.exp(total)


def _add_lesion(mass: Array, grid: Grid, lesion: Lesion, anatomy: ThoraxAnatomy) -> None:
    """Add what a lesion weighs more than the lung it replaces, in g/cm^2, to `mass`."""
    x, y, _ = LungShape(anatomy).position(lesion.side, lesion.height, lesion.across)
    reach = 1.2 * lesion.radius * (4 if lesion.cloud else 1)
    near = np.nonzero((np.abs(grid.x - x) < reach) & (np.abs(grid.y - y) < reach))
    dx, dy = grid.x[near] - x, grid.y[near] - y
    angle = np.arctan2(dy, dx)
    uneven = 1 + 0.10 * np.cos(2 * angle + lesion.phase) + 0.05 * np.cos(3 * angle + 2.3 * lesion.phase)
    squared = (dx**2 + dy**2) / uneven**2
    if lesion.cloud:
        ball = np.sqrt(2 * np.pi) * lesion.radius * np.exp(-squared / (2 * lesion.radius**2))
        added = lesion.density * ball
    else:
        wall = lesion.wall * (1 + 0.35 * np.cos(angle - lesion.phase)) if lesion.wall else lesion.radius
        ball = 2 * np.sqrt(np.clip(lesion.radius**2 - squared, 0, None))
        hole = 2 * np.sqrt(np.clip(np.maximum(lesion.radius - wall, 0) ** 2 - squared, 0, None))
        added = lesion.density * (ball - hole) - anatomy.lung_density * ball
    mass[near] += added / 10


def project_thorax(anatomy: ThoraxAnatomy, size: int) -> PathLengths:
    """Path lengths of a patient on a grid of `size` by `size` pixels.

    Args:
        anatomy: the patient.
        size: pixels per edge; the field of view is the patient's.
    """
    grid = make_grid(size, anatomy.field, anatomy.centre, anatomy.tilt)
    shape, organs = LungShape(anatomy), mediastinum(grid, anatomy)
    lung, cavity = np.zeros_like(grid.x), np.zeros_like(grid.x)
    for side in (-1, 1):
        interval = shape.interval(grid, side)
        cavity += length(interval)
        lung += length(interval) - displaced(interval, [*organs, shape.diaphragm(grid, side)])
    vessels = np.minimum(project_tubes(grid, pulmonary_vessels(anatomy)), 0.8 * lung)
    bone = skeleton(grid, anatomy)
    trunk = body(grid, anatomy)
    bone *= np.clip(trunk / 20.0, 0, 1)
    texture = _texture(size, anatomy.seed)
    tissue = trunk - lung - airway(grid, anatomy) - stomach_gas(grid, anatomy) - 10 * bone / BONE_DENSITY
    soft = np.clip(tissue, 0, None) / 10
    soft += (anatomy.lung_density * texture * (lung - vessels) + vessels) / 10
    lesion = np.zeros_like(soft)
    for part in anatomy.lesions:
        _add_lesion(lesion, grid, part, anatomy)
    lesion *= np.clip(lung / 30, 0, 1)  # nothing of the finding lies outside the lung
    return PathLengths(np.clip(soft + lesion, 0, None), bone, lung, cavity, lesion, grid.pixel)


def lesion_mask(paths: PathLengths) -> NDArray[np.uint8]:
    """Pixels of the finding (rows, columns), 255 inside; a cavity's middle belongs to it.

    A pixel counts where the finding changes the path by 0.2 g/cm^2 (2 mm of soft tissue) or more.
    """
    return np.where(binary_fill_holes(np.abs(paths.lesion) >= 0.2), 255, 0).astype(np.uint8)


def lung_mask(paths: PathLengths) -> NDArray[np.uint8]:
    """Pixels of the lung fields (rows, columns), 255 inside, as readers outline them on a radiograph.

    Lung behind the heart and beside the domes of the diaphragm does not count: most of the pleural cavity on a
    pixel's ray must be aerated lung.
    """
    return np.where((paths.cavity > 0) & (paths.lung >= LUNG_SHARE * paths.cavity), 255, 0).astype(np.uint8)
