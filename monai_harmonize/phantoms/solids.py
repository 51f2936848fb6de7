"""Path lengths of parallel rays through smooth bodies in closed form.

The X-ray source of a chest stand is about 1.8 m away; its rays are taken as parallel to z.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Depths (back, front) in mm at which each ray enters and leaves a solid; back <= front.
Interval = tuple[Array, Array]


@dataclass(frozen=True)
class Grid:
    """Pixel centres in the patient's coordinates.

    Attributes:
        x: (H, W) horizontal position in mm, to the image's right.
        y: (H, W) vertical position in mm, downwards.
        pixel: pixel edge in mm.
        corner: position (x, y) in mm of the centre of the first pixel.
        turn: turn of the grid in radians.
    """

    x: Array
    y: Array
    pixel: float
    corner: tuple[float, float]
    turn: float

    def indices(self, points: Array) -> Array:
        """Fractional (row, column) of points (N, 2 or 3) given in mm; shape (2, N)."""
        dx, dy = points[:, 0] - self.corner[0], points[:, 1] - self.corner[1]
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        return np.stack(((-sin * dx + cos * dy), (cos * dx + sin * dy))) / self.pixel


def make_grid(size: int, field: float, centre: tuple[float, float], tilt: float) -> Grid:
    """Square grid of `size` pixels over `field` mm, turned by `tilt` degrees about its middle `centre`."""
    pixel, turn = field / size, np.deg2rad(tilt)
    line = (np.arange(size) - (size - 1) / 2) * pixel
    column, row = np.meshgrid(line, line)
    x = centre[0] + np.cos(turn) * column - np.sin(turn) * row
    y = centre[1] + np.sin(turn) * column + np.cos(turn) * row
    return Grid(x, y, pixel, (float(x[0, 0]), float(y[0, 0])), float(turn))


def ellipsoid(
    grid: Grid, centre: tuple[float, float, float], radii: tuple[float, float, float], angle: float = 0.0
) -> Interval:
    """Depths at which rays cross an ellipsoid whose x and y axes are turned by `angle` degrees."""
    turn = np.deg2rad(angle)
    dx, dy = grid.x - centre[0], grid.y - centre[1]
    u = (np.cos(turn) * dx + np.sin(turn) * dy) / radii[0]
    v = (-np.sin(turn) * dx + np.cos(turn) * dy) / radii[1]
    half = radii[2] * np.sqrt(np.clip(1 - u**2 - v**2, 0, None))
    return centre[2] - half, centre[2] + half


def length(interval: Interval) -> Array:
    """Path length in mm."""
    return np.asarray(interval[1] - interval[0])


def overlap(first: Interval, second: Interval) -> Array:
    """Path length in mm that two solids share."""
    return np.asarray(np.maximum(np.minimum(first[1], second[1]) - np.maximum(first[0], second[0]), 0))


def smooth_union(*lengths: Array, power: float = 4.0) -> Array:
    """Path length through solids that merge into each other; between the largest and the sum."""
    return np.asarray(sum(part**power for part in lengths) ** (1 / power))


def capsule(grid: Grid, start: tuple[float, float], end: tuple[float, float], radii: tuple[float, float]) -> Array:
    """Path length in mm through a straight limb whose radius goes from `radii[0]` to `radii[1]`."""
    axis = np.subtract(end, start)
    along = np.clip(((grid.x - start[0]) * axis[0] + (grid.y - start[1]) * axis[1]) / (axis @ axis), 0, 1)
    squared = (grid.x - start[0] - along * axis[0]) ** 2 + (grid.y - start[1] - along * axis[1]) ** 2
    radius = radii[0] + along * (radii[1] - radii[0])
    return np.asarray(2 * np.sqrt(np.clip(radius**2 - squared, 0, None)))
