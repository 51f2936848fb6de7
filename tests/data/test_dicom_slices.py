"""Which files of a folder are the slices of one series, and which errors name the others."""

import shutil

import pydicom
import pytest
from pydicom.dataset import Dataset

from monai_harmonize.data.dicom_slices import slices_of
from monai_harmonize.data.errors import ImageFileError


def test_slices_by_file_name_and_what_they_hold(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct", GantryDetectorTilt=-1.5)
    found = slices_of(tmp_path / "ct")
    assert [one.path.name for one in found] == ["001.dcm", "002.dcm", "003.dcm", "004.dcm", "005.dcm"]
    assert found[0].position.tolist() == [-10, -20.5, 8]
    assert (found[0].columns, found[0].rows, found[0].series, found[0].number) == (4, 3, "1.2.3.3", 3)
    assert found[0].spacing.tolist() == [0.75, 0.5]
    assert found[0].normal.tolist() == [0, 0, 1]
    assert found[0].tilt == -1.5


def test_what_is_no_slice_is_left_out(tmp_path, make_series, make_dicom, ramp) -> None:
    folder = tmp_path / "ct"
    make_series(folder)
    (folder / "notes.txt").write_text("no image")
    (folder / "deep").mkdir()
    for name in ("._001.dcm", "DICOMDIR", "a.pr.dcm", "deep/b.dcm"):
        shutil.copyfile(folder / "001.dcm", folder / name)
    report = pydicom.dcmread(folder / "001.dcm")
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    report.SeriesInstanceUID = "1.2.3.99"
    report.save_as(folder / "report.dcm")
    assert len(slices_of(folder)) == 5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, r"ImageType \(0008,0008\) is LOCALIZER; .*move it out"),
        ({"NumberOfFrames": 20}, r"NumberOfFrames \(0028,0008\) is 20; .*split"),
        (
            {"SharedFunctionalGroupsSequence": [Dataset()], "NumberOfFrames": 1},
            r"SharedFunctionalGroupsSequence \(5200,9229\) is present; an enhanced image of 1 frames",
        ),
        ({"ImagePositionPatient": None}, r"ImagePositionPatient \(0020,0032\) is missing .*needs 3 numbers"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1]}, r"ImageOrientationPatient \(0020,0037\) is missing or damaged"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 1, 0]}, r"\[1.0, 0.0, 0.0, 1.0, 1.0, 0.0\]; expected two perpend"),
        ({"PixelSpacing": None}, r"PixelSpacing \(0028,0030\) is missing"),
        ({"PixelSpacing": [0.7, 0]}, r"PixelSpacing \(0028,0030\) is \[0.7, 0.0\]; expected two positive"),
    ],
)
def test_a_file_that_is_no_slice_is_named(tmp_path, make_series, change, reason) -> None:
    make_series(tmp_path, changes={1: change})
    with pytest.raises(ImageFileError, match=reason) as caught:
        slices_of(tmp_path)
    assert caught.value.path == str(tmp_path / "004.dcm")


def test_several_series_are_listed_without_what_may_be_the_patients(tmp_path, make_series) -> None:
    other = {"SeriesInstanceUID": "1.2.3.77", "SeriesNumber": 12, "SeriesDescription": "SECRET"}
    make_series(tmp_path, changes={0: other, 2: other})
    with pytest.raises(ImageFileError, match="holds 2 series") as caught:
        slices_of(tmp_path)
    reason = caught.value.reason
    assert "Series Number (0020,0011) 3: 3 files of 4 x 3 pixels, such as 001.dcm" in reason
    assert "Series Number (0020,0011) 12: 2 files of 4 x 3 pixels, such as 003.dcm" in reason
    assert "SECRET" not in reason
    assert "1.2.3.77" not in reason


def test_files_without_a_series_are_one(tmp_path, make_series) -> None:
    make_series(tmp_path, SeriesInstanceUID="", SeriesNumber=None)
    assert {one.series for one in slices_of(tmp_path)} == {""}


def test_folder_without_slices_and_damaged_slice(tmp_path, make_series) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ImageFileError, match=f"{tmp_path}: the folder itself holds no DICOM slices"):
        slices_of(tmp_path)
    make_series(tmp_path)
    (tmp_path / "003.dcm").write_bytes((tmp_path / "003.dcm").read_bytes()[:150])
    with pytest.raises(ImageFileError, match=r"003\.dcm: not a DICOM file, or truncated"):
        slices_of(tmp_path)
