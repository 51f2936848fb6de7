"""Bones of the thorax as mineral per area: ribs, clavicles, scapulae, humeri and spine."""

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.draw import polygon

from monai_harmonize.phantoms.anatomy import ThoraxAnatomy
from monai_harmonize.phantoms.lungs import LungShape
from monai_harmonize.phantoms.solids import Array, Grid
from monai_harmonize.phantoms.tubes import Tube, project_tubes, round_tube

CORTICAL = 0.19  # g/cm^2 of bone per mm of cortical bone
SPONGY = 0.030  # the same for spongy bone, whose marrow counts as soft tissue
MARROW = SPONGY / CORTICAL  # density of a bone's core relative to its shell
SCAPULA = 0.22  # g/cm^2 of bone in the thin part of a scapula

# Per rib: how far it runs round the chest (degrees from the spine), and its fall to the front end in mm.
RIB_END = (138, 143, 146, 146, 145, 142, 138, 133, 126, 118, 84, 58)
RIB_FALL = (46, 62, 80, 96, 108, 117, 123, 126, 122, 112, 70, 45)


def vertebra_heights(anatomy: ThoraxAnatomy) -> Array:
    """Height y in mm of the middles of the vertebral bodies C4 to L4 (T1 has index 4)."""
    scale = anatomy.lung_height / 252
    steps = np.array([15, 15.5, 16, 17.5, 19.5, 20.5, 21, 21.5, 22, 22.5, 23, 23.5, 24.5, 26, 28, 30, 32, 33, 34])
    heights = np.cumsum(steps) * (0.6 + 0.4 * scale)
    return np.asarray(heights - heights[4] - 4.0)


def ribs(anatomy: ThoraxAnatomy) -> list[Tube]:
    """Twelve pairs of ribs on the inside of the body wall, each falling from its vertebra to the front."""
    shape, rng = LungShape(anatomy), np.random.default_rng([anatomy.seed, 3])
    scale = anatomy.lung_width / 137
    turn = np.sin(np.deg2rad(anatomy.rotation))
    tubes = []
    for index, height in enumerate(vertebra_heights(anatomy)[4:16]):
        for side in (-1, 1):
            end = np.deg2rad(RIB_END[index] + rng.normal(0, 2))
            fall = RIB_FALL[index] * anatomy.rib_slope * scale * rng.normal(1, 0.03)
            angle = np.linspace(np.deg2rad(9), end, 90)
            progress = angle / np.deg2rad(140)
            rise = (13 - 0.9 * index) * np.sin(np.clip(angle * 2.1, 0, np.pi))
            y = height + rng.normal(0, 0.8) - scale * rise + fall * progress ** (1.5 - 0.04 * index)
            below = np.maximum(y, 6.0 + 2.0 * index)
            width = shape.lateral(below) + 3.0
            depth = 1.06 * shape.half_depth(below) + 4.0
            x = side * (4.0 + (width - 4.0) * np.abs(np.sin(angle)) ** 0.9)
            z = shape.middle(below) - depth * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.9
            path = np.stack((x + turn * z, y, z), axis=1)
            outward = np.stack((side * np.sin(angle), np.zeros_like(x), -np.cos(angle)), axis=1)
            radius = 6.4 + 0.9 * np.sin(np.pi * np.clip(progress, 0, 1))
            radius *= 1 + 0.06 * np.sin(6 * angle + rng.uniform(0, 6))
            radius *= 0.75 if index in (0, 11) else 1.0
            thinning = 1 - 0.55 * np.clip((angle - 1.2) / 1.2, 0, 1) ** 1.5  # cartilage begins in front
            tubes.append(Tube(path, radius * scale, np.full_like(radius, 3.4 * scale), outward, thinning))
    return tubes


def clavicles(anatomy: ThoraxAnatomy) -> list[Tube]:
    """Two S-shaped clavicles from the breastbone over the apices to the shoulders."""
    turn = np.sin(np.deg2rad(anatomy.rotation))
    tubes = []
    for side in (-1, 1):
        along = np.linspace(0, 1, 60)
        x = side * (17 + (1.03 * anatomy.lung_width - 17) * along)
        lateral = 2 - anatomy.shoulder_lift
        y = 42 + (lateral - 42) * along**0.8 - 4.0 * np.sin(2 * np.pi * along)
        z = 62 - 75 * along + 12 * np.sin(2 * np.pi * along)
        radius = 5.0 + 2.6 * np.exp(-((along / 0.12) ** 2)) + 1.0 * along**4
        radius *= np.sqrt(np.clip(np.minimum(along, 1 - along) / 0.035, 0.05, 1))
        path = np.stack((x + turn * z, y, z), axis=1)
        tubes.append(round_tube(path, radius))
    return tubes


