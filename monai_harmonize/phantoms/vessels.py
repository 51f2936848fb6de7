"""Branching vessels of the lungs, grown towards random targets; radii by Murray's law."""

import numpy as np

from monai_harmonize.phantoms.anatomy import ThoraxAnatomy
from monai_harmonize.phantoms.lungs import LungShape
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.tubes import Tube, round_tube

LEAVES = 95  # per tree: one arterial and one venous tree per lung
LEAF_RADIUS = 0.9  # mm
STEP = 9.0  # mm between nodes at which later branches may join
MURRAY = 2.3  # exponent of the radii at a branching; 3 in Murray's ideal, lower in real lungs


def _targets(shape: LungShape, side: int, rng: np.random.Generator) -> Array:
    """Points (LEAVES, 3) in a lung, denser towards the base where more blood flows."""
    height = rng.beta(1.9, 1.35, LEAVES) * 1.02
    across = rng.uniform(-0.75, 0.93, LEAVES)
    deep = rng.uniform(-0.8, 0.8, LEAVES)
    y = height * (shape.dome_top(side) + 0.55 * shape.anatomy.dome_height * np.abs(across - 0.05) ** 1.5)
    y = np.maximum(y, 8.0)
    lateral, medial = shape.lateral(y), shape.medial(y)
    x = side * ((lateral + medial) / 2 + across * (lateral - medial) / 2)
    return np.stack((x, y, shape.middle(y) + deep * shape.half_depth(y) * np.sqrt(1 - across**2)), axis=1)


def grow_tree(root: Array, targets: Array, rng: np.random.Generator) -> list[Tube]:
    """One tube per target (N, 3), from where on the tree the way from the root (3,) is shortest."""
    remote = np.linalg.norm(targets - root, axis=1)
    nodes, travelled = root[None], np.zeros(1)
    flow, parents = np.zeros(1), np.full(1, -1)
    branches = []
    for index in np.argsort(remote):
        gap = np.linalg.norm(nodes - targets[index], axis=1)
        closer = np.linalg.norm(nodes - root, axis=1) < remote[index]
        start = int(np.argmin(np.where(closer, gap + 0.55 * travelled, np.inf)))
        count = max(int(gap[start] / STEP), 1)
        part = np.arange(1, count + 1)[:, None] / count
        bend = rng.normal(0, 0.05 * gap[start], 3)
        branch = nodes[start] + part * (targets[index] - nodes[start]) + 4 * part * (1 - part) * bend
        first = len(nodes)
        branches.append(np.concatenate(([start], np.arange(first, first + count))))
        nodes = np.concatenate((nodes, branch))
        travelled = np.concatenate((travelled, travelled[start] + gap[start] * part[:, 0]))
        parents = np.concatenate((parents, branches[-1][:-1]))
        flow = np.concatenate((flow, np.zeros(count)))
        flow[-1] = 1.0
    for node in range(len(nodes) - 1, 0, -1):
        flow[parents[node]] += flow[node]
    radius = LEAF_RADIUS * flow ** (1 / MURRAY)
    tubes = []
    for branch in branches:
        taper = np.minimum(radius[branch], 1.2 * radius[branch[1]])
        taper[-1] *= 0.45
        tubes.append(round_tube(nodes[branch], taper))
    return tubes


def pulmonary_vessels(anatomy: ThoraxAnatomy) -> list[Tube]:
    """Arteries from the hila and veins from the left atrium, in both lungs."""
    shape = LungShape(anatomy)
    rng = np.random.default_rng([anatomy.seed, 5])
    height, width = anatomy.lung_height, anatomy.lung_width
    tubes = []
    for side in (-1, 1):
        hilum = np.array((side * 0.27 * width, (0.44 if side < 0 else 0.405) * height, -6.0))
        atrium = np.array((side * 0.22 * width, 0.55 * height, -12.0))
        tubes += grow_tree(hilum, _targets(shape, side, rng), rng)
        tubes += grow_tree(atrium, _targets(shape, side, rng), rng)
        # The interlobar artery runs down beside the heart.
        lobar = hilum + np.array([(0, 0, 0), (side * 6, 18, -6), (side * 9, 42, -14), (side * 10, 68, -22)])
        tubes.append(round_tube(lobar, np.array([6.5, 6.5, 5.0, 3.0])))
    return tubes
