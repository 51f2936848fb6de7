"""A label map lies on its image's voxels, whatever the order of its axes, or is refused."""

import re
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from monai_harmonize.data import vertebra_numbers
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.transforms import LoadLabelMap, LoadLabelMapd, LoadRadiograph

AFFINE = np.array([[-2.0, 0, 0, 30], [0, 1.5, 0, -7], [0, 0, 4, 100], [0, 0, 0, 1]])


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)


@pytest.fixture
def image(tmp_path: Path) -> MetaTensor:
    values = np.random.default_rng(1).integers(-1000, 1000, (5, 6, 7)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(values, AFFINE), tmp_path / "image.nii.gz")
    return LoadRadiograph()(tmp_path / "image.nii.gz")


def write(folder: Path, labels: np.ndarray, affine: np.ndarray = AFFINE, axes: str | None = None) -> Path:
    made = nibabel.Nifti1Image(labels, affine)
    if axes:
        made = made.as_reoriented(ornt_transform(io_orientation(affine), axcodes2ornt(axes)))
    nibabel.save(made, folder / "labels.nii.gz")
    return folder / "labels.nii.gz"


@pytest.mark.parametrize("axes", [None, "RAS", "PIR", "SLA"])
def test_turned_axes_are_turned_back(axes: str | None, labels, image, tmp_path: Path) -> None:
    loaded = LoadLabelMap()(write(tmp_path, labels, axes=axes), image)
    np.testing.assert_array_equal(loaded[0].numpy(), labels)
    assert loaded.dtype == torch.float32
    torch.testing.assert_close(loaded.affine, image.affine)
    assert loaded.meta["filename_or_obj"] == image.meta["filename_or_obj"]


def test_values_are_renumbered(labels, image, tmp_path: Path) -> None:
    loaded = LoadLabelMapd("label", numbers={1: 20, 3: 24, 99: 7})({"image": image, "label": write(tmp_path, labels)})
    np.testing.assert_array_equal(loaded["label"][0].numpy(), np.array([0, 20, 0, 24])[labels])


def test_a_slice_has_a_label_map_too(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.arange(12, dtype=np.int16).reshape(3, 4, 1), AFFINE), tmp_path / "one.nii")
    slice_ = LoadRadiograph()(tmp_path / "one.nii")
    labels = np.eye(3, 4, dtype=np.uint8)
    assert LoadLabelMap()(write(tmp_path, labels[..., None]), slice_)[0].tolist() == labels.tolist()


def test_other_voxels_are_refused(labels, image, tmp_path: Path) -> None:
    loader = LoadLabelMap()
    with pytest.raises(ImageFileError, match=r"labels.*has \(5, 6, 6\) voxels, its image .*image.nii.gz \(5, 6, 7\)"):
        loader(write(tmp_path, labels[..., :6]), image)
    moved = AFFINE.copy()
    moved[0, 3] += 0.5
    with pytest.raises(ImageFileError, match=r"labels.*lies up to 0\.5 mm beside its image .*image\.nii\.gz;"):
        loader(write(tmp_path, labels, moved), image)
    coarse = AFFINE.copy()
    coarse[:, 2] *= 1.1
    with pytest.raises(ImageFileError, match=r"lies up to .* mm beside its image .*; expected the same voxels"):
        loader(write(tmp_path, labels, coarse), image)
    nearly = AFFINE.copy()
    nearly[0, 3] += 0.01
    loader(write(tmp_path, labels, nearly), image)


def turned(degrees: float, plane: tuple[int, int] = (0, 1)) -> np.ndarray:
    """``AFFINE`` after a turn of the patient within two axes of the body."""
    turn, angle = np.eye(4), np.deg2rad(degrees)
    turn[np.ix_(plane, plane)] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ AFFINE


