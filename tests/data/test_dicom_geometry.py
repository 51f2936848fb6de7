"""Spacing and affine, against closed forms and against MONAI's ITKReader."""

import numpy as np
import pytest
from monai.data import ITKReader
from pydicom.dataset import Dataset

from monai_harmonize.data.dicom_geometry import image_affine, pixel_spacing

CT = "1.2.840.10008.5.1.4.1.1.2"
CR = "1.2.840.10008.5.1.4.1.1.1"


def header(**attributes):
    dataset = Dataset()
    dataset.update(attributes)
    return dataset


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, None),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, (0.1, 0.2)),
        ({"PixelSpacing": [0.4, 0.3], "ImagerPixelSpacing": [0.2, 0.1]}, (0.3, 0.4)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.1]}, (0.1, 0.2)),
        ({"PixelSpacing": None, "NominalScannedPixelSpacing": [0.6, 0.5]}, (0.5, 0.6)),
        ({"PixelSpacing": [0.4]}, None),
        ({"PixelSpacing": [0.4, -0.4]}, None),
    ],
)
def test_the_calibrated_spacing_wins_and_columns_come_first(attributes, expected):
    assert pixel_spacing(header(**attributes), "a.dcm") == expected


def test_affine_without_a_place_in_the_patient():
    affine = image_affine(header(PixelSpacing=[0.4, 0.3]), "a.dcm")
    np.testing.assert_array_equal(affine, np.diag([-0.3, -0.4, 1, 1]))


@pytest.mark.parametrize(
    "orientation",
    [[0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 1, 0]],
    ids=["zero", "parallel", "long"],
)
def test_impossible_orientation_is_not_used(orientation):
    dataset = header(ImageOrientationPatient=orientation, ImagePositionPatient=[1, 2, 3], PixelSpacing=[2, 2])
    np.testing.assert_array_equal(image_affine(dataset, "a.dcm"), np.diag([-2, -2, 1, 1]))


OBLIQUE = {
    "ImageOrientationPatient": [0.8, 0.6, 0.0, 0.0, 0.0, -1.0],
    "ImagePositionPatient": [-12.5, 7.25, 100.0],
    "PixelSpacing": [0.75, 0.5],
}


@pytest.mark.parametrize(
    "attributes",
    [
        {"SOPClassUID": CT, **OBLIQUE},
        {"SOPClassUID": CT, **OBLIQUE, "SpacingBetweenSlices": 2.5},
        {"SOPClassUID": CR, "ImagerPixelSpacing": [0.2, 0.1]},
        {"SOPClassUID": CR},
    ],
    ids=["oblique CT", "CT with slice distance", "CR at the detector", "CR without spacing"],
)
def test_affine_is_that_of_monai_itk_reader(tmp_path, make_dicom, ramp, attributes):
    path = make_dicom(tmp_path / "a.dcm", ramp, **attributes)
    reader = ITKReader()
    _, meta = reader.get_data(reader.read(path))
    np.testing.assert_allclose(image_affine(header(**attributes), path), meta["affine"], atol=1e-6)
