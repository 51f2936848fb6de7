"""Soft tissue of the thorax: body wall, breasts, heart, great vessels, airway and the stomach's gas."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from monai_harmonize.phantoms.anatomy import ThoraxAnatomy
from monai_harmonize.phantoms.lungs import LungShape
from monai_harmonize.phantoms.solids import (
    Array,
    Grid,
    Interval,
    capsule,
    ellipsoid,
    length,
    overlap,
    smooth_union,
)
from monai_harmonize.phantoms.tubes import Tube, project_tubes, round_tube

# Outline of the trunk without fat: y in fractions of the lung height, half width and half depth in fractions
# of the lung's width and depth.
TRUNK = np.array(
    [
        (-0.60, 0.44, 0.74),
        (-0.36, 0.46, 0.76),
        (-0.24, 0.56, 0.76),
        (-0.14, 0.86, 0.76),
        (-0.04, 1.20, 0.84),
        (0.08, 1.26, 0.94),
        (0.25, 1.24, 0.99),
        (0.45, 1.18, 1.02),
        (0.70, 1.13, 1.06),
        (1.00, 1.10, 1.11),
        (1.60, 1.08, 1.15),
    ]
)
TRUNK_POWER = 3.6  # of the superellipse that the trunk is in cross-section
# Silhouette of heart and great vessels at heights from the lung apex (0) to the left dome (1): mm for the
# vessels, multiples of the aorta's radius for its arch, fractions of the heart shadow's width for the heart,
# of the lung's depth for middle and thickness.
SILHOUETTE = np.array([0.0, 0.12, 0.20, 0.265, 0.33, 0.385, 0.44, 0.50, 0.58, 0.68, 0.78, 0.88, 0.97, 1.06, 1.16])
LEFT_VESSELS = np.array([26, 25, 24, 19, 19, 29, 35, 30, 16, 5, 0, 0, 0, 0, 0])
KNOB = np.array([0, 0.05, 0.45, 1.1, 0.75, 0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
LEFT_HEART = np.array([0, 0, 0, 0, 0, 0, 0.02, 0.11, 0.30, 0.485, 0.60, 0.65, 0.645, 0.58, 0.40])
RIGHT_VESSELS = np.array([24, 25, 26, 27, 28, 29, 28, 22, 10, 0, 0, 0, 0, 0, 0])
RIGHT_HEART = np.array([0, 0, 0, 0, 0, 0, 0.02, 0.09, 0.215, 0.32, 0.35, 0.35, 0.32, 0.26, 0.18])
MIDDLE = np.array([-0.20, -0.10, -0.05, 0.0, 0.02, 0.05, 0.08, 0.12, 0.16, 0.20, 0.22, 0.22, 0.22, 0.22, 0.22])
THICKNESS = np.array([0.28, 0.32, 0.36, 0.40, 0.42, 0.44, 0.46, 0.49, 0.53, 0.56, 0.56, 0.54, 0.50, 0.44, 0.34])


def trunk_size(y: Array, anatomy: ThoraxAnatomy) -> tuple[Array, Array]:
    """Half width and half depth in mm of the trunk without its fat at heights y (mm)."""
    height = np.clip(y / anatomy.lung_height, TRUNK[0, 0], TRUNK[-1, 0])
    width = PchipInterpolator(TRUNK[:, 0], TRUNK[:, 1])(height) * anatomy.lung_width
    return width, PchipInterpolator(TRUNK[:, 0], TRUNK[:, 2])(height) * anatomy.lung_depth


def body(grid: Grid, anatomy: ThoraxAnatomy) -> Array:
    """Path length in mm through trunk, neck, shoulders, arms and breasts, lungs taken as solid."""
    width, depth = (half + anatomy.fat for half in trunk_size(grid.y, anatomy))
    trunk = 2 * depth * np.clip(1 - np.abs(grid.x / width) ** TRUNK_POWER, 0, None) ** (1 / TRUNK_POWER)
    arm = 40 + 0.5 * anatomy.fat
    limbs = []
    for side in (-1, 1):
        shoulder = (side * (1.14 * anatomy.lung_width), 50.0 - anatomy.shoulder_lift)
        elbow = (shoulder[0] + side * (anatomy.arm_abduction + 0.6 * anatomy.fat), shoulder[1] + 290)
        limbs.append(capsule(grid, shoulder, elbow, (1.3 * arm, 0.95 * arm)))
    return smooth_union(trunk, *limbs) + breasts(grid, anatomy)


def breasts(grid: Grid, anatomy: ThoraxAnatomy) -> Array:
    """Path length in mm through the breasts: round below, running out above."""
    total = np.zeros_like(grid.x)
    if anatomy.breast == 0:
        return total
    width = 0.62 * anatomy.lung_width
    for side in (-1, 1):
        u = (side * grid.x - 0.70 * anatomy.lung_width) / width
        v = (grid.y - 0.70 * anatomy.lung_height) / (52 + 0.75 * anatomy.breast)
        v = np.where(v > 0, v / 0.85, v / 1.5)
        power = np.where(v > 0, 0.65, 0.65 + 0.9 * np.minimum(-v, 1))
        total += anatomy.breast * np.clip(1 - u**2 - v**2, 0, None) ** power
    return total


def _silhouette(anatomy: ThoraxAnatomy, side: int) -> Array:
    """Border of heart and great vessels in mm from the midline at the heights `SILHOUETTE`."""
    size, aorta = 2 * anatomy.heart_width * anatomy.lung_width, anatomy.aorta
    vessels, heart = (LEFT_VESSELS, LEFT_HEART) if side > 0 else (RIGHT_VESSELS, RIGHT_HEART)
    knob = KNOB * aorta if side > 0 else 0.0
    return np.asarray(vessels * anatomy.lung_width / 137 + knob + heart * size)


def mediastinum(grid: Grid, anatomy: ThoraxAnatomy) -> list[Interval]:
    """Depths of heart and great vessels, which take room from the lungs: silhouette and descending aorta."""
    turn = np.sin(np.deg2rad(anatomy.rotation))
    apex = LungShape(anatomy).dome_top(1)
    height = np.clip(grid.y / apex, SILHOUETTE[0], SILHOUETTE[-1])
    left = PchipInterpolator(SILHOUETTE, _silhouette(anatomy, 1))(height)
    right = -PchipInterpolator(SILHOUETTE, _silhouette(anatomy, -1))(height)
    middle = PchipInterpolator(SILHOUETTE, MIDDLE)(height) * anatomy.lung_depth
    depth = PchipInterpolator(SILHOUETTE, THICKNESS)(height) * anatomy.lung_depth
    u = (grid.x - turn * middle - (left + right) / 2) / ((left - right) / 2)
    half = depth * np.sqrt(np.clip(1 - np.abs(u) ** 2.2, 0, None)) * (grid.y < SILHOUETTE[-1] * apex)
    aorta = anatomy.aorta
    descending = ellipsoid(
        grid, (0.95 * aorta - 55 * turn, 0.66 * apex, -55), (0.85 * aorta, 0.48 * apex, 0.85 * aorta), 1.5
    )
    return [(middle - half, middle + half), descending]


def displaced(lung: Interval, organs: list[Interval]) -> Array:
    """Path length in mm that organs take from a lung; never more than the lung's own."""
    taken = smooth_union(*(overlap(lung, organ) for organ in organs), power=6.0)
    return np.minimum(taken, length(lung))


