"""Signed distances in mm of points to solids, negative inside; shares of voxels follow from them.

Solids that carry a bone's shell, merge smoothly or keep a joint's gap need the distance itself. It is exact for round
capsules and of first order elsewhere, which is enough within a few millimetres of a surface.
"""

import numpy as np

from monai_harmonize.phantoms.solids import Array

# Positions in mm to the left, the back and the head; arrays that broadcast together.
Points = tuple[Array, Array, Array]
Box = tuple[slice, slice, slice]
ASIDE = 1e-6  # mm, because no way leads from an axis to itself


def share_within(distance: Array, voxel: float) -> Array:
    """Share of voxels inside a solid, 0 to 1, from the distances of their centres.

    Args:
        distance: signed distance in mm.
        voxel: edge in mm over which the border is spread.
    """
    return np.asarray(np.clip(0.5 - distance / voxel, 0, 1))


def capsule(
    points: Points,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    radii: tuple[float, float],
    height: float = 1.0,
) -> Array:
    """Distance to a straight limb.

    Args:
        points: where.
        start: its first end in mm.
        end: its second end.
        radii: its radius at both ends.
        height: factor by which its cross-section reaches further along the third axis than across.
    """
    axis = (end[0] - start[0], end[1] - start[1], (end[2] - start[2]) / height)
    x, y, z = points[0] - start[0], points[1] - start[1], (points[2] - start[2]) / height
    along = np.clip((x * axis[0] + y * axis[1] + z * axis[2]) / sum(part**2 for part in axis), 0, 1)
    squared = (x - along * axis[0]) ** 2 + (y - along * axis[1]) ** 2 + (z - along * axis[2]) ** 2
    return np.asarray(np.sqrt(squared) - (radii[0] + along * (radii[1] - radii[0])))


def ellipse(x: Array, y: Array, half: tuple[Array | float, Array | float], squareness: float = 0.0) -> Array:
    """Distance to a cylinder of elliptic cross-section, along the way to its axis.

    Args:
        x: first coordinate from the axis in mm.
        y: second coordinate.
        half: half axes in mm, numbers or arrays that broadcast with the coordinates.
        squareness: 0 for an ellipse, towards 2 for a box with ever sharper corners.
    """
    x = x + ASIDE
    u, v = (x / half[0]) ** 2, (y / half[1]) ** 2
    level = np.sqrt(np.sqrt((u + v) ** 2 - squareness * u * v))
    return np.asarray(np.hypot(x, y) * (1 - 1 / level))


def ellipsoid_distance(points: Points, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Array:
    """Distance to an ellipsoid, along the way to its centre."""
    offset = [part - middle + ASIDE for part, middle in zip(points, centre, strict=True)]
    radius = np.sqrt(sum(part**2 for part in offset))
    level = np.sqrt(sum((part / half) ** 2 for part, half in zip(offset, radii, strict=True)))
    return np.asarray(radius * (1 - 1 / level))


def merged(first: Array, second: Array, fillet: float) -> Array:
    """Distance to two solids that flow into each other with a fillet of about this width in mm."""
    bridge = np.clip(fillet - np.abs(first - second), 0, None) / fillet
    return np.asarray(np.minimum(first, second) - bridge**2 * fillet / 4)


def box_between(points: Points, low: Array, high: Array) -> Box:
    """Voxels between two corners, in the patient's coordinates; empty slices where there are none.

    Args:
        points: shapes (columns, rows, 1) twice and (1, 1, slices).
        low: (3,) smallest coordinates in mm.
        high: (3,) largest coordinates.
    """
    x, y, z = ((part >= first) & (part <= last) for part, first, last in zip(points, low, high, strict=True))
    plane = (x & y)[:, :, 0]
    hits = [np.flatnonzero(line) for line in (plane.any(axis=1), plane.any(axis=0), z[0, 0])]
    if any(len(hit) == 0 for hit in hits):
        return slice(0, 0), slice(0, 0), slice(0, 0)
    first, second, third = (slice(int(hit[0]), int(hit[-1]) + 1) for hit in hits)
    return first, second, third


def points_of(points: Points, box: Box) -> Points:
    """Points of a box."""
    return points[0][box[0], box[1]], points[1][box[0], box[1]], points[2][:, :, box[2]]