@pytest.mark.parametrize("degrees", [30, 45, -45, 135, 44.999999])
@pytest.mark.parametrize("plane", [(0, 1), (0, 2), (1, 2)])
def test_axes_between_those_of_the_body(degrees: float, plane: tuple[int, int], labels, tmp_path: Path) -> None:
    """At 45 degrees two axes of the body are as near, and rounding of either file decides which is nearest."""
    affine = turned(degrees, plane)
    nibabel.save(nibabel.Nifti1Image(np.zeros(labels.shape, np.int16), affine), tmp_path / "image.nii.gz")
    image = LoadRadiograph()(tmp_path / "image.nii.gz")
    for sign in (-1, 0, 1):
        nearly = turned(degrees + sign * 1e-5, plane)
        np.testing.assert_array_equal(LoadLabelMap()(write(tmp_path, labels, nearly), image)[0].numpy(), labels)
    made = nibabel.Nifti1Image(labels, affine).as_reoriented([[1, -1], [2, 1], [0, -1]])
    nibabel.save(made, tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(LoadLabelMap()(tmp_path / "labels.nii.gz", image)[0].numpy(), labels)
    for other in (turned(degrees + 3, plane), AFFINE, turned(degrees + 90, plane)):
        with pytest.raises(ImageFileError, match=r"labels\.nii\.gz: .*image\.nii\.gz"):
            LoadLabelMap()(write(tmp_path, labels, other), image)


@pytest.mark.parametrize("wrong", [0.5, -1, np.inf, -np.inf, np.nan, 1e15, 70000])
@pytest.mark.parametrize("numbers", [None, {1: 20}])
def test_other_values_are_refused(labels, image, tmp_path: Path, wrong: float, numbers: dict[int, int] | None) -> None:
    values = labels.astype(np.float64)
    values[1, 2, 3] = wrong
    message = f"no whole numbers from 0 to 65535, such as {wrong:g}; expected a label map"
    with pytest.raises(ImageFileError, match=r"labels\.nii\.gz: .*" + re.escape(message)):
        LoadLabelMap(numbers)(write(tmp_path, values), image)


@pytest.mark.parametrize(
    ("values", "numbering", "message"),
    [
        ([255], "verse", "values 255, none of them a vertebra in numbering verse (vertebrae 1 to 25, 28); for a mask"),
        ([255], {1: 20}, 'for a mask of the whole spine give --numbering "{255: 1}"'),
        ([29, 30, 40], "verse", "all are vertebrae in numbering totalsegmentator; give --numbering totalsegmentator"),
        ([27, 28, 29, 30, 31], "verse", "only 28 of them a vertebra in numbering verse"),
        ([1], "totalsegmentator", "all are vertebrae in numbering verse; give --numbering verse"),
        ([18, 20, 21, 65, 89], "verse", "only 18, 20, 21 of them a vertebra in numbering verse"),
        ([5, 118], "totalsegmentator", "none of them a vertebra in numbering totalsegmentator"),
        ([100, 200], {20: 20}, "the numbering given (20); give the numbering that it was made with"),
        ([26, 27], "verse", "if the scan shows no vertebra, leave it out of the manifest"),
    ],
)  # fmt: skip
def test_a_map_without_vertebrae_is_of_another_numbering(
    values: list[int], numbering: Any, message: str, image, tmp_path: Path
) -> None:
    """Trained on such a map a network would learn that there is nothing."""
    labels = np.resize([0, 0, *values], image.shape[1:]).astype(np.uint8)
    with pytest.raises(ImageFileError, match=r"labels\.nii\.gz: has the values") as error:
        LoadLabelMap(vertebra_numbers(numbering))(write(tmp_path, labels), image)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("values", "numbering", "expected"),
    [
        ([0], "verse", [0]),
        ([0], {1: 20}, [0]),
        ([0, 1], "verse", [0, 1]),
        ([0, 24, 26], "verse", [0, 24]),
        ([0, 1, 51, 27], "totalsegmentator", [0, 24]),
        ([0, 255], {255: 1}, [0, 1]),
        # Structures of a scan of the pelvis, no vertebra above the sacrum among them.
        ([0, 18, 20, 21, 25, 26, 65, 89], "totalsegmentator", [0]),
        # A tool's discs beside its vertebrae, which TotalSegmentator knows as little.
        ([0, 20, 120], "verse", [0, 20]),
    ],
)
def test_maps_with_vertebrae_or_nothing_are_taken(
    values: list[int], numbering: Any, expected: list[int], image, tmp_path: Path
) -> None:
    labels = np.resize(values, image.shape[1:]).astype(np.uint8)
    loaded = LoadLabelMap(vertebra_numbers(numbering))(write(tmp_path, labels), image)
    assert loaded.unique().tolist() == expected


@pytest.mark.real_data
def test_a_series_and_its_label_map_by_another_tool(real_data: Path) -> None:
    """The series has its rows from front to back, its label map from back to front."""
    image = LoadRadiograph()(real_data / "ct" / "totalseg_dicom_siemens")
    file = real_data / "ct" / "totalseg_dicom_siemens_seg117.nii.gz"
    labels = LoadLabelMap(vertebra_numbers("totalsegmentator"))(file, image)
    assert set(labels.unique().tolist()) == {0, 18, 19}
    # Vertebrae are denser than their surroundings.
    assert image[labels > 0].mean() > image[labels == 0].mean() + 200
