"""Outline of the trunk: the frame that follows the spine, and the distance from the skin."""

import numpy as np

from monai_harmonize.phantoms.distances import Points, ellipse
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spine_anatomy import SpineAnatomy
from monai_harmonize.phantoms.spine_pose import Pose

__all__ = ["TrunkShape"]

BACK = 70.0  # mm from the middle of a vertebra's body to the fat behind its spinous process
FURROW, FURROW_WIDTH = 6.0, 15.0  # mm, between the muscles of the back


class TrunkShape:
    """Voxels as seen from the spine; arrays that broadcast to (columns, rows, slices), in mm.

    Attributes:
        x: to the left of the vertebral bodies.
        y: behind their middles.
        heights: height in the patient, (1, 1, slices).
        front: depth of the bodies in front of their middles.
        distance: signed distance to the skin, negative inside.
        half_width: half width of the trunk at L3.
        back: distance of the skin behind the spine.
    """

    def __init__(self, points: Points, spine: list[Pose], anatomy: SpineAnatomy) -> None:
        self._heights = {pose.level.name: float(pose.centre[2]) for pose in spine}
        centres = np.array([pose.centre for pose in spine])[::-1]
        depths = [anatomy.size * pose.level.half_depth for pose in spine][::-1]
        self.heights = points[2]
        columns = (np.interp(self.heights, centres[:, 2], values) for values in (*centres.T[:2], depths))
        middle_x, middle_y, self.front = columns
        self.x, self.y = points[0] - middle_x, points[1] - middle_y
        self.half_width, self.back = anatomy.width, anatomy.size * BACK + anatomy.back_fat
        wide = anatomy.width * (1 + 0.05 * np.clip(self.heights / 100, -1.5, 1.5) ** 2)
        half, centre = (self.back + anatomy.depth) / 2, (self.back - anatomy.depth) / 2
        hollow = FURROW * np.exp(-((self.x / FURROW_WIDTH) ** 2)) * np.clip(self.y / self.back, 0, 1)
        self.distance = ellipse(self.x, self.y + hollow - centre, (wide, half), 0.9)

    def height(self, level: str) -> float:
        """Height of the middle of a vertebra."""
        return self._heights[level]

    def below(self, level: str) -> Array:
        """Signed distance (1, 1, slices) to all that lies below the middle of a vertebra."""
        return np.asarray(self.heights - self.height(level))
