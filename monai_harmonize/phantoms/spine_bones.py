"""The spine in voxels: mineral of vertebrae and sacrum, discs, and which of them each voxel belongs to."""

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from monai_harmonize.phantoms.distances import Box, Points, box_between, ellipse, points_of, share_within
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spine_anatomy import SpineAnatomy
from monai_harmonize.phantoms.spine_levels import DISC, SACRUM
from monai_harmonize.phantoms.spine_pose import Pose
from monai_harmonize.phantoms.vertebra import REACH, Wear, arch, body, sacrum

__all__ = ["SpineBones", "rasterize_spine"]

FAR = 1e3  # mm
JOINT = 1.4  # mm of cartilage between the bones of neighbours
SHELL = 0.95  # g/cm^3 of mineral in cortical bone
BODY_SHELL, ARCH_SHELL = 0.9, 2.3  # mm
ARCH_CORE = 0.22  # g/cm^3 more than in the bodies
GRAIN = 0.22  # standard deviation of the spongy bone's density as a fraction


@dataclass(frozen=True)
class SpineBones:
    """Arrays (columns, rows, slices).

    Attributes:
        share: share of each voxel that is bone.
        mineral: g/cm^3.
        disc: share that is disc.
        labels: vertebrae, sacrum and discs; 0 elsewhere.
    """

    share: Array
    mineral: Array
    disc: Array
    labels: NDArray[np.uint8]


class _Field:
    """Distance of voxels to the nearest vertebra and to the second nearest, and which the nearest is."""

    def __init__(self, points: Points) -> None:
        self.points = points
        shape = np.broadcast_shapes(*(part.shape for part in points))
        self.nearest, self.second = np.full(shape, FAR), np.full(shape, FAR)
        self.arch = np.zeros(shape, bool)
        self.number = np.zeros(shape, np.uint8)

    def add(self, pose: Pose, wear: Wear) -> None:
        """Enter a vertebra."""
        box = _box(self.points, pose)
        if box[0].stop == 0:
            return
        local = pose.local(points_of(self.points, box))
        if pose.level.number == SACRUM:
            front, back = sacrum(local, pose.level)
        else:
            front, back = body(local, pose.level, wear), arch(local, pose.level, wear)
        distance = pose.size * np.minimum(front, back)
        nearest, second = self.nearest[box], self.second[box]
        closer = distance < nearest
        second[...] = np.where(closer, nearest, np.minimum(second, distance))
        nearest[closer] = distance[closer]
        self.arch[box][closer] = (back < front)[closer]
        self.number[box][closer] = pose.level.number

    def distance(self) -> Array:
        """Signed distance to bone, a joint's width kept free between neighbours."""
        return np.asarray(np.maximum(self.nearest, (JOINT - (self.second - self.nearest)) / 2))


def _box(points: Points, pose: Pose) -> Box:
    """Voxels within reach of a vertebra."""
    corners = np.array([pose.outside(corner) for corner in product(*REACH)])
    return box_between(points, corners.min(axis=0), corners.max(axis=0))


def _discs(points: Points, spine: list[Pose], anatomy: SpineAnatomy, voxel: float) -> tuple[Array, NDArray[np.uint8]]:
    """Shares and numbers of the discs, which reach into the bodies beside them."""
    shape = np.broadcast_shapes(*(part.shape for part in points))
    share, number = np.zeros(shape), np.zeros(shape, np.uint8)
    for upper, lower in pairwise(spine):
        middle = (upper.outside((0, 0, -upper.level.height / 2)) + lower.outside((0, 0, lower.level.height / 2))) / 2
        pose = Pose(upper.level, middle, (upper.axes + lower.axes) / 2, upper.size)
        box = _box(points, pose)
        if box[0].stop == 0:
            continue
        x, y, z = pose.local(points_of(points, box))
        half = (0.97 * lower.level.half_width, 0.97 * lower.level.half_depth)
        hollow = np.where(y > 0, 2.0 * np.exp(-((x / (0.6 * half[0])) ** 2)), 0.0)
        reach = anatomy.disc_height * upper.level.disc / 2 + anatomy.dent + 3
        distance = np.maximum(ellipse(x, y + hollow, half, 1.1), np.abs(z) - reach)
        found = share_within(pose.size * distance, voxel)
        larger = found > share[box]
        share[box][larger] = found[larger]
        number[box][larger] = DISC + upper.level.number
    return share, number


def _mineral(distance: Array, arch: NDArray[np.bool_], anatomy: SpineAnatomy, voxel: float) -> Array:
    """Mineral in g/cm^3: spongy bone with its grain inside a dense shell, thicker in the arches."""
    shell = anatomy.cortex * np.where(arch, ARCH_SHELL, BODY_SHELL)
    inner = share_within(distance + shell, voxel)
    rng = np.random.default_rng([anatomy.seed, 21])
    grain = gaussian_filter(rng.standard_normal(distance.shape).astype(np.float32), 1.1)
    spongy = (anatomy.marrow + ARCH_CORE * arch) * np.clip(1 + GRAIN * grain / grain.std(), 0.2, 2)
    return np.asarray((share_within(distance, voxel) - inner) * SHELL + inner * spongy)


def rasterize_spine(points: Points, spine: list[Pose], anatomy: SpineAnatomy, voxel: float, fine: int) -> SpineBones:
    """Spine in voxels.

    Args:
        points: the patient's coordinates of fine voxels: (columns, rows, 1) twice and (1, 1, slices times ``fine``).
        spine: vertebrae.
        anatomy: the patient.
        voxel: edge of the fine voxels in mm.
        fine: fine voxels per slice.
    """
    field, rng = _Field(points), np.random.default_rng([anatomy.seed, 22])
    for pose in spine:
        sides = 1 + 0.06 * np.clip(rng.standard_normal(2), -2, 2)
        lip = anatomy.lip * float(rng.uniform(0.3, 1.3))
        field.add(pose, Wear(anatomy.dent, lip, (float(sides[0]), float(sides[1]))))
    distance = field.distance()
    disc, disc_number = _discs(points, spine, anatomy, voxel)

    def coarse(values: Array) -> Array:
        return np.asarray(values.reshape(*values.shape[:2], -1, fine))

    bone = share_within(distance, voxel)
    mineral = coarse(_mineral(distance, field.arch, anatomy, voxel)).mean(axis=-1)
    disc = disc * (1 - bone)
    share, disc_share = coarse(bone).mean(axis=-1), coarse(disc).mean(axis=-1)

    def winner(number: NDArray[np.uint8], weight: Array) -> NDArray[np.uint8]:
        best = coarse(weight).argmax(axis=-1)[..., None]
        return np.take_along_axis(number.reshape(*weight.shape[:2], -1, fine), best, axis=-1)[..., 0]

    labels = np.where(disc_share >= 0.5, winner(disc_number, disc), 0)
    labels = np.where(share >= 0.5, winner(field.number, bone), labels).astype(np.uint8)
    return SpineBones(share, mineral, disc_share, labels)
