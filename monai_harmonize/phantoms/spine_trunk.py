"""The trunk around the spine: skin, fat, muscles, vessels, kidneys, liver, spleen, bowel, lungs, ribs, pelvis, table.

Tissues are painted from the outside to the inside; each covers its share of what lies there.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_harmonize.phantoms.ct_materials import BLOOD, FAT, MUSCLE
from monai_harmonize.phantoms.distances import (
    Box,
    Points,
    box_between,
    capsule,
    ellipse,
    ellipsoid_distance,
    points_of,
    share_within,
)
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spine_anatomy import SpineAnatomy
from monai_harmonize.phantoms.spine_levels import NUMBERS
from monai_harmonize.phantoms.spine_pose import Pose
from monai_harmonize.phantoms.trunk_shape import TrunkShape

__all__ = [
    "Canvas",
    "paint_bowel",
    "paint_flesh",
    "paint_lungs",
    "paint_organs",
    "paint_vessels",
    "pelvis_distance",
]

SKIN, LUNG, GAS = 1.04, 0.22, 0.001
WALL, SKIN_THICKNESS = 13.0, 2.0  # mm


class Canvas:
    """Water and iodine in voxels, and which tissue most of each voxel is.

    Attributes:
        water: attenuation relative to water of all but bone and iodine, (columns, rows, slices).
        iodine: g/cm^3.
        labels: numbers of ``NUMBERS``.
    """

    def __init__(self, points: Points, voxel: float) -> None:
        self.points, self.voxel = points, voxel
        shape = np.broadcast_shapes(*(part.shape for part in points))
        self.water, self.iodine = np.full(shape, GAS), np.zeros(shape)
        self.labels = np.zeros(shape, np.uint8)

    def share(self, distance: Array) -> Array:
        """Share of the voxels inside a solid."""
        return share_within(distance, self.voxel)

    def paint(
        self,
        share: Array,
        water: Array | float,
        tissue: str = "",
        iodine: float = 0.0,
        box: Box = (slice(None), slice(None), slice(None)),
    ) -> None:
        """Cover a share of the voxels of a box with a tissue, named where the label map knows it."""
        self.water[box] += share * (water - self.water[box])
        self.iodine[box] += share * (iodine - self.iodine[box])
        self.labels[box][np.broadcast_to(share >= 0.5, self.labels[box].shape)] = NUMBERS.get(tissue, 0)


def paint_flesh(canvas: Canvas, trunk: TrunkShape, anatomy: SpineAnatomy) -> Array:
    """Skin, subcutaneous fat and the muscles of wall and back; returns the share inside the skin."""
    outer, x, y = trunk.distance, trunk.x, trunk.y
    body = canvas.share(outer)
    canvas.paint(body, SKIN, "skin")
    canvas.paint(canvas.share(outer + SKIN_THICKNESS), FAT, "fat")
    layer = anatomy.fat + SKIN_THICKNESS
    canvas.paint(canvas.share(outer + layer), MUSCLE, "abdominal_wall")
    # Behind the spine's arches the wall has no cavity in front of it.
    cavity = np.maximum(outer + layer + WALL, y - 34)
    canvas.paint(canvas.share(cavity), FAT - 0.005, "fat")
    behind = np.maximum(outer + anatomy.back_fat + SKIN_THICKNESS, ellipse(x, y - 56, (74.0, 30.0), 0.9))
    canvas.paint(canvas.share(behind), FAT, "fat")
    noise = np.random.default_rng([anatomy.seed, 23]).standard_normal(canvas.labels.shape, dtype=np.float32)
    noise = gaussian_filter(noise, (1.2, 1.2, 2.0))
    streaks = anatomy.fatty * np.clip(0.5 + 0.8 * noise / noise.std(), 0, 1.6)
    for side in (-1, 1):
        erector = ellipse(x - side * 31, y - 54, (27 * anatomy.muscle, 21 * anatomy.muscle), 1.1)
        erector = np.maximum(erector, outer + anatomy.back_fat + SKIN_THICKNESS)
        canvas.paint(canvas.share(erector), MUSCLE - (MUSCLE - FAT) * streaks, "back_muscles")
        squares = ellipse(x - side * 64, y - 22, (16.0, 9.0))
        canvas.paint(canvas.share(np.maximum(squares, trunk.below("T12"))), MUSCLE, "back_muscles")
        grown = np.clip(-trunk.below("L1") / 110, 0.0, 1.15)
        middle, wide = 30 + 12 * grown, 6 + 17 * grown * anatomy.muscle
        psoas = ellipse(x - side * middle, y - 2 + 8 * grown, (wide, 1.2 * wide), 0.7)
        canvas.paint(canvas.share(np.maximum(psoas, trunk.below("L1"))), MUSCLE, "psoas")
    return body


def paint_organs(canvas: Canvas, trunk: TrunkShape, anatomy: SpineAnatomy) -> None:
    """Liver, spleen and kidneys; perfused where there is contrast medium."""
    cavity = canvas.share(np.maximum(trunk.distance + anatomy.fat + WALL + 3, trunk.y - 36))
    flush = 0.28 * anatomy.iodine
    wide, top = trunk.half_width - anatomy.fat - WALL, trunk.height("L1")
    liver = ellipsoid_distance(canvas.points, (-0.62 * wide, -38, top + 38), (0.66 * wide, 74, 84))
    canvas.paint(canvas.share(liver) * cavity, 1.058, "liver", 0.7 * flush)
    spleen = ellipsoid_distance(canvas.points, (0.8 * wide, 6, trunk.height("T11") + 4), (30, 44, 48))
    canvas.paint(canvas.share(spleen) * cavity, 1.05, "spleen", flush)
    for side, lower in ((-1, 12), (1, 0)):
        along = (trunk.heights - trunk.height("L2") - 8 + lower) / 60
        middle = side * (58 - 10 * along), 12 + 8 * along
        x, y = trunk.x - middle[0], trunk.y - middle[1]
        size = np.sqrt(np.clip(1 - along**2, 0.001, None))
        kidney = ellipse(x, y, (27 * size, 24 * size), 0.5)
        kidney = np.maximum(kidney, (np.abs(along) - 0.99) * 60)
        canvas.paint(canvas.share(kidney), 1.032, "kidneys", 2.2 * flush)
        sinus = ellipse(x + side * 9, y + 3, (11 * size, 8 * size))
        canvas.paint(canvas.share(np.maximum(sinus, (np.abs(along) - 0.6) * 60)), 0.94, "kidneys")


def paint_vessels(canvas: Canvas, trunk: TrunkShape, anatomy: SpineAnatomy) -> None:
    """Aorta, vena cava and, below L4, the common iliac arteries and veins."""
    fork = trunk.below("L4") + 4
    front = trunk.front
    cava = ellipse(trunk.x + 19, trunk.y + front + 11, (12.5, 9.5))
    canvas.paint(canvas.share(np.maximum(cava, -fork)), BLOOD, "vena_cava", 0.25 * anatomy.iodine)
    aorta = ellipse(trunk.x - 9, trunk.y + front + anatomy.aorta + 3, (anatomy.aorta, anatomy.aorta))
    canvas.paint(canvas.share(np.maximum(aorta, -fork)), BLOOD, "aorta", anatomy.iodine)
    apart = np.clip(-fork, 0, None) * 0.55
    for side in (-1, 1):
        vein = ellipse(trunk.x - side * (8 + apart), trunk.y + front + 4, (7.0, 6.5))
        canvas.paint(canvas.share(np.maximum(vein, fork)), BLOOD, "vena_cava", 0.25 * anatomy.iodine)
        artery = ellipse(trunk.x - side * (6 + apart), trunk.y + front + 15, (5.5, 5.5))
        canvas.paint(canvas.share(np.maximum(artery, fork)), BLOOD, "aorta", anatomy.iodine)


def paint_bowel(canvas: Canvas, trunk: TrunkShape, anatomy: SpineAnatomy) -> None:
    """Loops of bowel with fluid, stool or gas; gas lies in front of the fluid."""
    rng = np.random.default_rng([anatomy.seed, 24])
    wide, deep = trunk.half_width - anatomy.fat - WALL, anatomy.depth - anatomy.fat - WALL
    cavity = canvas.share(trunk.distance + anatomy.fat + WALL + 4)
    low, high = trunk.height("L5") - 60, trunk.height("T12")
    for number in range(100):
        colon = number < 18
        across = rng.uniform(0.72, 0.84) * rng.choice((-1, 1)) if colon else rng.uniform(-0.68, 0.68)
        back = rng.uniform(-0.25, 0.02) if colon else rng.uniform(-0.98, -0.42)
        centre = np.array((across * wide, back * deep, rng.uniform(low, high)))
        radii = rng.uniform((15, 15, 20), (23, 22, 42)) if colon else rng.uniform((14, 11, 12), (30, 18, 24))
        gassy, content = rng.random() < 0.4, rng.uniform(0.99, 1.05)
        if centre[0] < -0.2 * wide and centre[2] > trunk.height("L2"):
            continue  # the liver's place
        box = box_between(canvas.points, centre - radii - 4, centre + radii + 4)
        if box[0].stop == 0:
            continue
        points = points_of(canvas.points, box)
        distance = ellipsoid_distance(points, (centre[0], centre[1], centre[2]), (radii[0], radii[1], radii[2]))
        share = canvas.share(distance) * cavity[box]
        canvas.paint(share, 1.035, "bowel", 0.15 * anatomy.iodine, box)
        canvas.paint(canvas.share(distance + 3) * cavity[box], content, "bowel", 0.0, box)
        if gassy:
            level = points[1] - centre[1] - rng.uniform(-0.4, 0.7) * radii[1]
            canvas.paint(canvas.share(np.maximum(distance + 3, level)) * cavity[box], GAS, "bowel", 0.0, box)


def paint_lungs(canvas: Canvas, trunk: TrunkShape, anatomy: SpineAnatomy) -> None:
    """The lungs' lowest parts, around the domes of the diaphragm and deepest at the back."""
    if trunk.heights.max() < trunk.height("L1"):
        return
    layer = anatomy.fat + 13
    out = np.clip(1 + (trunk.distance + layer) / trunk.half_width, 0, 1)
    floor = trunk.height("T11") + 58 * (1 - out**2) - 38 * np.clip(trunk.y / 60, -0.6, 1)
    spine = ellipse(trunk.x - 4, trunk.y + 8, (34.0, 46.0))
    region = np.maximum(np.maximum(trunk.distance + layer, floor - trunk.heights), np.maximum(trunk.y - 48, -spine))
    rng = np.random.default_rng([anatomy.seed, 25])
    canvas.paint(canvas.share(region), LUNG + 0.05 * rng.standard_normal(canvas.labels.shape), "lungs")


def pelvis_distance(points: Points, spine: list[Pose], half_width: float) -> Array:
    """Signed distance to the wings of the ilium, whose crests lie at the height of L4 and L5."""
    crest = float(spine[8].centre[2]) - 14
    x, y, z = points
    inward = np.clip(crest - z, 0, None) * 0.28
    wide = 0.78 * half_width
    blade = capsule((np.abs(x) + inward, y, np.zeros(1)), (46.0, 40.0, 0), (wide, -22.0, 0), (5.0, 4.0))
    return np.maximum(blade, z - crest + 0.010 * (np.abs(x) + inward - 0.82 * wide) ** 2)
