"""A patient's thoracolumbar spine and trunk as a volume, with the label of each voxel, whatever the scanner."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.ct_materials import FAT, MUSCLE, Materials
from monai_harmonize.phantoms.distances import Points, ellipse, share_within
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spine_anatomy import SpineAnatomy
from monai_harmonize.phantoms.spine_bones import SpineBones, rasterize_spine
from monai_harmonize.phantoms.spine_levels import NUMBERS
from monai_harmonize.phantoms.spine_pose import Pose, poses
from monai_harmonize.phantoms.spine_ribs import spine_ribs
from monai_harmonize.phantoms.spine_trunk import (
    Canvas,
    paint_bowel,
    paint_flesh,
    paint_lungs,
    paint_organs,
    paint_vessels,
    pelvis_distance,
)
from monai_harmonize.phantoms.thorax import BONE_DENSITY
from monai_harmonize.phantoms.trunk_shape import TrunkShape
from monai_harmonize.phantoms.tubes import splat_tubes, tube_points

__all__ = ["SpineVolume", "voxelize_spine"]

Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]
DISC_WATER, SAC_WATER = 1.085, 1.022
RIB_SHELL, RIB_CORE = 0.75, 0.35  # part of a rib's radius where its shell begins; density of the core
RIB_MINERAL, PELVIS_MINERAL = 0.85, 0.30  # g/cm^3
PLATE_WATER, FOAM_WATER = 1.12, 0.06  # the table: carbon fibre around foam
SPINE_FIELD, TRUNK_FIELD = 190.0, 330.0  # mm; a small field is centred on the spine, a large one on the trunk


@dataclass(frozen=True)
class SpineVolume:
    """A patient in voxels; arrays (columns, rows, slices), to the patient's left, back and head.

    Attributes:
        materials: what fills each voxel.
        labels: uint8, numbers of ``NUMBERS``; 0 is air.
        corner: position in mm to the left, the back and the head of the centre of the first voxel; the table's
            middle line lies at 0.
    """

    materials: Materials
    labels: NDArray[np.uint8]
    corner: tuple[float, float, float]


def _lines(anatomy: SpineAnatomy, shape: Shape, spacing: Spacing) -> tuple[Array, Array, Array]:
    """Voxel centres along each axis on the table, whose origin is the middle of L3 before the patient moved."""
    field = min(size * edge for size, edge in zip(shape[:2], spacing[:2], strict=True))
    part = np.clip((field - SPINE_FIELD) / (TRUNK_FIELD - SPINE_FIELD), 0, 1)
    trunk = (anatomy.size * 70 + anatomy.back_fat - anatomy.depth) / 2
    middles = (0.0, (1 - part) * 16 + part * (trunk + 8), 20.0)
    x, y, z = (
        middle + (np.arange(size) - (size - 1) / 2) * edge
        for middle, size, edge in zip(middles, shape, spacing, strict=True)
    )
    return x, y, z


def _points(anatomy: SpineAnatomy, lines: tuple[Array, Array, Array], slices: Array) -> Points:
    """The patient's coordinates of voxels: moved on the table, and turned about the long axis."""
    x, y = np.meshgrid(lines[0] - anatomy.shift[0], lines[1] - anatomy.shift[1], indexing="ij")
    turn = np.deg2rad(anatomy.rotation)
    left, back = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    return left[:, :, None], back[:, :, None], slices[None, None] - anatomy.shift[2]


def _spine(anatomy: SpineAnatomy, lines: tuple[Array, Array, Array], spine: list[Pose], spacing: Spacing) -> SpineBones:
    """The spine, computed on finer slices where these are thicker than the pixels are wide."""
    pixel = max(spacing[:2])
    fine = max(1, round(spacing[2] / pixel))
    steps = (np.arange(fine) - (fine - 1) / 2) * spacing[2] / fine
    points = _points(anatomy, lines, (lines[2][:, None] + steps).ravel())
    return rasterize_spine(points, spine, anatomy, pixel, fine)


def _ribs(anatomy: SpineAnatomy, lines: tuple[Array, Array, Array], spine: list[Pose], spacing: Spacing) -> Array:
    """Mineral in g/cm^3 of the ribs."""
    turn = np.deg2rad(anatomy.rotation)
    first = np.array([line[0] for line in lines])
    shape = (len(lines[0]), len(lines[1]), len(lines[2]))

    def place(points: Array) -> Array:
        x, y, z = points.T
        moved = np.stack((np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y, z), axis=1)
        return np.asarray((moved + np.array(anatomy.shift) - first).T / np.array(spacing)[:, None])

    parts = tube_points(spine_ribs(spine, anatomy), min(*spacing, 3.0), RIB_SHELL, RIB_CORE)
    return np.asarray(RIB_MINERAL * np.clip(splat_tubes(shape, place, parts) / np.prod(spacing), 0, 1))