def _shoulder_tubes(anatomy: ThoraxAnatomy, side: int) -> tuple[list[Tube], Tube, Array]:
    """Scapula's thick borders, humerus, and the outline (N, 2) of the scapula's thin plate."""
    x0, y0 = 1.0 * anatomy.lung_width, -anatomy.shoulder_lift

    def points(*pairs: tuple[float, float]) -> Array:
        return np.array([(side * (x0 + x), y0 + y, -60.0) for x, y in pairs])

    lower = 0.18 * anatomy.arm_abduction
    outline = points(
        (-32, 8), (-12, 2), (10, 20), (12, 44), (4, 74), (-6, 112), (lower - 22, 138), (-31, 108), (-37, 60)
    )
    borders = [
        round_tube(
            points((12, 44), (7, 60), (3, 78), (-6, 112), (lower - 20, 136)),
            np.array([6.5, 5.0, 4.2, 3.6, 3.0]),
        ),
        round_tube(points((-32, 8), (-37, 50), (-33, 95), (lower - 22, 136)), 2.0),
        round_tube(points((-36, 42), (-14, 24), (8, 8), (26, 0), (33, 4)), np.array([2.4, 3.4, 4.5, 6.0, 5.0])),
        round_tube(points((-20, 6), (-4, 12), (6, 22), (-2, 30)), np.array([3.0, 4.0, 4.5, 3.5])),
        round_tube(points((14, 18), (15, 32), (13, 46)), np.array([4.0, 6.0, 4.0])),
    ]
    head, elbow = points((33, 30), (34 + anatomy.arm_abduction, 310))
    along = np.linspace(0, 1, 60)
    shaft = head + along[:, None] * (elbow - head)
    width = np.interp(along, (0, 0.03, 0.08, 0.13, 0.22, 1), (22, 21, 17, 14, 12, 11))
    cap = head + np.linspace(0, 22, 16)[:, None] * (head - elbow) / np.linalg.norm(head - elbow)
    size = np.sqrt(np.clip(22**2 - np.linspace(0, 22, 16) ** 2, 1, None))
    humerus = round_tube(np.concatenate((cap[:0:-1], shaft)), np.concatenate((size[:0:-1], width)))
    return borders, humerus, outline[:, :2]


def shoulders(grid: Grid, anatomy: ThoraxAnatomy) -> Array:
    """Bone in g/cm^2 of scapulae and humeri."""
    borders, humeri, plates = [], [], np.zeros_like(grid.x)
    for side in (-1, 1):
        edges, humerus, outline = _shoulder_tubes(anatomy, side)
        borders += edges
        humeri.append(humerus)
        plates[polygon(*grid.indices(outline), shape=plates.shape)] = 1.0
    bone = 0.9 * project_tubes(grid, borders, 0.70, MARROW) + 0.8 * project_tubes(grid, humeri, 0.76, MARROW)
    return np.asarray(CORTICAL * bone + SCAPULA * gaussian_filter(plates, 2.0 / grid.pixel))


def spine(grid: Grid, anatomy: ThoraxAnatomy) -> Array:
    """Bone in g/cm^2 of the vertebrae: bodies with end plates, pedicles, spinous processes."""
    heights = vertebra_heights(anatomy)
    scale = anatomy.lung_width / 137
    turn = -62 * np.sin(np.deg2rad(anatomy.rotation))
    curve = 2.0 * np.sin(np.random.default_rng([anatomy.seed, 4]).uniform(-1, 1) + grid.y / 90)
    edges = (heights[:-1] + heights[1:]) / 2
    number = np.searchsorted(edges, grid.y)
    gap = np.gradient(heights)[number]
    v = 2 * (grid.y - heights[number]) / (0.84 * gap)
    x = (grid.x - turn - curve) / scale
    half = np.interp(number, (0, 4, 8, 15, 18), (11.5, 14.5, 14.5, 19, 22)) * (1 + 0.07 * v**2)
    u = x / half
    depth = np.interp(number, (0, 4, 15, 18), (15, 17, 29, 32)) * scale
    inside = 1 / (1 + np.exp(np.clip((np.abs(v) - 1) * 0.42 * gap / 0.55, -40, 40)))
    profile = np.clip(1 - np.abs(u) ** 3.4, 0, None) ** 0.42
    plates = np.exp(-(((np.abs(v) - 0.95) / 0.085) ** 2))
    bone = SPONGY * 0.75 * depth * profile * inside * (1 + 0.75 * plates)
    bone += 0.16 * np.exp(-(((np.abs(u) - 0.95) / 0.07) ** 2)) * inside
    pedicle = np.hypot((np.abs(x) - 0.62 * half) / 4.4, (grid.y - heights[number] + 0.16 * gap) / 6.2)
    bone += 0.26 * np.exp(-(((pedicle - 0.82) / 0.24) ** 2)) + 0.10 * (pedicle < 0.82)
    process = np.hypot(x / 4.0, (grid.y - heights[number] - 0.30 * gap) / 7.5)
    bone += 0.42 * np.clip(1 - process**2, 0, None) ** 0.5
    # Transverse processes reach sideways at the height of the pedicles.
    wing = np.clip(1 - np.abs(np.abs(x) - half - 6) / 10, 0, 1)
    bone += 0.17 * wing * np.exp(-(((grid.y - heights[number] + 0.2 * gap) / 4.5) ** 2)) * (number < 16)
    return np.asarray(bone)


def skeleton(grid: Grid, anatomy: ThoraxAnatomy) -> Array:
    """All bones in g/cm^2 of cortical bone."""
    bone = CORTICAL * project_tubes(grid, ribs(anatomy), 0.73, MARROW)
    bone += CORTICAL * project_tubes(grid, clavicles(anatomy), 0.66, MARROW)
    return anatomy.bone_density * (bone + shoulders(grid, anatomy) + spine(grid, anatomy))
