"""Slices become a regular, upright grid, or an error names the one that does not fit."""

import math

import numpy as np
import pytest
from pydicom.dataset import Dataset

from monai_harmonize.data.dicom_series import read_series
from monai_harmonize.data.errors import ImageFileError


def test_order_and_place(tmp_path, make_series) -> None:
    make_series(tmp_path)
    series = read_series(tmp_path)
    assert series.shape == (4, 3, 5)
    assert [one.path.name for one in series.slices] == ["005.dcm", "004.dcm", "003.dcm", "002.dcm", "001.dcm"]
    np.testing.assert_allclose(
        series.affine, [[-0.5, 0, 0, 10], [0, -0.75, 0, 20.5], [0, 0, 2, 0], [0, 0, 0, 1]], atol=1e-9
    )


def test_sagittal_series(tmp_path, make_series) -> None:
    """Columns run to the back, rows to the feet: the normal points to the patient's right."""
    places = {place: {"ImagePositionPatient": [3 * place, -20, 50]} for place in range(5)}
    make_series(tmp_path, changes=places, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    series = read_series(tmp_path)
    assert [float(one.position[0]) for one in series.slices] == [12, 9, 6, 3, 0]
    np.testing.assert_allclose(
        series.affine, [[0, 0, 3, -12], [-0.5, 0, 0, 20], [0, -0.75, 0, 50], [0, 0, 0, 1]], atol=1e-9
    )


def test_one_slice(tmp_path, make_series) -> None:
    make_series(tmp_path, shape=(4, 3, 1), SpacingBetweenSlices=5)
    series = read_series(tmp_path)
    assert series.shape == (4, 3, 1)
    np.testing.assert_allclose(np.diag(series.affine), [-0.5, -0.75, 5, 1])


def test_rounded_places_and_per_slice_rescale_pass(tmp_path, make_series) -> None:
    heights = np.round(np.arange(0, 14, 1.3333), 1)[:5]
    make_series(tmp_path, heights=heights, changes={2: {"RescaleIntercept": -1000}}, GantryDetectorTilt=7)
    assert read_series(tmp_path).affine[2, 2] == pytest.approx(heights[-1] / 4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"PixelSpacing": [0.75, 0.51]}, r"PixelSpacing \(0028,0030\) is \[0.75, 0.51\]; expected \[0.75, 0.5\]"),
        (
            {"ImageOrientationPatient": [0, 1, 0, -1, 0, 0]},
            r"ImageOrientationPatient \(0020,0037\) is \[0.0, 1.0, .*expected \[1.0, 0.0",
        ),
        (
            {"PhotometricInterpretation": "MONOCHROME1"},
            r"PhotometricInterpretation \(0028,0004\) is MONOCHROME1; expected MONOCHROME2",
        ),
        ({"Rows": 2}, r"Rows \(0028,0010\) is 2; expected 3, as in 001.dcm"),
        ({"Columns": 3}, r"Columns \(0028,0011\) is 3; expected 4"),
    ],
)
def test_mixed_slices(tmp_path, make_series, change, reason) -> None:
    make_series(tmp_path, changes={2: change})
    with pytest.raises(ImageFileError, match=reason) as caught:
        read_series(tmp_path)
    assert caught.value.path == str(tmp_path / "003.dcm")


@pytest.mark.parametrize("keyword", ["RescaleIntercept", "RescaleSlope"])
@pytest.mark.parametrize("lacking", [[2], [0, 4], [0, 1, 2, 4]])
@pytest.mark.parametrize("value", [None, ""])
def test_a_rescale_in_some_slices_only(tmp_path, make_series, keyword, lacking, value) -> None:
    """One slice would be 1024 HU off."""
    make_series(tmp_path, changes={place: {keyword: value} for place in lacking})
    tag = {"RescaleIntercept": "0028,1052", "RescaleSlope": "0028,1053"}[keyword]
    told = rf"{keyword} \({tag}\) is missing in {len(lacking)} of 5 slices; .* has it; expected Rescale Slope \(0028"
    with pytest.raises(ImageFileError, match=told) as caught:
        read_series(tmp_path)
    assert caught.value.path == str(tmp_path / f"{5 - max(lacking):03d}.dcm")


def test_a_rescale_in_no_slice_or_as_a_table_passes(tmp_path, make_series) -> None:
    none = {"RescaleSlope": None, "RescaleIntercept": None}
    make_series(tmp_path / "none", **none)
    assert read_series(tmp_path / "none").slices[0].rescale == ()
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType, table.LUTData = [3, 0, 16], "HU", [0, 1, 2]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    make_series(tmp_path / "table", changes={2: {**none, "ModalityLUTSequence": [table]}})
    assert {one.rescale for one in read_series(tmp_path / "table").slices} == {("RescaleIntercept", "RescaleSlope")}


@pytest.mark.parametrize(
    ("heights", "file", "reason"),
    [
        ([0, 2, 4, 8, 10], "002.dcm", r"4 mm from that of 003.dcm; expected 2 mm: 1 missing slice"),
        ([0, 2, 10, 12, 14], "003.dcm", r"8 mm from that of 004.dcm; expected 2 mm: 3 missing slice"),
        ([0, 2, 4, 4, 6], "003.dcm", r"the same place as in 002.dcm; .*every place once"),
        ([0, 1, 2, 4, 6], "002.dcm", r"2 mm from that of 003.dcm; expected 1 mm as between others"),
        ([0, 2, 4, 6.5, 8.5], "002.dcm", r"2.5 mm from that of 003.dcm; expected 2 mm as between others"),
        ([0, 2, 6], "001.dcm", r"4 mm .*1 missing slice"),
    ],
)
def test_uneven_slices(tmp_path, make_series, heights, file, reason) -> None:
    make_series(tmp_path, shape=(4, 3, len(heights)), heights=heights)
    with pytest.raises(ImageFileError, match=rf"ImagePositionPatient \(0020,0032\) is {reason}") as caught:
        read_series(tmp_path)
    assert caught.value.path == str(tmp_path / file)


def tilted(degrees: float) -> dict:
    """Slices whose normal leans towards the back while the table moves along z."""
    angle = math.radians(degrees)
    return {"ImageOrientationPatient": [1, 0, 0, 0, math.cos(angle), math.sin(angle)], "GantryDetectorTilt": degrees}


@pytest.mark.parametrize("degrees", [0.5, -20])
def test_tilted_gantry(tmp_path, make_series, degrees) -> None:
    make_series(tmp_path, **tilted(degrees))
    reason = rf"slices lie {abs(degrees):g} degrees off .*\(0018,1120\) is {degrees:g}\), a sheared volume.*resample"
    with pytest.raises(ImageFileError, match=reason):
        read_series(tmp_path)


def test_directions_that_are_rounded_are_no_tilt(tmp_path, make_series) -> None:
    make_series(tmp_path, ImageOrientationPatient=[1, 0, 0, 0, 1, 0.0005])
    read_series(tmp_path)


def test_slices_beside_each_other(tmp_path, make_series) -> None:
    make_series(tmp_path, changes={3: {"ImagePositionPatient": [-10, -19.5, 6]}})
    with pytest.raises(ImageFileError, match=r"002.dcm: ImagePositionPatient .* is 1 mm beside the line of the others"):
        read_series(tmp_path)
