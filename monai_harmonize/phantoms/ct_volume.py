"""A patient's thorax as a volume: how much of each material lies in each voxel, whatever the scanner."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_harmonize.phantoms.anatomy import ThoraxAnatomy
from monai_harmonize.phantoms.ct_materials import BLOOD, FAT, MUSCLE, Materials
from monai_harmonize.phantoms.lungs import LungShape
from monai_harmonize.phantoms.skeleton import CORTICAL, MARROW, SPONGY, clavicles, ribs, vertebra_heights
from monai_harmonize.phantoms.soft_tissue import TRUNK_POWER, airway_tubes, mediastinum, trunk_size
from monai_harmonize.phantoms.solids import Array, Grid, Interval
from monai_harmonize.phantoms.thorax import BONE_DENSITY
from monai_harmonize.phantoms.tubes import Tube, splat_tubes, tube_points
from monai_harmonize.phantoms.vessels import pulmonary_vessels

# Contrast medium in g of iodine per cm^3.
IODINE_IN_BLOOD, IODINE_IN_ORGANS = 0.006, 0.0015
MARGIN = 12.0  # mm of air beside the body


@dataclass(frozen=True)
class Voxels:
    """Voxel centres in the patient's coordinates (`ThoraxAnatomy`).

    Attributes:
        grid: x and y of each (column, slice); rays along z run through the rows.
        z: (rows,) from front to back, in mm.
        spacing: voxel edges in mm.
    """

    grid: Grid
    z: Array
    spacing: tuple[float, float, float]

    def filled(self, interval: Interval) -> Array:
        """Share (columns, rows, slices) of each voxel between two depths, given per (column, slice)."""
        half = self.spacing[1] / 2
        z = self.z[None, :, None]
        deep = np.minimum(interval[1][:, None], z + half) - np.maximum(interval[0][:, None], z - half)
        return np.asarray(np.clip(deep / (2 * half), 0, 1))

    def splat(self, tubes: list[Tube], core: float = 0.0, filling: float = 0.0) -> Array:
        """Share (columns, rows, slices) of each voxel inside tubes, spread over the eight nearest voxels."""
        shape = (self.grid.x.shape[0], len(self.z), self.grid.x.shape[1])
        first = np.array((self.grid.x[0, 0], self.grid.y[0, 0], self.z[0]))

        def place(points: Array) -> Array:
            x, y, z = (points - first).T
            return np.asarray(np.stack((x, -z, -y)) / np.array(self.spacing)[:, None])

        total = splat_tubes(shape, place, tube_points(tubes, min(self.spacing), core, filling))
        return np.asarray(total / np.prod(self.spacing))


def voxels_of(anatomy: ThoraxAnatomy, shape: tuple[int, int, int]) -> Voxels:
    """Voxels around a patient's thorax, square in plane, from below the diaphragm to above the apices."""
    columns, rows, slices = shape
    widest = trunk_size(np.linspace(0, anatomy.lung_height, 20), anatomy)[0].max() + anatomy.fat + MARGIN
    pixel = 2 * widest / columns
    thickness = 1.05 * anatomy.lung_height / slices
    x = (np.arange(columns) - (columns - 1) / 2) * pixel
    y = anatomy.lung_height - thickness * np.arange(slices)
    z = ((rows - 1) / 2 - np.arange(rows)) * pixel
    column, level = np.meshgrid(x, y, indexing="ij")
    grid = Grid(column, level, pixel, (float(x[0]), float(y[0])), 0.0)
    return Voxels(grid, z, (pixel, pixel, thickness))


def _trunk(voxels: Voxels, anatomy: ThoraxAnatomy, fat: float) -> Array:
    width, depth = (half + fat for half in trunk_size(voxels.grid.y, anatomy))
    across = np.abs(voxels.grid.x / width) ** TRUNK_POWER
    half = depth * np.clip(1 - across, 0, None) ** (1 / TRUNK_POWER)
    return voxels.filled((-half, half))


def _spine(voxels: Voxels, anatomy: ThoraxAnatomy) -> Array:
    """Bone in g/cm^3 of the vertebrae: spongy bodies in a dense shell, disks between them, spinous processes."""
    heights, scale = vertebra_heights(anatomy), anatomy.lung_width / 137
    x, y = voxels.grid.x[:, None] / scale, voxels.grid.y[:, None]
    z = (voxels.z[None, :, None] + 0.66 * anatomy.lung_depth) / scale
    number = np.searchsorted((heights[:-1] + heights[1:]) / 2, y)
    along = 2 * (y - heights[number]) / np.gradient(heights)[number]
    radius = np.hypot(x / 17, z / 15)
    inside = np.clip((1.04 - radius) / 0.12, 0, 1) * (np.abs(along) < 0.84)
    shell = np.exp(-(((radius - 0.94) / 0.12) ** 2)) + np.exp(-(((np.abs(along) - 0.80) / 0.10) ** 2))
    # Arch and process enclose the canal behind the body.
    ring = np.exp(-(((np.hypot(x, z + 26) - 12.5) / 2.6) ** 2)) * (z < -18)
    process = np.exp(-((x / 3.2) ** 2)) * (z < -38) * (z > -62) * (np.abs(along) < 0.6)
    return np.asarray(10 * (inside * (0.7 * SPONGY + 0.045 * shell) + 0.045 * (ring + process)))


def voxelize(anatomy: ThoraxAnatomy, shape: tuple[int, int, int] = (96, 96, 48)) -> Materials:
    """Materials in the voxels of a patient's thorax, arms raised.

    Args:
        anatomy: the patient.
        shape: columns, rows, slices.
    """
    voxels, lungs = voxels_of(anatomy, shape), LungShape(anatomy)
    body, inner = (_trunk(voxels, anatomy, fat) for fat in (anatomy.fat, 0.0))
    cavity, abdomen = np.zeros(shape), np.zeros(shape)
    for side in (-1, 1):
        cavity += voxels.filled(lungs.interval(voxels.grid, side))
        abdomen = np.maximum(abdomen, voxels.filled(lungs.diaphragm(voxels.grid, side)))
    organs = [voxels.filled(interval) for interval in mediastinum(voxels.grid, anatomy)]
    blood = np.maximum.reduce(organs)
    lung = np.clip(cavity, 0, 1) * (1 - np.maximum(blood, abdomen))
    vessels = np.clip(voxels.splat(pulmonary_vessels(anatomy)), 0, 1) * lung
    texture = gaussian_filter(np.random.default_rng([anatomy.seed, 8]).standard_normal(shape), 1.0)
    aerated = anatomy.lung_density * (1 + 0.12 * texture / texture.std())
    tubes = voxels.splat(ribs(anatomy), 0.73, MARROW) + voxels.splat(clavicles(anatomy), 0.66, MARROW)
    bone = 10 * CORTICAL * tubes * (1 - lung) + _spine(voxels, anatomy) * (1 - lung)
    bone = np.clip(anatomy.bone_density * bone * body, 0, BONE_DENSITY)
    tissue = FAT * (body - inner) + MUSCLE * inner
    water = tissue * (1 - lung) + (lung - vessels) * aerated + vessels * BLOOD
    air = np.clip(voxels.splat(airway_tubes(anatomy)), 0, 1)
    # Mineral and air take room from what lies there.
    water = water * (1 - bone / BONE_DENSITY) * (1 - air)
    iodine = IODINE_IN_BLOOD * np.maximum(blood * (1 - abdomen), vessels) + IODINE_IN_ORGANS * abdomen * inner
    return Materials(water, bone * (1 - air), iodine * (1 - air), body, voxels.spacing)
