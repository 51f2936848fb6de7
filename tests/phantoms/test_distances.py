"""Signed distances against closed forms."""

import numpy as np
import pytest

from monai_harmonize.phantoms.distances import (
    box_between,
    capsule,
    ellipse,
    ellipsoid_distance,
    merged,
    points_of,
    share_within,
)

RNG = np.random.default_rng(0)
POINTS = tuple(RNG.uniform(-20, 20, (3, 400)))


def test_a_round_capsule_and_a_sphere_are_exact() -> None:
    x, y, z = POINTS
    along = np.clip(x, -5, 8)
    wanted = np.sqrt((x - along) ** 2 + y**2 + z**2) - 3
    np.testing.assert_allclose(capsule(POINTS, (-5, 0, 0), (8, 0, 0), (3, 3)), wanted)
    sphere = ellipsoid_distance(POINTS, (1, 2, 3), (6, 6, 6))
    np.testing.assert_allclose(sphere, np.sqrt((x - 1) ** 2 + (y - 2) ** 2 + (z - 3) ** 2) - 6, atol=1e-5)


def test_a_taller_capsule_reaches_further_along_the_third_axis_only() -> None:
    line = np.array([2.9, 3.1])
    zero = np.zeros(2)
    np.testing.assert_allclose(capsule((zero, line, zero), (-5, 0, 0), (8, 0, 0), (3, 3), 2.0), line - 3)
    np.testing.assert_allclose(np.sign(capsule((zero, zero, 2 * line), (-5, 0, 0), (8, 0, 0), (3, 3), 2.0)), [-1, 1])


@pytest.mark.parametrize("squareness", [0.0, 0.6, 1.1])
def test_an_ellipse_vanishes_on_its_border_and_fills_its_corners(squareness: float) -> None:
    axes = ellipse(np.array([10.0, 0.0]), np.array([0.0, 4.0]), (10, 4), squareness)
    np.testing.assert_allclose(axes, 0, atol=1e-5)
    corner = (1 / (4 - squareness)) ** 0.25
    assert ellipse(np.array([10 * corner]), np.array([4 * corner]), (10, 4), squareness)[0] == pytest.approx(
        0, abs=1e-5
    )
    assert ellipse(np.zeros(1), np.zeros(1), (7, 7), squareness)[0] < -6
    assert ellipsoid_distance((np.zeros(1),) * 3, (0, 0, 0), (5, 5, 5))[0] == pytest.approx(-5, abs=1e-4)
    circle = ellipse(POINTS[0], POINTS[1], (7, 7))
    np.testing.assert_allclose(circle, np.hypot(POINTS[0], POINTS[1]) - 7, atol=1e-5)


def test_merging_only_adds_and_only_near_the_seam() -> None:
    first, second = (RNG.uniform(-10, 10, 500) for _ in range(2))
    union = merged(first, second, 3.0)
    assert (union <= np.minimum(first, second)).all()
    far = np.abs(first - second) >= 3
    np.testing.assert_array_equal(union[far], np.minimum(first, second)[far])
    assert merged(np.zeros(1), np.zeros(1), 3.0)[0] == pytest.approx(-0.75)


def test_shares_of_voxels_add_up_to_the_area_of_a_disc() -> None:
    line = (np.arange(40) - 19.5) * 0.5
    x, y = np.meshgrid(line, line)
    area = share_within(np.hypot(x, y) - 7, 0.5).sum() * 0.25
    assert area == pytest.approx(np.pi * 49, rel=2e-3)


def test_a_box_holds_the_points_between_two_corners_and_may_be_empty() -> None:
    line = np.arange(10.0)
    x, y = np.meshgrid(line, line, indexing="ij")
    points = (x[:, :, None], y[:, :, None], line[None, None])
    box = box_between(points, np.array([1.5, 3.0, -4.0]), np.array([4.0, 3.4, 2.0]))
    assert box == (slice(2, 5), slice(3, 4), slice(0, 3))
    inside = points_of(points, box)
    assert [part.shape for part in inside] == [(3, 1, 1), (3, 1, 1), (1, 1, 3)]
    np.testing.assert_array_equal(inside[0].ravel(), [2, 3, 4])
    empty = box_between(points, np.array([1.0, 1.0, 20.0]), np.array([4.0, 4.0, 30.0]))
    assert x[:, :, None][empty].size == 0
