"""Shape of one vertebra: body, pedicles, laminae, spinous, transverse and articular processes; and the sacrum.

All positions are in the frame of the vertebra (`Pose.local`): origin in the middle of its body.
"""

from dataclasses import dataclass

import numpy as np

from monai_harmonize.phantoms.distances import Points, capsule, ellipse, ellipsoid_distance, merged
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spine_levels import Level

__all__ = ["REACH", "Wear", "arch", "body", "canal", "sacrum"]

# Box (mm) around a vertebra's middle that holds all of it, to both sides, to front and back, to foot and head.
REACH = ((-52.0, 52.0), (-28.0, 82.0), (-46.0, 34.0))
FILLET = 3.0


@dataclass(frozen=True)
class Wear:
    """What age and chance did to a vertebra; lengths in mm.

    Attributes:
        dent: how far the end plates are dented.
        lip: how far bone has grown over the rims of the body.
        sides: factors on the length of the right and the left transverse process.
    """

    dent: float
    lip: float
    sides: tuple[float, float]


def body(points: Points, level: Level, wear: Wear) -> Array:
    """Signed distance to the body: waisted, end plates dented, hollow towards the canal."""
    x, y, z = points
    middle = z + y * np.tan(np.deg2rad(level.wedge) / 2) * np.sign(z)
    rise = np.minimum(np.abs(middle) / (level.height / 2), 1.2) ** 2
    # Rims grow forwards and to the sides, not into the canal.
    lip = wear.lip * rise**4 * (y < 0.5 * level.half_depth)
    widening = 0.90 + 0.12 * rise
    hollow = np.where(y > 0, 2.2 * np.exp(-((x / (0.6 * level.half_width)) ** 2)), 0.0)
    half = (level.half_width * widening + lip, level.half_depth * (0.93 + 0.08 * rise) + lip)
    around = ellipse(x, y + hollow, half, 1.1)
    inner = np.clip(-around / level.half_depth, 0, 1)
    height = level.height / 2 - wear.dent * np.sqrt(inner)
    return np.asarray(-merged(-around, height - np.abs(middle), 2.0))


def canal(points: Points, level: Level, wider: float = 0.0) -> Array:
    """Signed distance to the spinal canal, a column without ends."""
    x, y = points[0], points[1] - level.half_depth - level.canal_depth
    return ellipse(x, y, (level.canal_width + wider, level.canal_depth + wider), 0.5)


def arch(points: Points, level: Level, wear: Wear) -> Array:
    """Signed distance to all of the vertebra behind the body."""
    x, y, z = points
    right = np.abs(x), y, z
    side = level.canal_width + level.pedicle
    back = level.half_depth + 2 * level.canal_depth
    front = 0.7 * level.half_depth
    tall = level.pedicle_height / level.pedicle
    rise = 0.14 * level.height
    lumbar = level.number >= 20
    pedicle = capsule(right, (side, front, rise), (side, back - 7, rise - 1), (level.pedicle,) * 2, tall)
    lamina = capsule(right, (side - 1, back - 5, -1), (0.0, back + 3, -6), (3.6, 3.6), 2.4)
    span = level.span * np.where(x < 0, *wear.sides)
    reach = (level.pedicle + 1, 3.2) if lumbar else (5.5, 4.6)
    tip = float(level.span), back - 8 + level.sweep, 3.0 if lumbar else 5.0
    stretched = side + (right[0] - side) * (level.span - side) / (span - side)
    across = np.where(right[0] > side, stretched, right[0]), y, z
    transverse = capsule(across, (side, back - 8, 2.0), tip, reach, 1.3)
    posterior = merged(merged(pedicle, lamina, FILLET), transverse, FILLET)
    top, bottom = 0.5 * level.height, -0.5 * level.height - level.disc
    apart = 3.5 if lumbar else 2.0
    superior = capsule(right, (side, back - 4, 2), (side + apart, back - 2, top + 5), (5.0, 4.4))
    inferior = capsule(right, (side - 3, back + 2, -5), (side - 2 + 0.4 * apart, back + 4, bottom - 1), (4.6, 4.4))
    posterior = merged(posterior, merged(superior, inferior, FILLET), FILLET)
    root, end = (0.0, back + 4, -5.0), (0.0, back + level.spinous, -5.0 - level.drop)
    spinous = capsule(points, root, end, (2.8, 3.4), level.spinous_height / 3.0)
    posterior = merged(posterior, spinous, FILLET)
    return np.maximum(posterior, -canal(points, level))


def sacrum(points: Points, level: Level) -> tuple[Array, Array]:
    """Signed distances to the bodies of the sacrum, and to its wings and its arch."""
    x, y, z = points
    below = (z - level.height / 2) / 60  # from 0 at the upper face to -1 below the second body
    taper = np.clip(1 + 0.35 * below, 0.6, 1)
    around = ellipse(x, y, (level.half_width * taper, level.half_depth * taper), 1.1)
    bodies = -merged(-around, level.height / 2 - z, 2.0)
    right = np.abs(x), y, z
    wing = ellipsoid_distance(right, (34.0, 9.0, -8.0), (24.0, 15.0, 24.0))
    crest = capsule(right, (16.0, 34.0, -4.0), (0.0, 40.0, -14.0), (4.0, 4.0), 3.0)
    root = capsule(right, (20.0, 10.0, -6.0), (18.0, 34.0, -8.0), (6.0, 4.5), 2.5)
    facet = capsule(right, (20.0, 30.0, 0.0), (22.0, 30.0, 20.0), (5.0, 4.2))
    behind = merged(merged(wing, root, FILLET), merged(crest, facet, FILLET), FILLET)
    return bodies, np.maximum(behind, -canal(points, level))
