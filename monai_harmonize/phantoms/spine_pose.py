"""Where each vertebra lies and how it is turned: lordosis, kyphosis and a slight scoliosis."""

from dataclasses import dataclass

import numpy as np

from monai_harmonize.phantoms.distances import Points
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spine_anatomy import SpineAnatomy
from monai_harmonize.phantoms.spine_levels import LEVELS, SACRUM, Level

__all__ = ["Pose", "poses"]

# Forward lean of the bodies T8 to L5 and of the sacrum as a share of the lordosis.
LEAN = (-0.12, -0.18, -0.24, -0.27, -0.27, -0.22, -0.13, 0.0, 0.17, 0.43, 0.78)
ORIGIN = 7  # L3
FIRST_SACRAL = Level("S1", SACRUM, 28.0, 0.0, 26.0, 16.0, 14.0, 8.0, 8.0, 8.0, 40, 0, 14, 6, 7, 0)
# Vertebrae turn as they shift to the side, the fronts of the bodies towards it.
TURN_PER_TILT = 0.5


@dataclass(frozen=True)
class Pose:
    """Place of a vertebra in the patient.

    Attributes:
        level: which.
        centre: (3,) middle of its body in mm.
        axes: (3, 3) its directions to the left, the back and the head as columns.
        size: factor on its sizes.
    """

    level: Level
    centre: Array
    axes: Array
    size: float

    def local(self, points: Points) -> Points:
        """Positions in the frame of the vertebra, in mm of an average adult's."""
        x, y, z = (part - middle for part, middle in zip(points, self.centre, strict=True))
        first, second, third = ((x * a[0] + y * a[1] + z * a[2]) / self.size for a in self.axes.T)
        return first, second, third

    def outside(self, point: tuple[float, float, float]) -> Array:
        """Position (3,) in the patient of a point in the frame of the vertebra."""
        return np.asarray(self.centre + self.size * (self.axes @ np.array(point)))


def _axes(lean: float, tilt: float, turn: float) -> Array:
    """Directions of a vertebra whose upper end leans to the front and to the left by angles in radians."""
    up = np.array([np.sin(tilt) * np.cos(lean), -np.sin(lean), np.cos(tilt) * np.cos(lean)])
    left = np.array([np.cos(turn), np.sin(turn), 0.0])
    left -= up * (left @ up)
    left /= np.linalg.norm(left)
    return np.stack((left, np.cross(up, left), up), axis=1)


def poses(anatomy: SpineAnatomy) -> list[Pose]:
    """Vertebrae T8 to L5 and the sacrum, from head to foot."""
    levels = (*LEVELS, FIRST_SACRAL)
    place = np.arange(len(levels)) - ORIGIN - anatomy.apex
    lean = np.deg2rad(anatomy.lordosis) * np.array(LEAN)
    lean -= lean[ORIGIN]
    # One arch to the side, counter-curved at its ends.
    phase = np.clip(place, -5, 5) * np.pi / 5
    tilt = np.deg2rad(anatomy.scoliosis) / 2 * np.sin(phase) * np.exp(-((place / 4.5) ** 2))
    turn = TURN_PER_TILT * np.deg2rad(anatomy.scoliosis) * np.cos(phase / 2)
    frames = [_axes(*angles) for angles in zip(lean, tilt, turn, strict=True)]
    steps = np.zeros((len(levels), 3))
    for upper, lower in zip(range(len(levels) - 1), range(1, len(levels)), strict=True):
        above, below = frames[upper][:, 2], frames[lower][:, 2]
        disc = levels[upper].disc * anatomy.disc_height
        steps[lower] = -levels[upper].height / 2 * above - disc * (above + below) / 2 - levels[lower].height / 2 * below
    centres = anatomy.size * np.cumsum(steps, axis=0)
    centres -= centres[ORIGIN]
    return [
        Pose(level, centre, frame, anatomy.size) for level, centre, frame in zip(levels, centres, frames, strict=True)
    ]
