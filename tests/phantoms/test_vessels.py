"""Trees of vessels."""

import numpy as np
import pytest

from monai_harmonize.phantoms.anatomy import sample_anatomy
from monai_harmonize.phantoms.vessels import LEAF_RADIUS, MURRAY, grow_tree, pulmonary_vessels


def test_tree_reaches_every_target_and_hangs_together() -> None:
    rng = np.random.default_rng(0)
    root, targets = np.zeros(3), rng.uniform(-60, 60, (40, 3))
    tubes = grow_tree(root, targets, rng)
    assert len(tubes) == 40
    tips = np.array([tube.path[-1] for tube in tubes])
    np.testing.assert_allclose(np.sort(tips, axis=0), np.sort(targets, axis=0), atol=1e-9)
    known = {tuple(root)}
    for tube in tubes:
        assert tuple(tube.path[0]) in known
        known |= {tuple(point) for point in tube.path}


def test_radii_follow_murray() -> None:
    rng = np.random.default_rng(1)
    tubes = grow_tree(np.zeros(3), rng.uniform(-60, 60, (64, 3)), rng)
    trunks = [tube for tube in tubes if not tube.path[0].any()]
    leaves = sum((tube.radius[1] / LEAF_RADIUS) ** MURRAY for tube in trunks if len(tube.path) > 2)
    assert leaves == pytest.approx(64, abs=len(trunks))
    assert all((np.diff(tube.radius) <= 1e-9).all() for tube in tubes)  # they taper


def test_vessels_are_deterministic_and_on_both_sides() -> None:
    anatomy = sample_anatomy(0)
    first, second = pulmonary_vessels(anatomy), pulmonary_vessels(anatomy)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.path, other.path)
    sides = np.sign([tube.path[-1, 0] for tube in first])
    assert np.mean(sides) == pytest.approx(0, abs=0.1)
