"""The projected thorax has the anatomy of a chest radiograph."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import label

from monai_harmonize.phantoms.anatomy import ThoraxAnatomy, sample_anatomy
from monai_harmonize.phantoms.lungs import LungShape
from monai_harmonize.phantoms.skeleton import CORTICAL, MARROW, ribs
from monai_harmonize.phantoms.solids import make_grid
from monai_harmonize.phantoms.thorax import lesion_mask, lung_mask, project_thorax
from monai_harmonize.phantoms.tubes import project_tubes

SIZE = 128
SEEDS = range(5)


def position(anatomy: ThoraxAnatomy, x: float, y: float) -> tuple[int, int]:
    grid = make_grid(SIZE, anatomy.field, anatomy.centre, anatomy.tilt)
    row, column = np.round(grid.indices(np.array([(x, y)]))[:, 0]).astype(int)
    return row, column


@pytest.mark.parametrize("seed", SEEDS)
def test_lungs_are_thinner_than_mediastinum_and_abdomen(seed: int) -> None:
    anatomy = sample_anatomy(seed, "none")
    paths, shape = project_thorax(anatomy, SIZE), LungShape(anatomy)
    for side in (-1, 1):
        x, y, _ = shape.position(side, 0.5, 0.4)
        lung = paths.soft[position(anatomy, x, y)]
        middle = paths.soft[position(anatomy, 0.0, 0.7 * shape.dome_top(-1))]
        abdomen = paths.soft[position(anatomy, side * 0.4 * anatomy.lung_width, anatomy.lung_height)]
        assert lung < 0.75 * middle
        assert lung < 0.85 * abdomen


@pytest.mark.parametrize("seed", SEEDS)
def test_heart_lies_on_the_image_right(seed: int) -> None:
    anatomy = sample_anatomy(seed, "none")
    paths, shape = project_thorax(anatomy, SIZE), LungShape(anatomy)
    y = 0.88 * shape.dome_top(-1)
    reach = 0.42 * anatomy.lung_width
    heart, lung = (paths.lung[position(anatomy, side * reach, y)] for side in (1, -1))
    assert heart < 0.8 * lung


@pytest.mark.parametrize("seed", SEEDS)
def test_ribs_are_denser_than_the_spaces_between(seed: int) -> None:
    anatomy = sample_anatomy(seed, "none")
    grid = make_grid(SIZE, anatomy.field, anatomy.centre, anatomy.tilt)
    cage = CORTICAL * project_tubes(grid, ribs(anatomy), 0.73, MARROW)
    paths = project_thorax(anatomy, SIZE)
    inside = paths.lung > 60
    rib, space = inside & (cage > 0.3), inside & (cage < 0.02)
    assert rib.mean() > 0.03
    assert space.mean() > 0.02
    assert paths.bone[rib].mean() > 5 * paths.bone[space].mean()


def test_all_values_are_finite_and_not_negative() -> None:
    for seed in SEEDS:
        paths = project_thorax(sample_anatomy(seed), 64)
        for values in (paths.soft, paths.bone, paths.lung):
            assert np.isfinite(values).all()
            assert values.min() >= 0
        assert 10 < paths.soft.max() < 60


def test_a_female_patient_has_breasts_over_the_lower_lungs() -> None:
    anatomy = replace(sample_anatomy(3, "none"), breast=40.0)
    added = project_thorax(anatomy, 64).soft - project_thorax(replace(anatomy, breast=0.0), 64).soft
    assert added.max() == pytest.approx(4.0, rel=0.15)
    assert added[:10].max() == 0


def test_rotation_moves_front_and_back_apart() -> None:
    straight = replace(sample_anatomy(2, "none"), rotation=0.0, tilt=0.0)
    turned = replace(straight, rotation=8.0)
    column = np.arange(SIZE)
    top = slice(0, 12)  # only the spine lies in the neck

    def middle(anatomy: ThoraxAnatomy) -> float:
        bone = project_thorax(anatomy, SIZE).bone[top].sum(axis=0)
        return float((bone * column).sum() / bone.sum())

    shift = (middle(turned) - middle(straight)) * straight.field / SIZE
    assert shift == pytest.approx(-62 * np.sin(np.deg2rad(8)), abs=1.5)


def test_resolution_does_not_change_the_anatomy() -> None:
    anatomy = sample_anatomy(4)
    coarse, fine = project_thorax(anatomy, 64), project_thorax(anatomy, 128)
    averaged = fine.soft.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    assert np.corrcoef(averaged.ravel(), coarse.soft.ravel())[0, 1] > 0.995
    assert coarse.bone.mean() == pytest.approx(fine.bone.mean(), rel=0.03)


@pytest.mark.parametrize("finding", ["infiltrate", "nodules", "cavity"])
@pytest.mark.parametrize("seed", SEEDS)
def test_mask_covers_the_finding_and_lies_in_the_lungs(seed: int, finding: str) -> None:
    anatomy = sample_anatomy(seed, finding)  # type: ignore[arg-type]
    paths = project_thorax(anatomy, SIZE)
    healthy = project_thorax(replace(anatomy, lesions=()), SIZE)
    mask = lesion_mask(paths)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 255}
    assert np.count_nonzero(mask) > 8
    difference = np.abs(paths.soft - healthy.soft)
    assert difference[mask == 0].max() < 0.2
    assert difference.max() > 0.5
    assert (paths.lung[difference > 1e-9] > 0).all()
    np.testing.assert_array_equal(paths.bone, healthy.bone)


@pytest.mark.parametrize("seed", SEEDS)
def test_lung_mask_is_two_fields_beside_heart_and_above_the_domes(seed: int) -> None:
    anatomy = sample_anatomy(seed, "none")
    paths, shape = project_thorax(anatomy, SIZE), LungShape(anatomy)
    mask = lung_mask(paths)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 255}
    fields, count = label(mask)
    areas = sorted(np.bincount(fields.ravel())[1:])[::-1]
    assert count >= 2
    assert sum(areas[:2]) > 0.99 * sum(areas)
    assert areas[0] < 1.8 * areas[1]
    assert 0.12 < (mask > 0).mean() < 0.45
    for side in (-1, 1):
        x, y, _ = shape.position(side, 0.5, 0.0)
        assert mask[position(anatomy, x, y)] == 255
        below = position(anatomy, side * 0.47 * anatomy.lung_width, shape.dome_top(side) + 12.0)
        assert mask[below] == 0
        assert paths.cavity[below] > 0
    heart = 0.3 * anatomy.lung_width, 0.88 * shape.dome_top(-1)
    assert mask[position(anatomy, *heart)] == 0
    assert mask[position(anatomy, 0.0, 0.5 * shape.dome_top(-1))] == 0
    assert paths.soft[mask > 0].mean() < 0.8 * paths.soft[(mask == 0) & (paths.soft > 5)].mean()


def test_a_finding_does_not_change_the_lung_mask() -> None:
    healthy, ill = (project_thorax(sample_anatomy(1, finding), 64) for finding in ("none", "cavity"))
    np.testing.assert_array_equal(lung_mask(healthy), lung_mask(ill))


def test_no_finding_no_mask() -> None:
    assert lesion_mask(project_thorax(sample_anatomy(0, "none"), 64)).max() == 0
