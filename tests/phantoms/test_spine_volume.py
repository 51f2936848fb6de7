"""The spine phantom's anatomy: labels, shapes, positions and what fills them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, center_of_mass, label

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.spine_anatomy import sample_spine
from monai_harmonize.phantoms.spine_bones import JOINT, rasterize_spine
from monai_harmonize.phantoms.spine_levels import LEVELS, NUMBERS, select_labels
from monai_harmonize.phantoms.spine_looks import Look, look_at
from monai_harmonize.phantoms.spine_pose import Pose, poses
from monai_harmonize.phantoms.spine_volume import SpineVolume, voxelize_spine

PLAIN = Look("plain", blur=0.1, overshoot=0, noise=0, hardening=0)
LUMBAR = ("L1", "L2", "L3", "L4")
CONTRAST = replace(sample_spine(3), iodine=0.007, shift=(0.0, 0.0, 0.0), rotation=0.0)


@pytest.fixture(scope="module")
def spine() -> SpineVolume:
    """Close to the spine, fine voxels."""
    return voxelize_spine(CONTRAST, (80, 80, 44), (2.0, 2.0, 4.0))


@pytest.fixture(scope="module")
def trunk() -> SpineVolume:
    """All of the trunk, coarse voxels."""
    return voxelize_spine(CONTRAST, (88, 88, 48), (4.0, 4.0, 5.0))


def middle(volume: SpineVolume, tissue: str) -> NDArray[np.float64]:
    """Middle of a tissue in mm to the left, the back and the head."""
    place = np.array(center_of_mass(volume.labels == NUMBERS[tissue]))
    return volume.corner + place * volume.materials.spacing


def hounsfield(volume: SpineVolume, tissue: str, shrink: int = 1) -> NDArray[np.int16]:
    inside = volume.labels == NUMBERS[tissue]
    return look_at(volume.materials, PLAIN, 0)[binary_erosion(inside, iterations=shrink) if shrink else inside]


def test_the_labels_that_belong_in_the_field_are_there_and_no_others(spine: SpineVolume, trunk: SpineVolume) -> None:
    known = {0, *NUMBERS.values()}
    for volume in (spine, trunk):
        assert set(np.unique(volume.labels)) <= known
        for name in ("T12", "L1", "L2", "L3", "L4", "L5", "disc_L1", "disc_L4", "canal", "psoas", "back_muscles"):
            assert (volume.labels == NUMBERS[name]).sum() * np.prod(volume.materials.spacing) > 500, name
    for name in ("skin", "fat", "abdominal_wall", "liver", "spleen", "kidneys", "bowel", "aorta", "vena_cava"):
        assert (trunk.labels == NUMBERS[name]).any(), name
    for name in ("table", "ribs", "pelvis", "sacrum", "lungs"):
        assert (trunk.labels == NUMBERS[name]).any(), name


@pytest.mark.parametrize("seed", range(4))
def test_a_vertebra_is_one_piece_from_its_body_to_its_spinous_process(seed: int) -> None:
    anatomy = replace(sample_spine(seed), shift=(0.0, 0.0, 0.0))
    volume = voxelize_spine(anatomy, (64, 64, 40), (2.5, 2.5, 4.0))
    for pose in poses(anatomy):
        if pose.level.name not in LUMBAR:
            continue
        pieces, count = label(volume.labels == pose.level.number, np.ones((3, 3, 3)))
        assert count == 1, pose.level.name
        turn = np.deg2rad(anatomy.rotation)
        extent = np.argwhere(pieces == 1) * volume.materials.spacing + volume.corner - pose.centre
        behind = extent[:, 1] * np.cos(turn) - extent[:, 0] * np.sin(turn)
        assert behind.max() > 45
        assert behind.min() < -12
        volume_in_ml = len(extent) * np.prod(volume.materials.spacing) / 1000
        assert 25 < volume_in_ml < 90


def test_vertebrae_follow_each_other_and_discs_lie_between(spine: SpineVolume) -> None:
    heights = [middle(spine, name)[2] for name in ("L1", "disc_L1", "L2", "disc_L2", "L3", "disc_L3", "L4")]
    assert (np.diff(heights) < -5).all()


def test_organs_lie_where_they_belong(trunk: SpineVolume) -> None:
    vertebra, liver, aorta, cava, spleen = (
        middle(trunk, name) for name in ("L2", "liver", "aorta", "vena_cava", "spleen")
    )
    assert liver[0] < vertebra[0] - 30 < vertebra[0] + 30 < spleen[0]
    assert cava[0] < aorta[0]
    assert aorta[1] < vertebra[1] - 15
    assert middle(trunk, "back_muscles")[1] > vertebra[1] + 15
    assert middle(trunk, "table")[1] > middle(trunk, "back_muscles")[1] + 20
    assert middle(trunk, "lungs")[2] > middle(trunk, "kidneys")[2] > middle(trunk, "pelvis")[2]


def test_tissues_have_their_hounsfield_units(spine: SpineVolume, trunk: SpineVolume) -> None:
    assert np.median(hounsfield(spine, "psoas")) == pytest.approx(50, abs=8)
    assert np.median(hounsfield(spine, "disc_L3", 0)) == pytest.approx(85, abs=25)
    assert np.median(hounsfield(trunk, "fat")) == pytest.approx(-100, abs=12)
    assert np.median(hounsfield(trunk, "liver")) == pytest.approx(95, abs=25)
    assert -900 < np.median(hounsfield(trunk, "lungs", 0)) < -650
    assert 180 < np.median(hounsfield(spine, "aorta")) < 280
    assert np.median(hounsfield(trunk, "kidneys")) > np.median(hounsfield(trunk, "liver"))
    image = look_at(spine.materials, PLAIN, 0)
    steps = np.moveaxis(np.indices(spine.labels.shape), 0, -1)
    spongy = (np.abs(steps * spine.materials.spacing + spine.corner) < 7).all(axis=-1)
    assert (spine.labels[spongy] == NUMBERS["L3"]).all()
    assert 60 < np.median(image[spongy]) < 330
    assert np.percentile(image[spine.labels == NUMBERS["L3"]], 95) > 500
    assert np.median(look_at(trunk.materials, PLAIN, 0)[trunk.labels == 0]) <= -990


def test_osteoporosis_and_contrast_medium_show() -> None:
    shape, spacing = (48, 48, 12), (2.5, 2.5, 4.0)
    plain = replace(CONTRAST, iodine=0.0, marrow=0.25)
    images = [
        look_at((volume := voxelize_spine(anatomy, shape, spacing)).materials, PLAIN, 0)
        for anatomy in (plain, replace(plain, marrow=0.08), replace(plain, iodine=0.007))
    ]
    vertebra, aorta = volume.labels == NUMBERS["L3"], volume.labels == NUMBERS["aorta"]
    assert images[0][vertebra].mean() > images[1][vertebra].mean() + 60
    assert np.median(images[2][aorta]) > np.median(images[0][aorta]) + 150


@pytest.mark.parametrize("lordosis", [30.0, 60.0])
def test_lordosis_is_the_angle_between_l1_and_the_sacrum(lordosis: float) -> None:
    spine = {pose.level.name: pose for pose in poses(replace(CONTRAST, lordosis=lordosis, scoliosis=0.0))}
    first, last = spine["L1"].axes[:, 2], spine["S1"].axes[:, 2]
    assert np.rad2deg(np.arccos(first @ last)) == pytest.approx(lordosis, abs=0.1)
    for pose in spine.values():
        np.testing.assert_allclose(pose.axes.T @ pose.axes, np.eye(3), atol=1e-12)
        assert np.linalg.det(pose.axes) == pytest.approx(1)


def test_scoliosis_shifts_to_its_side_and_zero_is_straight() -> None:
    def sideways(angle: float) -> NDArray[np.float64]:
        return np.array([pose.centre[0] for pose in poses(replace(CONTRAST, scoliosis=angle))])

    np.testing.assert_allclose(sideways(0.0), 0, atol=1e-12)
    assert np.ptp(sideways(8.0)) > 2
    np.testing.assert_allclose(sideways(-8.0), -sideways(8.0), atol=1e-9)


def test_patients_differ_and_come_again() -> None:
    assert sample_spine(7) == sample_spine(7) != sample_spine(8)
    first, again, other = (voxelize_spine(sample_spine(seed), (40, 40, 8), (4, 4, 5)) for seed in (7, 7, 8))
    for name in ("water", "bone", "iodine", "body"):
        np.testing.assert_array_equal(getattr(first.materials, name), getattr(again.materials, name))
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.labels != other.labels).mean() > 0.05


def test_label_maps_for_training() -> None:
    labels = np.array([0, 14, 15, 19, 20, 24, 26, 40, 100, 110, 203, 224], np.uint8)
    numbers = [level.number for level in LEVELS]
    assert (numbers, NUMBERS["T12"], NUMBERS["L1"]) == (list(range(15, 25)), 19, 20)
    assert select_labels(labels).tolist() == [0, 0, 15, 19, 20, 24, 0, 0, 0, 0, 0, 0]
    assert select_labels(labels, "binary").tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert select_labels(labels, "classes").tolist() == [0, 0, 1, 1, 1, 1, 4, 0, 3, 0, 2, 2]
    assert select_labels(labels, "all") is labels
    with pytest.raises(InputError, match="'spine'"):
        select_labels(labels, "spine")


@pytest.mark.parametrize(("shape", "spacing"), [((4, 32, 32), (2, 2, 2)), ((32, 32, 32), (2, 2, 0.1))])
def test_impossible_volumes_are_told(shape: tuple, spacing: tuple) -> None:
    with pytest.raises(InputError, match="8 or more each"):
        voxelize_spine(CONTRAST, shape, spacing)


def test_a_joint_stays_open_between_bones_that_would_overlap() -> None:
    level = next(level for level in LEVELS if level.name == "L3")
    upper, lower = (
        Pose(level._replace(number=number), np.array((0.0, 0.0, height)), np.eye(3), 1.0)
        for number, height in ((21, 18.0), (22, 0.0))
    )
    middle_line = np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), np.arange(0, 18, 0.25).reshape(1, 1, -1)
    bones = rasterize_spine(middle_line, [upper, lower], CONTRAST, 0.25, 1)
    assert (1 - bones.share).sum() * 0.25 == pytest.approx(JOINT, abs=0.1)
    assert bones.labels[0, 0, [0, -1]].tolist() == [22, 21]