def _paint_table(canvas: Canvas, lines: tuple[Array, Array, Array], skin: float, pixel: float) -> None:
    """A curved table of carbon fibre around foam; ``skin`` is where the back touches it."""
    x, y = lines[0][:, None, None], lines[1][None, :, None]
    top = y - (skin - 0.0011 * x**2)
    thickness = 22 - 0.0004 * x**2
    inside = np.maximum(-top, top - thickness)
    inside = np.maximum(inside, np.abs(x) - 215)
    air = canvas.labels == 0
    for depth, water in ((0.0, PLATE_WATER), (3.0, FOAM_WATER)):
        share = np.broadcast_to(share_within(inside + depth, pixel), air.shape) * air
        canvas.water += share * (water - canvas.water)
        if not depth:
            canvas.labels[share >= 0.5] = NUMBERS["table"]


def _paint_canal(canvas: Canvas, trunk: TrunkShape, spine: list[Pose], anatomy: SpineAnatomy) -> None:
    """Fat around the nerve roots, the dural sac and, above L1, the cord in it."""
    heights = [pose.centre[2] for pose in spine][::-1]
    middles = [anatomy.size * (pose.level.half_depth + pose.level.canal_depth) for pose in spine][::-1]
    widths = [anatomy.size * pose.level.canal_width for pose in spine][::-1]
    leans = [-pose.axes[1, 2] / pose.axes[2, 2] for pose in spine][::-1]
    middle, width, lean = (np.interp(trunk.heights, heights, values) for values in (middles, widths, leans))
    x, y = trunk.x, (trunk.y - middle) / np.sqrt(1 + lean**2)
    for wide, deep, water, tissue in (
        (width + 8, 10.0, FAT + 0.02, "fat"),
        (width, 8.3, FAT + 0.03, "canal"),
        (width - 2.5, 6.8, SAC_WATER, "canal"),
    ):
        canvas.paint(canvas.share(ellipse(x, y, (wide, deep * anatomy.size))), water, tissue)
    cord = np.maximum(np.hypot(x / 1.3, y) - 4.2, -trunk.below("L1"))
    canvas.paint(canvas.share(cord), 1.038, "canal")


def voxelize_spine(
    anatomy: SpineAnatomy, shape: Shape = (128, 128, 48), spacing: Spacing = (2.5, 2.5, 4.0)
) -> SpineVolume:
    """Materials and labels in the voxels of a patient on the table, arms raised.

    Args:
        anatomy: the patient.
        shape: columns, rows, slices.
        spacing: voxel edges in mm. A field below 190 mm is centred on the spine, one from 330 mm on the trunk.

    Raises:
        InputError: for fewer than 8 voxels along an edge, or edges outside 0.3 to 10 mm.
    """
    if len(shape) != 3 or min(shape) < 8 or len(spacing) != 3 or not all(0.3 <= edge <= 10 for edge in spacing):
        raise InputError(
            f"shape is {tuple(shape)} and spacing {tuple(spacing)}; expected columns, rows and slices, 8 or more each, "
            "and three edges between 0.3 and 10 mm"
        )
    lines, spine = _lines(anatomy, shape, spacing), poses(anatomy)
    points = _points(anatomy, lines, lines[2])
    pixel = max(spacing[:2])
    canvas, trunk = Canvas(points, pixel), TrunkShape(points, spine, anatomy)
    body = paint_flesh(canvas, trunk, anatomy)
    for paint in (paint_organs, paint_bowel, paint_vessels, paint_lungs):
        paint(canvas, trunk, anatomy)
    bones = _spine(anatomy, lines, spine, spacing)
    near = canvas.share(pelvis_distance(points, spine, anatomy.width))
    canvas.paint(near, MUSCLE, "pelvis")
    ribs = _ribs(anatomy, lines, spine, spacing)
    canvas.labels[ribs > 0.2] = NUMBERS["ribs"]
    _paint_canal(canvas, trunk, spine, anatomy)
    canvas.paint(bones.disc, DISC_WATER)
    canvas.paint(bones.share, FAT + 0.06)
    canvas.labels[bones.labels > 0] = bones.labels[bones.labels > 0]
    _paint_table(canvas, lines, trunk.back + anatomy.shift[1] + anatomy.table, pixel)
    mineral = np.maximum(bones.mineral, np.maximum(ribs, PELVIS_MINERAL * near)) * body
    water = canvas.water * (1 - mineral / BONE_DENSITY)
    materials = Materials(water, mineral, canvas.iodine * (1 - bones.share), body, spacing)
    return SpineVolume(materials, canvas.labels, (float(lines[0][0]), float(lines[1][0]), float(lines[2][0])))
