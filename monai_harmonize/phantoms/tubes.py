"""Path lengths of parallel rays through curved tubes (bones, vessels, airways), by splatting small volumes.

A tube is cut into volumes no larger than a pixel, and each is dropped onto the pixels below it. So a rib is
dense where it turns along the rays, and its cortex brightens its borders, as on a radiograph.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from monai_harmonize.phantoms.solids import Array, Grid


def splat(grid: Grid, points: Array, volumes: Array) -> Array:
    """Path length in mm that small volumes (mm^3) at points (N, 3) (mm) add to the pixels' rays.

    Each volume is shared bilinearly by four pixels, so the total volume is kept.
    """
    size = grid.x.shape[0]
    position = grid.indices(points)
    inside = ((position >= 0) & (position < size - 1)).all(axis=0)
    position, volumes = position[:, inside], volumes[inside]
    base = position.astype(np.intp)
    row, column = position - base
    flat = base[0] * size + base[1]
    total = np.zeros(size * size)
    for shift, weight in (
        (0, (1 - row) * (1 - column)),
        (1, (1 - row) * column),
        (size, row * (1 - column)),
        (size + 1, row * column),
    ):
        total += np.bincount(flat + shift, weights=weight * volumes, minlength=size * size)
    return total.reshape(size, size) / grid.pixel**2


@dataclass(frozen=True)
class Tube:
    """A curved solid of elliptic cross-section.

    Attributes:
        path: (N, 3) points of the centreline in mm.
        radius: (N,) half axis in mm across path and `outward`.
        depth: (N,) half axis in mm along `outward`.
        outward: (N, 3) direction of the second half axis; its part along the path does not count.
        weight: (N,) factor on the path length, for material that thins out along the tube.
    """

    path: Array
    radius: Array
    depth: Array
    outward: Array
    weight: Array


def round_tube(path: Array, radius: Array | float) -> Tube:
    """Tube of circular cross-section."""
    radii = np.broadcast_to(np.asarray(radius, float), len(path)).copy()
    return Tube(path, radii, radii, np.broadcast_to((0.0, 0.0, 1.0), path.shape), np.ones(len(path)))


def _resample(tubes: list[Tube], step: float) -> tuple[Array, Array, Array]:
    """Points at equal distances of about `step` mm along all tubes.

    Returns:
        Path (3 columns), radius, depth, outward (3 columns) and weight of each point, (N, 9); tangents
        (N, 3), not normalized; and the distance (N,) that each point stands for.
    """
    columns, tangents, distances = [], [], []
    for tube in tubes:
        table = np.column_stack((tube.path, tube.radius, tube.depth, tube.outward, tube.weight))
        legs = np.diff(tube.path, axis=0)
        arc = np.concatenate(([0.0], np.cumsum(np.sqrt((legs**2).sum(axis=1)))))
        count = max(int(np.ceil(arc[-1] / step)), 1)
        where = (np.arange(count) + 0.5) * (arc[-1] / count)
        leg = np.clip(np.searchsorted(arc, where) - 1, 0, len(legs) - 1)
        part = ((where - arc[leg]) / np.maximum(arc[leg + 1] - arc[leg], 1e-9))[:, None]
        columns.append(table[leg] * (1 - part) + table[leg + 1] * part)
        tangents.append(legs[leg])
        distances.append(np.full(count, arc[-1] / count))
    return np.concatenate(columns), np.concatenate(tangents), np.concatenate(distances)


def _disc(spacing: float, core: float, filling: float) -> tuple[Array, Array]:
    """Points (M, 2) of the unit disc, rings about `spacing` apart, and the area (M,) times density of each.

    The density is 1 outside the radius `core` and `filling` inside, where coarser rings do.
    """
    edges = np.linspace(core, 1.0, 1 + max(round((1 - core) / spacing), 1))
    if core > 0 and filling > 0:
        inside = np.linspace(0, core, 1 + max(round(core / (1.5 * spacing)), 1))
        edges = np.concatenate((inside[:-1], edges))
    points, masses = [], []
    for inner, outer in pairwise(edges):
        middle = 0.0 if inner == 0 and outer <= spacing else (inner + outer) / 2
        count = max(int(np.ceil(2 * np.pi * middle / spacing)), 6) if middle else 1
        angles = 2 * np.pi * (np.arange(count) + 0.5) / count
        points.append(middle * np.stack((np.cos(angles), np.sin(angles)), axis=1))
        density = filling if outer <= core else 1.0
        masses.append(np.full(count, density * np.pi * (outer**2 - inner**2) / count))
    return np.concatenate(points), np.concatenate(masses)


def tube_points(
    tubes: list[Tube], step: float, core: float = 0.0, filling: float = 0.0
) -> Iterator[tuple[Array, Array]]:
    """Cut tubes into small volumes.

    Args:
        tubes: the solids, solid or with a lighter core.
        step: largest distance in mm of neighbouring volumes.
        core: radius of the core as a fraction of the tube's.
        filling: density of the core relative to the shell; 0 for a hollow tube.

    Yields:
        Points (N, 3) in mm, and volumes (N,) in mm^3 times relative density.
    """
    if not tubes:
        return
    table, tangent, distance = _resample(tubes, step)
    path, radius, depth, outward, weight = np.split(table, (3, 4, 5, 8), axis=1)
    tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.cross(tangent, outward + 1e-6)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    across, through = radius * side, depth * np.cross(side, tangent)
    volume = radius[:, 0] * depth[:, 0] * weight[:, 0] * distance
    rings = np.clip(np.ceil(radius[:, 0] / step), 1, 12).astype(int)
    for count in np.unique(rings):
        chosen = rings == count
        unit, area = _disc(1 / count, core, filling)
        points = path[chosen, None] + unit[:, :1] * across[chosen, None] + unit[:, 1:] * through[chosen, None]
        yield points.reshape(-1, 3), (area * volume[chosen, None]).ravel()


def project_tubes(grid: Grid, tubes: list[Tube], core: float = 0.0, filling: float = 0.0) -> Array:
    """Path length in mm through tubes; where they overlap their lengths add. Arguments as in `tube_points`."""
    total = np.zeros_like(grid.x)
    for points, volumes in tube_points(tubes, grid.pixel, core, filling):
        total += splat(grid, points, volumes)
    return total


def splat_tubes(
    shape: tuple[int, int, int], place: Callable[[Array], Array], parts: Iterable[tuple[Array, Array]]
) -> Array:
    """Volume in mm^3 that small volumes add to each voxel of an array, each spread over the eight nearest.

    Args:
        shape: shape of the array.
        place: gives the fractional index (3, N) of points (N, 3).
        parts: points and volumes as `tube_points` yields them.
    """
    size = np.array(shape)
    total = np.zeros(size.prod())
    for points, volumes in parts:
        index = place(points)
        inside = ((index >= 0) & (index < size[:, None] - 1)).all(axis=0)
        index, weight = index[:, inside], volumes[inside]
        base = index.astype(np.intp)
        part = index - base
        for corner in np.ndindex(2, 2, 2):
            near = np.array(corner)[:, None]
            share = np.where(near == 1, part, 1 - part).prod(axis=0)
            total += np.bincount(np.ravel_multi_index(tuple(base + near), shape), share * weight, minlength=total.size)
    return total.reshape(shape)
