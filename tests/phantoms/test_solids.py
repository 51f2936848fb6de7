"""Path lengths through smooth bodies against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.phantoms.solids import capsule, ellipsoid, length, make_grid, overlap, smooth_union


def test_sphere_chord_and_volume() -> None:
    grid = make_grid(200, 100.0, (0.0, 0.0), 0.0)
    chord = length(ellipsoid(grid, (3.0, -2.0, 7.0), (30.0, 30.0, 30.0)))
    distance = np.hypot(grid.x - 3, grid.y + 2)
    np.testing.assert_allclose(chord, 2 * np.sqrt(np.clip(900 - distance**2, 0, None)), atol=1e-9)
    assert chord.sum() * grid.pixel**2 == pytest.approx(4 / 3 * np.pi * 30**3, rel=1e-3)


def test_overlap_is_the_common_part_of_two_spheres() -> None:
    grid = make_grid(65, 64.0, (0.0, 0.0), 0.0)
    centre = 32
    front = ellipsoid(grid, (0, 0, 5.0), (10.0, 10.0, 10.0))
    back = ellipsoid(grid, (0, 0, -5.0), (10.0, 10.0, 10.0))
    assert overlap(front, back)[centre, centre] == pytest.approx(10.0)
    np.testing.assert_allclose(overlap(front, front), length(front))
    assert overlap(front, ellipsoid(grid, (0, 0, 50.0), (10.0, 10.0, 10.0))).max() == 0


def test_capsule_is_a_cylinder_between_its_ends() -> None:
    grid = make_grid(101, 100.0, (0.0, 0.0), 0.0)
    limb = capsule(grid, (0.0, -30.0), (0.0, 30.0), (10.0, 6.0))
    assert limb[50, 50] == pytest.approx(16.0)  # radius 8 halfway
    assert limb[0, 50] == 0
    assert limb[50, 70] == 0


@given(st.floats(0, 300), st.floats(0, 300))
@settings(deadline=None)
def test_union_lies_between_largest_and_sum(first: float, second: float) -> None:
    merged = float(smooth_union(np.array(first), np.array(second)))
    assert max(first, second) - 1e-6 <= merged <= first + second + 1e-6


@given(st.floats(-20, 20), st.floats(-50, 50), st.floats(-50, 50))
@settings(deadline=None)
def test_grid_indices_invert_the_pixel_positions(tilt: float, x: float, y: float) -> None:
    grid = make_grid(16, 40.0, (x, y), tilt)
    points = np.stack((grid.x.ravel(), grid.y.ravel()), axis=1)
    rows, columns = np.indices((16, 16))
    np.testing.assert_allclose(grid.indices(points), (rows.ravel(), columns.ravel()), atol=1e-9)
