"""A label map lies on its image's voxels, whatever the order of its axes, or is refused."""

from pathlib import Path

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
    with pytest.raises(ImageFileError, match=r"labels.*has \(5, 6, 6\) voxels, its image \(5, 6, 7\)"):
        loader(write(tmp_path, labels[..., :6]), image)
    moved = AFFINE.copy()
    moved[0, 3] += 0.5
    with pytest.raises(ImageFileError, match=r"lies up to 0\.5 mm beside its image"):
        loader(write(tmp_path, labels, moved), image)
    coarse = AFFINE.copy()
    coarse[:, 2] *= 1.1
    with pytest.raises(ImageFileError, match=r"lies up to .* mm beside its image; expected the same voxels"):
        loader(write(tmp_path, labels, coarse), image)
    nearly = AFFINE.copy()
    nearly[0, 3] += 0.01
    loader(write(tmp_path, labels, nearly), image)


def test_other_values_are_refused(labels, image, tmp_path: Path) -> None:
    for wrong in (labels + np.float32(0.5), labels.astype(np.int16) - 1):
        with pytest.raises(ImageFileError, match="no whole numbers from 0 on; expected a label map"):
            LoadLabelMap()(write(tmp_path, wrong), image)


@pytest.mark.real_data
def test_a_series_and_its_label_map_by_another_tool(real_data: Path) -> None:
    """The series has its rows from front to back, its label map from back to front."""
    image = LoadRadiograph()(real_data / "ct" / "totalseg_dicom_siemens")
    file = real_data / "ct" / "totalseg_dicom_siemens_seg117.nii.gz"
    labels = LoadLabelMap(vertebra_numbers("totalsegmentator"))(file, image)
    assert set(labels.unique().tolist()) == {0, 18, 19}
    # Vertebrae are denser than their surroundings.
    assert image[labels > 0].mean() > image[labels == 0].mean() + 200
