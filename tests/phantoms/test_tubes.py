"""Splatted tubes against closed forms."""

import numpy as np
import pytest

from monai_harmonize.phantoms.solids import make_grid
from monai_harmonize.phantoms.tubes import Tube, project_tubes, round_tube, splat

GRID = make_grid(128, 128.0, (0.0, 0.0), 0.0)


def straight(radius: float, direction: tuple[float, float, float] = (1.0, 0.0, 0.0)) -> Tube:
    along = np.linspace(-40, 40, 9)[:, None]
    return round_tube(along * np.array(direction), radius)


def test_splat_keeps_the_volume() -> None:
    points = np.random.default_rng(0).uniform(-50, 50, (500, 3))
    volumes = np.random.default_rng(1).uniform(0, 5, 500)
    assert splat(GRID, points, volumes).sum() * GRID.pixel**2 == pytest.approx(volumes.sum())


def test_points_outside_the_field_leave_no_trace() -> None:
    assert splat(GRID, np.array([(500.0, 0.0, 0.0), (0.0, -500.0, 0.0)]), np.ones(2)).max() == 0


@pytest.mark.parametrize("radius", [1.0, 4.0, 12.0])
def test_straight_tube_has_the_volume_and_thickness_of_a_cylinder(radius: float) -> None:
    image = project_tubes(GRID, [straight(radius)])
    assert image.sum() * GRID.pixel**2 == pytest.approx(np.pi * radius**2 * 80, rel=1e-6)
    if radius > 2:
        assert image[60:68, 64].max() == pytest.approx(2 * radius, rel=0.06)


def test_hollow_tube_is_brighter_at_its_borders_and_lacks_the_core() -> None:
    shell = project_tubes(GRID, [straight(12.0)], core=0.8)
    assert shell.sum() == pytest.approx(np.pi * (144 - 9.6**2) * 80, rel=1e-6)
    profile = shell[:, 64]
    assert profile[63:65].mean() == pytest.approx(4.8, rel=0.1)
    assert profile[52:56].max() > 1.5 * profile[63:65].mean()


def test_core_fills_in_with_its_relative_density() -> None:
    solid, shell = project_tubes(GRID, [straight(6.0)]).sum(), project_tubes(GRID, [straight(6.0)], 0.7).sum()
    filled = project_tubes(GRID, [straight(6.0)], 0.7, filling=0.25).sum()
    assert filled == pytest.approx(shell + 0.25 * (solid - shell), rel=1e-6)


def test_tube_along_the_rays_is_as_thick_as_it_is_long() -> None:
    image = project_tubes(GRID, [straight(6.0, (0.0, 0.0, 1.0))])
    assert image[62:66, 62:66].mean() == pytest.approx(80, rel=0.1)


def test_weight_scales_the_path_length() -> None:
    tube = straight(5.0)
    light = Tube(tube.path, tube.radius, tube.depth, tube.outward, 0.3 * tube.weight)
    np.testing.assert_allclose(project_tubes(GRID, [light]), 0.3 * project_tubes(GRID, [tube]))


def test_flat_tube_is_thin_along_outward() -> None:
    tube = straight(9.0)
    flat = Tube(tube.path, tube.radius, tube.depth / 3, np.tile((0.0, 0.0, 1.0), (9, 1)), tube.weight)
    image = project_tubes(GRID, [flat])
    assert image[63:65, 64].mean() == pytest.approx(6.0, rel=0.1)
    assert np.count_nonzero(image[:, 64] > 0.5) == pytest.approx(18, abs=2)


def test_no_tubes_no_shadow() -> None:
    assert project_tubes(GRID, []).max() == 0