def airway_tubes(anatomy: ThoraxAnatomy) -> list[Tube]:
    """Trachea and main bronchi."""
    height = anatomy.lung_height
    turn = np.sin(np.deg2rad(anatomy.rotation))
    carina = 0.36 * height
    trachea = np.array(
        [(1.0, -0.45 * height, 20), (0.5, -0.1 * height, 0), (-2.5, 0.2 * height, -8), (-2.0, carina, -10)]
    )
    right = np.array([(-2.0, carina - 6, -10), (-14.0, carina + 16, -12), (-30.0, carina + 34, -16)])
    left = np.array([(-2.0, carina - 6, -10), (16.0, carina + 14, -14), (36.0, carina + 27, -18)])
    tubes = []
    for path, radius in ((trachea, (7.6, 7.8, 8.2, 8.4)), (right, (7.5, 7.0, 5.0)), (left, (7.0, 6.0, 4.5))):
        path[:, 0] += turn * path[:, 2]
        tubes.append(round_tube(path, np.array(radius)))
    return tubes


def airway(grid: Grid, anatomy: ThoraxAnatomy) -> Array:
    """Path length in mm through the air of the trachea and the main bronchi."""
    return np.minimum(project_tubes(grid, airway_tubes(anatomy)), 16.0)


def stomach_gas(grid: Grid, anatomy: ThoraxAnatomy) -> Array:
    """Path length in mm through the gas under the left dome."""
    if anatomy.gas == 0:
        return np.zeros_like(grid.x)
    rng = np.random.default_rng([anatomy.seed, 7])
    top = LungShape(anatomy).dome_top(1)
    pockets = []
    for scale in (1.0, 0.6, 0.5, 0.4):
        wide, high = scale * anatomy.gas * rng.uniform((1.0, 0.5), (1.35, 0.8))
        x = 0.48 * anatomy.lung_width + (1 - scale) * 2.2 * anatomy.gas * rng.uniform(-1, 1)
        y = top + 9 + high + (1 - scale) * anatomy.gas * rng.uniform(0, 1.4)
        pockets.append(length(ellipsoid(grid, (x, y, 0.0), (wide, high, 0.8 * high), rng.uniform(-20, 20))))
    return smooth_union(*pockets)
