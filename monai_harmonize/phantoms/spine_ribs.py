"""Lower ribs: from the vertebrae round the trunk, falling to the sides."""

import numpy as np

from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spine_anatomy import SpineAnatomy
from monai_harmonize.phantoms.spine_pose import Pose
from monai_harmonize.phantoms.trunk_shape import BACK
from monai_harmonize.phantoms.tubes import Tube

__all__ = ["spine_ribs"]

# How far each rib runs round the trunk, in degrees from the spine, and its fall to its end in mm.
COURSE = {"T8": (150, 110), "T9": (148, 105), "T10": (142, 98), "T11": (100, 70), "T12": (66, 48)}
DEEP = 9.0  # mm from the subcutaneous fat to the middle of a rib


def spine_ribs(spine: list[Pose], anatomy: SpineAnatomy) -> list[Tube]:
    """Pairs of ribs of T8 to T12 that lie in the wall of the trunk."""
    rng, tubes = np.random.default_rng([anatomy.seed, 26]), []
    wide = anatomy.width - anatomy.fat - DEEP
    back, front = anatomy.size * BACK - DEEP, anatomy.depth - anatomy.fat - DEEP
    centre, half = (back - front) / 2, (back + front) / 2
    for pose in spine:
        if pose.level.name not in COURSE:
            continue
        degrees, fall = COURSE[pose.level.name]
        for side in (-1, 1):
            end = np.deg2rad(degrees + rng.normal(0, 4))
            angle = np.linspace(0, end, 70)
            # From the body's side backwards to the wall, then along it.
            wall_x = wide * np.abs(np.sin(angle)) ** 0.85
            wall_y = centre + half * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.85
            leave = np.exp(-((angle / 0.42) ** 2))
            x = (1 - leave) * wall_x + leave * (0.9 * pose.level.half_width + 18 * angle)
            y = (1 - leave) * wall_y + leave * (0.8 * pose.level.half_depth + 30 * angle)
            z = 2 - fall * (angle / np.deg2rad(140)) ** 1.1 * rng.normal(1, 0.04)
            path = pose.centre + np.stack((side * x, y, z), axis=1)
            outward: Array = np.stack((side * np.sin(angle), np.cos(angle), np.zeros_like(angle)), axis=1)
            taper = np.clip((end - angle) / 0.2, 0.3, 1)
            tubes.append(Tube(path, 6.0 * taper, 3.6 * taper, outward, np.ones(len(angle))))
    return tubes
